"""Pictures in a terminal: what it understands, and how pixels become that. Shared by `report` and `tui`."""
