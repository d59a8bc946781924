"""Published start weights: downloading, importing and loading them."""
