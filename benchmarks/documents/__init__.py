"""Pages and screens of one template that are different documents, drawn; and what `dupes` makes of them."""
