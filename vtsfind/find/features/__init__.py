"""The features by which photos are compared: a small picture, and local features."""
