"""All pictures of a task in the memory of the training device, decoded once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from vtsfind.base.machine import processors
from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.formats import Pictures
from vtsfind.media.decode import prepare

_AT_A_TIME = 64


class PicturePool:
    """Pictures of different aspect, each squashed to a square.

    Parameters
    ----------
    squares
        (n, 3, side, side) uint8, on the device.
    aspects
        (n,) float, width / height, on the CPU.
    """

    def __init__(self, squares: Tensor, aspects: Tensor) -> None:
        self.squares, self.aspects = squares, aspects

    def __len__(self) -> int:
        return len(self.squares)

    @property
    def device(self) -> torch.device:
        """Where the pictures are."""
        return self.squares.device

    def pictures(self, rows: Tensor) -> Tensor:
        """Some pictures, (b, 3, side, side) float in 0..1, by their rows, (b,) int64."""
        return self.squares[rows.to(self.device)].float().div_(255)


def fill_pool(
    pictures: Pictures, side: int, device: torch.device, progress: Progress, cancel: CancelToken
) -> PicturePool:
    """Decode pictures into a pool.

    Parameters
    ----------
    pictures
        The pictures.
    side
        Of the squares, in pixels.
    device
        Where they are kept; a picture takes 3 side^2 bytes there.
    progress, cancel
        Updated and checked for every few pictures.
    """
    look = Preprocessing(size=side)
    squares = torch.empty(len(pictures), 3, side, side, dtype=torch.uint8, device=device)
    aspects = torch.empty(len(pictures))
    progress.start(Phase.TRAIN, len(pictures))

    def read(row: int) -> tuple[Tensor, float]:
        pixels = pictures.picture(row)
        height, width = pixels.shape[:2]
        return torch.from_numpy(
            np.ascontiguousarray(prepare(pixels, look).transpose(2, 0, 1))
        ), width / height

    with ThreadPoolExecutor(processors()) as threads:
        for first in range(0, len(pictures), _AT_A_TIME):
            cancel.check()
            rows = range(first, min(first + _AT_A_TIME, len(pictures)))
            read_pictures, read_aspects = zip(*threads.map(read, rows), strict=True)
            squares[rows.start : rows.stop] = torch.stack(read_pictures).to(device)
            aspects[rows.start : rows.stop] = torch.tensor(read_aspects)
            progress.advance(len(rows), "decoding")
    return PicturePool(squares, aspects)
