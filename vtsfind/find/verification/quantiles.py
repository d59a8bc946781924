"""Medians and quantiles as NumPy gives them, to the last bit, of values of which none is NaN: sooner, for small arrays and for large ones."""

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating]

_MANY = 4096
"""Values from which on a sample tells where to look for a rank."""
_SAMPLED = 1024
_SAMPLED_RANKS = 64
"""Ranks of the sample to either side of the one that is asked for: four deviations of where it is among all values."""


def median(values: Values) -> np.floating:
    """As `numpy.median`: the value in the middle, or the mean of two."""
    upper = values.size // 2
    low, high = _ranked(values.ravel(), upper - 1 + values.size % 2, upper)
    return (low + high) / 2


def quantile(values: Values, share: float) -> np.floating:
    """As `numpy.quantile`: below which a share of the values lies, 0 to 1; a NumPy float is interpolated in its own precision."""
    place = share * (values.size - 1)
    below = int(place)
    low, high = _ranked(values.ravel(), below, min(below + 1, values.size - 1))
    rest = place - below
    return low + (high - low) * rest if rest < 0.5 else high - (high - low) * (1 - rest)


def quantiles_of_sorted(values: Values, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """As `numpy.quantile` of values (n,) that rise: for each share."""
    places = shares * (len(values) - 1)
    below = places.astype(np.intp)
    rest = places - below
    low, high = values[below], values[np.minimum(below + 1, len(values) - 1)]
    step = high - low
    return np.asarray(np.where(rest < 0.5, low + step * rest, high - step * (1 - rest)), np.float64)


def _ranked(values: Values, low: int, high: int) -> tuple[np.floating, np.floating]:
    """The values (n,) that two neighbouring ranks have when all are sorted."""
    if values.size >= _MANY:
        sample = np.sort(values[:: values.size // _SAMPLED])
        rank = low * len(sample) // values.size
        least = sample[max(0, rank - _SAMPLED_RANKS)]
        most = sample[min(len(sample) - 1, rank + _SAMPLED_RANKS)]
        below = int(np.count_nonzero(values < least))
        near = values[(values >= least) & (values <= most)]
        if below <= low and high < below + near.size:
            values, low, high = near, low - below, high - below
    sorted_there = np.partition(values, (low, high))
    return sorted_there[low], sorted_there[high]
