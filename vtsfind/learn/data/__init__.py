"""Data sets, protocols and splits."""
