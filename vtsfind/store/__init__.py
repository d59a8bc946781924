"""What vtsfind keeps on its own disk space."""
