"""The screens. None imports another or the application; they post messages."""
