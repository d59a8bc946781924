"""The screens, one a file. No screen imports another."""
