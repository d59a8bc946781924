"""Pure methods over codes and features: search, candidate pairs, verification, clustering."""
