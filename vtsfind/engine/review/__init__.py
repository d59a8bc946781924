"""The review of groups: decisions, undo, filters, and the comparison of two photos; knows no screen."""
