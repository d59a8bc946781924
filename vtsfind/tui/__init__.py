"""The terminal UI: thin views of the engine."""
