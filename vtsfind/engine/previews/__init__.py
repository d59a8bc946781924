"""Pictures small enough to be shown."""
