"""Duplicates of a library, stage by stage; `pipeline` is the one to read first."""
