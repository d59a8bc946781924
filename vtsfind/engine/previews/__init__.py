"""Decoded pictures for display."""
