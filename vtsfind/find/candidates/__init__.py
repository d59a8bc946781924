"""Pairs that may be duplicates, by near codes and by local features in common."""
