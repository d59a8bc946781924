"""Find, compare and safely remove look-alike photos, by Vision Transformer Hashing."""

__version__ = "0.1.0"
