"""Parts of pictures at any size, by NumPy alone: fast enough to follow a key that is held down."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""(h, w, 3): red, green and blue."""


@dataclass(frozen=True, slots=True)
class Look:
    """Which part of a picture is looked at: the same look shows the same part of pictures of the same shape."""

    zoom: float = 1.0
    """1 shows all of the picture."""
    x: float = 0.5
    """The middle of the view, as a fraction of the width."""
    y: float = 0.5

    def zoomed(self, factor: float, most: float = 64.0) -> "Look":
        """The same middle, closer or farther."""
        return replace(self, zoom=min(max(1.0, self.zoom * factor), most)).inside()

    def moved(self, right: float, down: float) -> "Look":
        """Another middle; 1 is a whole view away."""
        return replace(self, x=self.x + right / self.zoom, y=self.y + down / self.zoom).inside()

    def inside(self) -> "Look":
        """The nearest look that shows nothing beyond the edges."""
        half = 0.5 / self.zoom
        return replace(self, x=min(max(self.x, half), 1 - half), y=min(max(self.y, half), 1 - half))


WHOLE = Look()


def fitted(width: int, height: int, columns: int, rows: int, cell: float = 0.5) -> tuple[int, int]:
    """How many characters and lines a picture of a shape takes within a place, keeping its shape.

    Parameters
    ----------
    width, height
        Of the picture, in any unit.
    columns, rows
        Of the place.
    cell
        Width of a character, divided by its height.

    >>> fitted(4000, 3000, 40, 20), fitted(300, 4000, 40, 20), fitted(4000, 300, 40, 20)
    ((40, 15), (3, 20), (40, 2))
    """
    if width < 1 or height < 1:
        return max(1, columns), max(1, rows)
    wide = rows / cell * width / height
    if wide <= columns:
        return max(1, round(wide)), max(1, rows)
    return max(1, columns), max(1, min(rows, round(columns * cell * height / width)))


def part(pixels: Pixels, width: int, height: int, look: Look = WHOLE) -> Pixels:
    """The part of a picture that a look shows, as (height, width, 3); means where it shrinks, nearest where it grows."""
    rows, columns = pixels.shape[:2]
    half = 0.5 / look.zoom
    across = np.linspace((look.x - half) * columns, (look.x + half) * columns, width + 1)
    down = np.linspace((look.y - half) * rows, (look.y + half) * rows, height + 1)
    return _along(_along(pixels, down, 0), across, 1)


def _along(pixels: Pixels, edges: npt.NDArray[np.float64], axis: int) -> Pixels:
    """Resample one axis between edges, given in pixels."""
    size = pixels.shape[axis]
    starts = np.clip(np.floor(edges[:-1] + 1e-6).astype(np.int64), 0, size - 1)
    ends = np.clip(np.ceil(edges[1:] - 1e-6).astype(np.int64), 1, size)
    if edges[-1] - edges[0] <= len(edges) - 1:  # grows: the nearest pixel each
        middle = np.clip(((edges[:-1] + edges[1:]) / 2).astype(np.int64), 0, size - 1)
        return np.ascontiguousarray(np.take(pixels, middle, axis))
    first, last = int(starts[0]), int(ends[-1])
    inner = np.take(pixels, np.arange(first, last), axis) if (first, last) != (0, size) else pixels
    starts = starts - first
    counts = np.diff(starts, append=last - first)
    counts = np.maximum(counts, 1)
    sums = np.add.reduceat(inner, starts, axis=axis, dtype=np.uint32)
    shape = [1, 1, 1]
    shape[axis] = len(counts)
    means: Pixels = ((sums + counts.reshape(shape) // 2) // counts.reshape(shape)).astype(np.uint8)
    return means
