"""Pure questions over codes."""
