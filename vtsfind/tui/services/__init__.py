"""Work beside the screens: background jobs, thumbnails, other programs."""
