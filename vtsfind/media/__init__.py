"""From files to pixels; the only layer that opens pictures."""
