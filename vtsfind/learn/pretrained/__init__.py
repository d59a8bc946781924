"""Start weights that others published: downloaded, imported and put in place."""
