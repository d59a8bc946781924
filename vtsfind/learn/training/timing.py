"""Measuring the speed of training, and how long it waits for data."""

import time
from collections.abc import Iterator
from typing import TypeVar

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

    def timed(self, batches: Iterator[_T]) -> Iterator[_T]:
        """Yield the batches, and measure the time until each arrives, except the first, for which workers start."""
        last = time.monotonic()
        for number, batch in enumerate(batches):
            arrived_at = time.monotonic()
            self.waited_s += arrived_at - last if number else 0.0
            started_at = arrived_at if not number else last
            yield batch
            last = time.monotonic()
            self.steps += 1
            self.elapsed_s += last - started_at

    @property
    def views_per_second(self) -> float:
        """Pictures in a second."""
        return self.steps * self.views / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def waiting_share(self) -> float:
        """Share of the time that training waited for data."""
        return self.waited_s / self.elapsed_s if self.elapsed_s else 0.0

    def report(self) -> dict[str, float]:
        """Plain values for the metrics."""
        return {"views_per_s": round(self.views_per_second, 2), "waiting_share": round(self.waiting_share, 4)}
