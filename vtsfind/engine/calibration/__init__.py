"""Calibration: the false-match rate and the recall of each radius, measured on the library itself."""
