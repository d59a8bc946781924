"""Plain values and rules; the only input is settings, and there is no output."""
