"""Confidence bounds of rates and shares, one-sided, of 95 % each."""

import math
from collections.abc import Sequence
from typing import Final

_Z95: Final = 1.6449
"""Of a normal distribution, 95 % lie below so many deviations."""


def upper_rate(events: float, trials: float, inflation: float = 1.0) -> float:
    """The 95 % upper bound of the rate of rare events.

    Parameters
    ----------
    events
        How many there were; need not be whole.
    trials
        Of how many.
    inflation
        How many times larger the variance of `events` is than if they were independent: pairs that share a photo are
        not. So many trials count as one.

    The bound of a Poisson count by the approximation of Wilson and Hilferty (1931), which is within 1 % from no event
    on: 2.97 where the exact bound is 3.00.

    >>> round(upper_rate(0, 1_000_000) * 1_000_000, 2)
    2.97
    """
    if trials <= 0:
        return 1.0
    count = max(events / inflation, 0.0) + 1
    bound = count * (1 - 1 / (9 * count) + _Z95 / (3 * math.sqrt(count))) ** 3
    return min(1.0, bound * inflation / trials)


def upper_share(share: float, trials: float) -> float:
    """The 95 % upper bound of a share, by the score interval of Wilson (1927); 1 if there were no trials.

    >>> round(upper_share(0.0, 32), 3)
    0.078
    """
    if trials <= 0:
        return 1.0
    spread = _Z95**2 / trials
    root = math.sqrt(spread * (share * (1 - share) + spread / 4))
    return min(1.0, (share + spread / 2 + root) / (1 + spread))


def lower_share(share: float, trials: float) -> float:
    """The 95 % lower bound of a share, see `upper_share`; 0 if there were no trials."""
    return max(0.0, 1 - upper_share(1 - share, trials))


def running_max(values: Sequence[float]) -> tuple[float, ...]:
    """Each value, or an earlier one that is higher: what holds within a radius cannot be less within a larger one."""
    most, result = 0.0, []
    for value in values:
        most = max(most, value)
        result.append(most)
    return tuple(result)
