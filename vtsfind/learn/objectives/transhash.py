"""TransHash: Cauchy likelihood of pairs for each part of a code by itself (Chen et al., ICMR 2022).

Paper: https://arxiv.org/abs/2105.01823. Its code is not published, and it names neither of the two constants below.
The first half of a code comes from the whole picture, the rest in equal parts from groups of patches.
"""

import numpy as np
import torch
from torch import Tensor

from vtsfind.base.errors import UsageError
from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.pairs import balanced_mean, cauchy_loss, cosines, off_diagonal, share_label

_MIN_COSINE_DISTANCE = 1e-3
_MIN_GROUP_BITS = 4


class TransHash(Objective):
    """The sum, over the parts of a code, of DCH's two terms.

    `paper` writes the length of the whole code into every part's distance, with one scale. `fixed` takes each
    part's own length for both, so that a part's loss does not depend on how long it is.

    Parameters
    ----------
    mode
        See `Objective`.
    groups
        Groups of patches; each gets bits / (2 * groups) bits, which must be whole and at least 4.
    gamma
        Scale of the distribution for 64 bits, in bits.
    quantisation_weight
        Weight of the quantisers.
    """

    def __init__(
        self, *, mode: Mode = "fixed", groups: int = 2, gamma: float = 20.0, quantisation_weight: float = 0.1
    ) -> None:
        super().__init__(mode=mode)
        if groups < 1:
            raise UsageError(f"TransHash cannot have {groups} groups of patches.", "Give at least 1.")
        self.groups = groups
        self.gamma = gamma
        self.quantisation_weight = quantisation_weight

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del random, multilabel
        whole = 2 * self.groups
        min_bits = whole * _MIN_GROUP_BITS
        if self.bits % whole or self.bits < min_bits:
            nearest = max(round(self.bits / whole) * whole, min_bits)
            raise UsageError(
                f"TransHash cannot split {self.bits} bits into one half and {self.groups} equal parts of at least "
                f"{_MIN_GROUP_BITS} bits.",
                f"The nearest possible number is {nearest} bits.",
            )

    def _part(self, part: Tensor, same: Tensor) -> tuple[Tensor, Tensor]:
        """Return the terms of one part (b, p) of the codes."""
        length = self.bits if self.mode == "paper" else part.shape[1]
        gamma = self.gamma if self.mode == "paper" else self.gamma * length / 64
        scale = length / (2 * gamma)
        losses = cauchy_loss(
            scale * (1 - cosines(part, part)).clamp_min(0), same, scale * _MIN_COSINE_DISTANCE
        )
        to_bits = scale * (1 - cosines(part.abs(), torch.ones_like(part[:1]))).clamp_min(0)
        return balanced_mean(losses, same, off_diagonal(part)), torch.log1p(to_bits).mean()

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `global`, `local` and `quantisation`."""
        del rows
        half = self.bits // 2
        same = share_label(labels, labels)
        parts = [outputs[:, :half], *outputs[:, half:].chunk(self.groups, dim=1)]
        (whole, quantisation), *others = [self._part(part, same) for part in parts]
        local = torch.stack([pairs for pairs, _ in others]).sum()
        quantisation = quantisation + torch.stack([pull for _, pull in others]).sum()
        return {
            "global": whole,
            "local": local,
            "quantisation": self.quantisation_weight * quantisation,
        }
