"""What people and programs see: text, NDJSON, progress and small pictures. The only writer of the standard streams."""
