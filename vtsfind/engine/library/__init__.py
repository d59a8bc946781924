"""Which library, which model, what is in it, whether it is sound, and what a person has decided."""
