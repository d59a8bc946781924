"""DFH: pairs apart by a margin, and codes drawn to class centres that are learnt with them (Li et al., BMVC 2019).

Paper: https://doi.org/10.5244/C.33.182. Code of the authors:
https://github.com/liyunqianggyn/Push-for-Quantization-Deep-Fisher-Hashing; the published PyTorch code:
https://github.com/swuxyj/DeepHash-pytorch.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.centres import code_book
from vtsfind.learn.objectives.memory import ComparisonSet, MemoryBank
from vtsfind.learn.objectives.pairs import masked_mean, share_label

_RELAXING_STEPS, _RELAXING_RATE = 200, 0.03
_RATE_FALLS = (149, 179)
"""Steps, counted from 0, from which on the published loop descends at a tenth of its rate before."""


class DFH(Objective):
    """Likelihood of pairs with a margin at u.u' / 2, and mean((b - u)^2) to the codes b = sign(mu Cy + u).

    In `fixed` the centres C start far apart and are improved bit-exactly, class by class, on all remembered codes
    at every step; the labels of an image share its weight evenly; the memory is masked. In `paper` they are the
    signs of a relaxation, found by 200 steps of gradient descent on every batch.

    Parameters
    ----------
    mode
        See `Objective`.
    margin
        By which the logits of pairs should exceed 0.
    mu
        Weight of the centres against the outputs in the codes; None for 1 in `fixed` and 0.1 in `paper`.
    spread_weight
        Weight of keeping centres apart.
    rounding_weight
        Weight of keeping the relaxation near its signs; only in `paper`.
    quantisation_weight
        Weight of the distance from the codes.
    """

    centres: Tensor

    def __init__(
        self,
        *,
        mode: Mode = "fixed",
        margin: float = 3.0,
        mu: float | None = None,
        spread_weight: float = 1.0,
        rounding_weight: float = 1.0,
        quantisation_weight: float = 0.5,
    ) -> None:
        super().__init__(mode=mode)
        own = 0.1 if mode == "paper" else 1.0
        self.margin = margin
        self.mu = own if mu is None else mu
        self.spread_weight = spread_weight
        self.rounding_weight = rounding_weight
        self.quantisation_weight = quantisation_weight

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        self.memory = MemoryBank(
            bits=self.bits, classes=self.classes, rows=self.rows, masked=self.mode == "fixed"
        )
        if self.mode == "paper":
            self.register_buffer("centres", torch.zeros(self.classes, self.bits))
        else:
            book = code_book(self.bits, self.classes, random, multilabel=multilabel)
            self.register_buffer("centres", torch.from_numpy(book).float())

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `pairs` and `quantisation`."""
        labels = labels.to(outputs.dtype)
        compared = self.memory(outputs, labels, rows)
        codes = self._codes(outputs.detach(), labels)
        if self.training and self.mode == "paper":
            self._relax_centres(codes, labels)
        elif self.training:
            self._improve_centres(compared, len(outputs))
        same = share_label(labels, compared.labels)
        logits = outputs @ compared.outputs.T / 2
        if self.mode == "paper":
            logits = logits.clamp(-100, 50)
        losses = F.softplus(self.margin + torch.where(same, -logits, logits))
        return {
            "pairs": masked_mean(losses, compared.mask),
            "quantisation": self.quantisation_weight * (codes - outputs).square().mean(),
        }

    def _codes(self, outputs: Tensor, labels: Tensor) -> Tensor:
        if self.mode == "paper":
            return (self.mu * labels @ self.centres.to(labels.dtype).sign() + outputs).sign()
        votes = self.mu * _normalised_labels(labels) @ self.centres.to(labels.dtype) + outputs
        return torch.where(votes > 0, 1.0, -1.0).to(outputs.dtype)

    @torch.no_grad()
    def _relax_centres(self, codes: Tensor, labels: Tensor) -> None:
        """Descend on mean((yV - b)^2) + spread mean((VV' - k(2I - 1))^2) + rounding mean((V - sign V)^2)."""
        v = self.centres.to(codes.dtype)
        c, k = v.shape
        apart = k * (2 * torch.eye(c, dtype=v.dtype, device=v.device) - 1)
        for step in range(_RELAXING_STEPS):
            rate = _RELAXING_RATE * 0.1 ** sum(step >= fall for fall in _RATE_FALLS)
            gradient = labels.T @ (labels @ v - codes) * 2 / codes.numel()
            gradient += self.spread_weight * 4 / c**2 * (v @ v.T - apart) @ v
            gradient += self.rounding_weight * 2 / v.numel() * (v - v.sign())
            v = v - rate * gradient
        self.centres.copy_(v)

    @torch.no_grad()
    def _improve_centres(self, compared: ComparisonSet, batch: int) -> None:
        """Set each centre in turn to the signs that are best with the others held, on sums scaled to one batch."""
        visited = self.memory.visited
        labels = _normalised_labels(compared.labels[visited])
        codes = self._codes(compared.outputs[visited], compared.labels[visited])
        scale = batch / len(codes)
        wanted, overlap = scale * labels.T @ codes, scale * labels.T @ labels
        overlap.fill_diagonal_(0)
        centres = self.centres.to(codes.dtype)
        for i in range(len(centres)):
            others = centres.sum(dim=0) - centres[i]
            signs = (wanted[i] - overlap[i] @ centres - self.spread_weight * others).sign()
            centres[i] = torch.where(signs == 0, centres[i], signs)
        self.centres.copy_(centres)


def _normalised_labels(labels: Tensor) -> Tensor:
    """Divide the labels of each image by their number."""
    return labels / labels.sum(dim=1, keepdim=True).clamp_min(1)
