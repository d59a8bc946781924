"""Plans carried out and taken back: `plans`, `apply`, `undo`, and `recovery` after a kill."""
