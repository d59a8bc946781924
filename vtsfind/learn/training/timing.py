"""Measuring training: its speed, how long it waits for data, and its loss without the noise of single batches."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import TypeVar

_RECENT_S = 60.0
_MEMORY = 0.98
"""Weight of what was before in a smoothed loss: about the last 50 batches count."""
_T = TypeVar("_T")


class StepTimer:
    """Measures the time of steps and of waiting for their batches.

    Parameters
    ----------
    views
        Pictures in a step.
    """

    def __init__(self, views: int) -> None:
        self.views = views
        self.steps, self.waited_s, self.elapsed_s = 0, 0.0, 0.0
        self._recent: deque[tuple[float, int]] = deque()

    def timed(self, batches: Iterator[_T]) -> Iterator[_T]:
        """Yield the batches, and measure the time until each arrives, except the first, for which workers start."""
        last = time.monotonic()
        for number, batch in enumerate(batches):
            arrived_at = time.monotonic()
            self.waited_s += arrived_at - last if number else 0.0
            started_at = arrived_at if not number else last
            if not number:
                self._recent.append((started_at, 0))
            yield batch
            last = time.monotonic()
            self.steps += 1
            self.elapsed_s += last - started_at
            self._recent.append((last, self.steps))
            while last - self._recent[0][0] > _RECENT_S and len(self._recent) > 2:
                self._recent.popleft()

    @property
    def views_per_second(self) -> float:
        """Pictures in a second."""
        return self.steps * self.views / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def recent_views_per_second(self) -> float:
        """Pictures a second in the last minute."""
        if len(self._recent) < 2:
            return 0.0
        (began, before), (ended, after) = self._recent[0], self._recent[-1]
        return (after - before) * self.views / (ended - began) if ended > began else 0.0

    @property
    def waiting_share(self) -> float:
        """Share of the time that training waited for data."""
        return self.waited_s / self.elapsed_s if self.elapsed_s else 0.0

    def report(self) -> dict[str, float]:
        """Plain values for the metrics."""
        return {"views_per_s": round(self.views_per_second, 2), "waiting_share": round(self.waiting_share, 4)}


class LossTerms:
    """The terms of the loss: smoothed, and their means since they were last asked for."""

    def __init__(self) -> None:
        self._smoothed: dict[str, float] = {}
        self._sums: dict[str, float] = {}
        self._weight, self._count = 0.0, 0

    def add(self, terms: Mapping[str, float]) -> None:
        """Take the terms of one batch in."""
        self._weight = _MEMORY * self._weight + 1 - _MEMORY
        self._count += 1
        for name, value in terms.items():
            self._smoothed[name] = _MEMORY * self._smoothed.get(name, 0.0) + (1 - _MEMORY) * value
            self._sums[name] = self._sums.get(name, 0.0) + value

    def smoothed(self) -> dict[str, float]:
        """Exponential averages, without the bias to 0 of a young one."""
        return {name: value / self._weight for name, value in self._smoothed.items()}

    def take_means(self) -> dict[str, float]:
        """Means over the batches since the last call."""
        means = {name: value / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return means
