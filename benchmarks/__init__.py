"""Measurements: `python -m benchmarks.NAME`. Their results are in docs/results."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # what tests draw and drive, they use too
