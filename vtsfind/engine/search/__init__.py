"""Search: the photos of a library that are most similar to a given one."""
