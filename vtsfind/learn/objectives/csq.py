"""CSQ: every class has a code in the middle of its images, far from the others' (Yuan et al., CVPR 2020).

Paper: https://arxiv.org/abs/1908.00347. Code of the authors: https://github.com/yuanli2333/Hadamard-Matrix-for-hashing.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.centres import code_book, published_csq
from vtsfind.learn.objectives.targets import ClassTargets, RowTargets


class CSQ(Objective):
    """Cross-entropy of each bit with the image's target code, and a pull of the activations to -1 and +1.

    With h = tanh(u) and target t, the probability of a right bit is sigmoid(2tu). `fixed` uses its logarithm,
    softplus(-2tu), which has a gradient for bits however wrong; `paper` goes through the probability, which rounds
    to 0 and 1 from about |u| = 9 on. `fixed` leaves images without a label out.

    Parameters
    ----------
    mode
        See `Objective`.
    quantisation_weight
        Weight of mean((|h| - 1)^2).
    several
        What images of several classes are pulled to: the `vote` of their targets, or the target of the `first` of them, as
        the published code does on some data sets.
    """

    targets: ClassTargets | RowTargets

    def __init__(
        self,
        *,
        mode: Mode = "fixed",
        quantisation_weight: float = 1e-4,
        several: Literal["vote", "first"] = "vote",
    ) -> None:
        super().__init__(mode=mode)
        self.several = several
        self.quantisation_weight = quantisation_weight

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        if self.mode == "paper":
            centres = published_csq(self.bits, self.classes, random)
        else:
            centres = code_book(self.bits, self.classes, random, multilabel=multilabel)
        self.targets = ClassTargets(centres, random, first_only=self.several == "first")

    def bind_targets(self, codes: Tensor) -> None:
        """See `Objective.bind_targets`."""
        self.targets = RowTargets(codes)
        self.rows, self.bits = codes.shape

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `centre` and `quantisation`."""
        targets = self.targets(labels.to(outputs.dtype), rows)
        activated = torch.tanh(outputs)
        if self.mode == "paper":
            centre = F.binary_cross_entropy((activated + 1) / 2, (targets + 1) / 2)
        else:
            counted = torch.ones_like(rows, dtype=torch.bool)
            if isinstance(self.targets, ClassTargets):
                counted = labels.any(dim=1)
            errors = F.softplus(-2 * targets * outputs).mean(dim=1)
            centre = (errors * counted).sum() / counted.sum().clamp_min(1)
        quantisation = (activated.abs() - 1).square().mean()
        return {"centre": centre, "quantisation": self.quantisation_weight * quantisation}
