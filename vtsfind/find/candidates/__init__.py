"""Candidate pairs: by near hash codes, and by local features in common."""
