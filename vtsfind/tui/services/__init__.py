"""Background jobs, pictures, and other programs."""
