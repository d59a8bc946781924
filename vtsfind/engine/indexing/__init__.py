"""Bringing a library up to date: what changed on the disk, and codes for what is new."""
