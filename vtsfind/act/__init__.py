"""The user's files: what to keep, what to do, and doing it safely."""
