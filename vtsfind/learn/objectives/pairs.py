"""What objectives on pairs of images share: which pairs are alike, their losses, and means over some of them.

Axis letters: b images of the batch, n images that they are compared with, k bits, c classes.
"""

from math import log

import torch
from torch import Tensor
from torch.nn import functional as F

_MIN_NORM = 1e-6


def share_label(labels: Tensor, others: Tensor) -> Tensor:
    """Tell which images share a label: (b, c) and (n, c) of 0 and 1 to (b, n) bool."""
    return labels @ others.T > 0


def off_diagonal(batch: Tensor) -> Tensor:
    """Tell, as (b, b) bool, which pairs of a batch are of two images: all but the diagonal."""
    return ~torch.eye(len(batch), dtype=torch.bool, device=batch.device)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of `values` where `mask`, of the same shape, is true; 0 where it never is."""
    return (values * mask).sum() / mask.sum().clamp_min(1)


def balanced_mean(values: Tensor, same: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the kept pairs that are alike plus the mean over the kept pairs that are not.

    This is the mean over all with weights S / S1 and S / S0, for S1 and S0 pairs of either kind among S, except
    that a batch without pairs of one kind is fine.
    """
    return masked_mean(values, same & mask) + masked_mean(values, ~same & mask)


def cross_entropy(logits: Tensor, similarity: Tensor) -> Tensor:
    """Return the cross-entropy of `similarity`, in 0..1, under sigmoid(`logits`), for each pair."""
    return F.softplus(logits) - similarity * logits


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Return the cosines of all rows of (b, k) with all rows of (n, k), as (b, n)."""
    return F.normalize(a, dim=1, eps=_MIN_NORM) @ F.normalize(b, dim=1, eps=_MIN_NORM).T


def cauchy_loss(distances: Tensor, same: Tensor, min_distance: float) -> Tensor:
    """Return the negative logarithm of Cauchy's probability that pairs are alike, or are not.

    With distance d in units of the distribution's scale, that probability is 1 / (1 + d).

    Parameters
    ----------
    distances
        (b, n), not negative.
    same
        (b, n) bool.
    min_distance
        Distance from which on pairs that are not alike are pushed no harder: the logarithm has no bound at 0.

    Returns
    -------
    (b, n).
    """
    return torch.where(same, torch.log1p(distances), torch.log1p(1 / distances.clamp_min(min_distance)))


def log_cosh(values: Tensor) -> Tensor:
    """Give log(cosh(x)) of each number, without overflow."""
    size = values.abs()
    return size + F.softplus(-2 * size) - log(2)
