"""Parts of pictures at any size, with NumPy alone: fast enough to follow a held-down key."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vtsfind.base.groups import Box

Pixels = npt.NDArray[np.uint8]
"""(h, w, 3): red, green and blue."""


@dataclass(frozen=True, slots=True)
class Viewport:
    """The part of a picture that is shown; the same viewport shows the same part of pictures of the same shape."""

    zoom: float = 1.0
    """1 shows the whole picture."""
    x: float = 0.5
    """The centre, as a fraction of the width."""
    y: float = 0.5
    """The centre, as a fraction of the height."""

    def zoomed(self, factor: float, max_zoom: float = 64.0) -> "Viewport":
        """Zoomed about the centre."""
        return replace(self, zoom=min(max(1.0, self.zoom * factor), max_zoom)).clamped()

    def panned(self, right: float, down: float) -> "Viewport":
        """Moved; 1 is a whole view."""
        return replace(self, x=self.x + right / self.zoom, y=self.y + down / self.zoom).clamped()

    def clamped(self) -> "Viewport":
        """The nearest viewport that shows nothing beyond the edges."""
        half = 0.5 / self.zoom
        return replace(self, x=min(max(self.x, half), 1 - half), y=min(max(self.y, half), 1 - half))


FULL_VIEW = Viewport()


FULL_BOX = Box(0.0, 0.0, 1.0, 1.0)


def window(
    viewport: Viewport, size: tuple[float, float], place: tuple[int, int], cell: float = 0.5
) -> tuple[Box, int, int]:
    """The part of a picture that a viewport shows in an area, and the characters and lines it takes.

    Parameters
    ----------
    viewport
        At zoom 1 the whole picture just fits; zoomed in, it may fill the area, whatever its shape.
    size
        Width and height of the picture, in any unit.
    place
        Characters and lines of the area.
    cell
        Width of a character, divided by its height.

    >>> window(FULL_VIEW, (4000, 3000), (40, 20))[1:], window(FULL_VIEW, (300, 4000), (40, 20))[1:]
    ((40, 15), (3, 20))
    >>> window(Viewport(2.0), (4000, 3000), (40, 20))
    (Box(left=0.25, top=0.16666666666666669, right=0.75, bottom=0.8333333333333333), 40, 20)
    """
    width, height = size
    columns, rows = max(1, place[0]), max(1, place[1])
    wide, high = columns * cell, float(rows)
    width, height = max(1, width), max(1, height)
    scale = viewport.zoom * min(wide / width, high / height)
    across, down = min(1.0, wide / (width * scale)), min(1.0, high / (height * scale))
    x = min(max(viewport.x, across / 2), 1 - across / 2)
    y = min(max(viewport.y, down / 2), 1 - down / 2)
    source = Box(x - across / 2, y - down / 2, x + across / 2, y + down / 2)
    taken = round(across * width * scale / cell), round(down * height * scale)
    return source, min(columns, max(1, taken[0])), min(rows, max(1, taken[1]))


def resample(pixels: Pixels, width: int, height: int, source_window: Box = FULL_BOX) -> Pixels:
    """A part of a picture as (height, width, 3): means where it shrinks, the nearest pixels where it grows."""
    rows, columns = pixels.shape[:2]
    across = np.linspace(source_window.left * columns, source_window.right * columns, width + 1)
    down = np.linspace(source_window.top * rows, source_window.bottom * rows, height + 1)
    return _resample_axis(_resample_axis(pixels, down, 0), across, 1)


def _resample_axis(pixels: Pixels, edges: npt.NDArray[np.float64], axis: int) -> Pixels:
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
