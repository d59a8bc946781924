"""The terminal screens: thin views of the engine."""
