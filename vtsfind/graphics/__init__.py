"""Pictures in a terminal: what it supports, and how pixels are drawn. Shared by `report` and `tui`."""
