"""Models: the only layer that imports torch and timm."""
