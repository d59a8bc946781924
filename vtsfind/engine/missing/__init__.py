"""Whether every photo of a card is in the library already."""
