"""Photos that look like a photo."""
