"""Training: recipes, the loop, and everything that changes in it."""
