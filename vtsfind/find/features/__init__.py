"""What is kept of one photo to compare it with others: a small picture, and local features."""
