"""Indexing: find what changed on the disk, and encode what is new."""
