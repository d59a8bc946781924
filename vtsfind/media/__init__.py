"""From disk to pixels; the only layer that opens pictures."""
