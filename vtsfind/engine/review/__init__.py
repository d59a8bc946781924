"""A review of groups: what was decided, and undone, without any screen."""
