"""Search and joins over packed codes by Hamming distance."""
