"""Missing: which photos of a memory card, or of any folder, are not in the library."""
