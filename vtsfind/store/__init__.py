"""Persistent data: libraries, the journal, decisions and caches."""
