"""Gradient-boosted decision trees (Friedman, 2001) as plain arrays: what a script fitted, NumPy evaluates."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class BoostedTrees:
    """Trees whose leaves add up to a score; k nodes of t trees, all in one row."""

    inputs: tuple[str, ...]
    """Names of the numbers that a vector has, in order."""
    start: float
    """The score before any tree."""
    roots: npt.NDArray[np.int32]
    """(t,)"""
    feature: npt.NDArray[np.int16]
    """(k,) which number a node asks for; -1 for a leaf."""
    threshold: npt.NDArray[np.float32]
    """(k,) at most this goes left."""
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    """(k,) the next node; a leaf names itself."""
    value: npt.NDArray[np.float32]
    """(k,) what a leaf adds."""
    depth: int

    def score(self, vector: npt.NDArray[np.float32]) -> float:
        """Add up the leaves that a vector (m,) comes to: log-odds."""
        nodes = self.roots
        for _ in range(self.depth):
            goes_left = vector[self.feature[nodes]] <= self.threshold[nodes]
            nodes = np.where(goes_left, self.left[nodes], self.right[nodes])
        return self.start + float(self.value[nodes].sum(dtype=np.float64))

    def save(self, path: Path) -> None:
        """Write the arrays as `.npz`."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                inputs=np.array(self.inputs),
                start=np.float64(self.start),
                roots=self.roots,
                feature=self.feature,
                threshold=self.threshold,
                left=self.left,
                right=self.right,
                value=self.value,
                depth=np.int64(self.depth),
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        OSError, ValueError
            If the file is not there, or is something else.
        """
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                inputs=tuple(arrays["inputs"].tolist()),
                start=float(arrays["start"]),
                roots=arrays["roots"],
                feature=arrays["feature"],
                threshold=arrays["threshold"],
                left=arrays["left"],
                right=arrays["right"],
                value=arrays["value"],
                depth=int(arrays["depth"]),
            )
