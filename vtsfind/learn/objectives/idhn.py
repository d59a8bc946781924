"""IDHN: pairs that share all labels or none by likelihood, pairs that share some by regression (Zhang et al., TMM 2019).

Paper: https://arxiv.org/abs/1803.02987. Code of the authors: https://github.com/pectinid16/IDHN.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.memory import MemoryBank
from vtsfind.learn.objectives.pairs import cross_entropy, masked_mean


class IDHN(Objective):
    """Agreement of inner products p of h = u / (1 + |u|) with the cosine s of the images' labels.

    `fixed` has the paper's scales: cross-entropy at 5p / k where s is 0 or 1, else 0.1 k ((p + k) / 2k - s)^2; pairs
    with s = 1 and with s = 0 weigh the same together, or data of many classes collapse; the memory is masked.
    `paper` has 0.1 (p / 2 + k - 2sk)^2, which asks for more than p can be.

    Parameters
    ----------
    mode
        See `Objective`.
    balanced
        Whether the two kinds of certain pairs weigh the same together; only in `fixed`.
    graded_weight
        Weight of the regression of pairs that share some labels.
    quantisation_weight
        Weight of mean(||h| - 1|).
    """

    def __init__(
        self,
        *,
        mode: Mode = "fixed",
        balanced: bool = True,
        graded_weight: float = 0.1,
        quantisation_weight: float = 0.1,
    ) -> None:
        super().__init__(mode=mode)
        self.balanced = balanced
        self.graded_weight = graded_weight
        self.quantisation_weight = quantisation_weight

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del random, multilabel
        self.memory = MemoryBank(
            bits=self.bits, classes=self.classes, rows=self.rows, masked=self.mode == "fixed"
        )

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `pairs` and `quantisation`."""
        activated = F.softsign(outputs)
        compared = self.memory(activated, labels, rows)
        similarity = label_cosines(labels.to(outputs.dtype), compared.labels)
        losses = self.pair_losses(activated @ compared.outputs.T, similarity)
        if self.mode == "fixed" and self.balanced:
            losses = losses * _balance(similarity, compared.mask)
        quantisation = (activated.abs() - 1).abs().mean()
        return {
            "pairs": masked_mean(losses, compared.mask),
            "quantisation": self.quantisation_weight * quantisation,
        }

    def pair_losses(self, products: Tensor, similarity: Tensor) -> Tensor:
        """Return the loss of each pair, unweighted, from inner products and label cosines, all (b, n)."""
        k = self.bits
        if self.mode == "paper":
            logits, graded = products / 2, (products / 2 + k - 2 * similarity * k).square()
        else:
            logits, graded = 5 * products / k, k * ((products + k) / (2 * k) - similarity).square()
        certain = (similarity > 0.99) | (similarity < 0.01)
        return torch.where(certain, cross_entropy(logits, similarity), self.graded_weight * graded)


def label_cosines(labels: Tensor, others: Tensor) -> Tensor:
    """Return the cosines of all label rows of (b, c) with those of (n, c), as (b, n); 0 for images without a label."""
    norms: Tensor = torch.outer(*(torch.linalg.vector_norm(side, dim=1) for side in (labels, others)))
    return labels @ others.T / (norms + 1e-5)


def _balance(similarity: Tensor, mask: Tensor) -> Tensor:
    """Weigh the certain pairs so that both kinds, where both occur, have half of the certain pairs' weight."""
    same, different = (similarity > 0.99) & mask, (similarity < 0.01) & mask
    counts = torch.stack([same.sum(), different.sum()]).to(similarity.dtype)
    shares = counts.sum() / (counts > 0).sum().clamp_min(1) / counts.clamp_min(1)
    return torch.where(same, shares[0], torch.where(different, shares[1], 1.0))
