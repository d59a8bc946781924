"""What a batch is compared with: itself, or the latest outputs of all images of the training set."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from vtsfind.learn.objectives.pairs import off_diagonal

ComparisonKind = Literal["batch", "memory"]
"""The `batch` is fresh, but has few pairs that are alike when there are many classes; the `memory` is the reverse."""


class ComparisonSet(NamedTuple):
    """What a batch of b images is compared with."""

    outputs: Tensor
    """(n, k); a memory's have no gradient."""
    labels: Tensor
    """(n, c)."""
    mask: Tensor
    """(b, n) bool: the pairs that count."""


def within_batch(outputs: Tensor, labels: Tensor) -> ComparisonSet:
    """Compare a batch (b, k) with itself: all pairs of two images count."""
    return ComparisonSet(outputs, labels.to(outputs.dtype), off_diagonal(outputs))


class MemoryBank(nn.Module):
    """Outputs and labels by row of the training set; each batch overwrites its rows.

    Rows are up to an epoch old, which hurts where outputs have no bound and move fast. Rows that were never written are zero: no labels, and outputs that are no code.

    Parameters
    ----------
    bits, classes, rows
        k, c and n.
    masked
        Whether rows that were never written, and each image's pair with itself, do not count. The published code
        counts both.
    """

    outputs: Tensor
    labels: Tensor
    visited: Tensor

    def __init__(self, *, bits: int, classes: int, rows: int, masked: bool) -> None:
        super().__init__()
        self.masked = masked
        self.register_buffer("outputs", torch.zeros(rows, bits))
        self.register_buffer("labels", torch.zeros(rows, classes))
        self.register_buffer("visited", torch.zeros(rows, dtype=torch.bool))

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> ComparisonSet:
        """Remember a batch, in training mode, and give all that is remembered.

        Parameters
        ----------
        outputs
            (b, k), activated as the objective compares them.
        labels
            (b, c).
        rows
            (b,) int64; ignored in evaluation mode, where the batch is not part of the training set.
        """
        mask = torch.ones(len(rows), len(self.visited), dtype=torch.bool, device=rows.device)
        if self.training:
            self.outputs[rows] = outputs.detach().to(self.outputs.dtype)
            self.labels[rows] = labels.to(self.labels.dtype)
            self.visited[rows] = True
        if self.masked:
            mask &= self.visited
            if self.training:
                mask[torch.arange(len(rows), device=rows.device), rows] = False
        return ComparisonSet(self.outputs.to(outputs.dtype), self.labels.to(outputs.dtype), mask)
