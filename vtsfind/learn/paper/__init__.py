"""The published figures, and the grid of runs that reproduces the paper's tables."""
