"""Web pages for people: one file each, with pictures, style and script inside, that loads nothing from elsewhere."""
