"""Groups of verified pairs, and one representative for photos that show the same."""
