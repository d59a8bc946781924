"""Output for people and programs: text, JSON, progress and small pictures. The only writer of the standard streams."""
