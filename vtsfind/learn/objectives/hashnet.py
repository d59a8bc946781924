"""HashNet: likelihood of pairs, balanced, with an activation that sharpens to the sign (Cao et al., ICCV 2017).

Paper: https://arxiv.org/abs/1702.00758. Code of the authors: https://github.com/thuml/HashNet.
"""

from math import sqrt

import numpy as np
import torch
from torch import Tensor

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.memory import MemoryBank
from vtsfind.learn.objectives.pairs import balanced_mean, cross_entropy, share_label


class HashNet(Objective):
    """Cross-entropy of sharing a label under sigmoid(alpha h.h'), with h = tanh(sharpness u).

    Pairs that are alike and pairs that are not weigh the same together. The batch is compared with the memory of
    all activations. In `fixed` the sharpness is sqrt(1 + epoch // `epochs_per_step`) and the memory is masked; in
    `paper` the sharpness stays 1.

    Parameters
    ----------
    mode
        See `Objective`.
    alpha
        Scale of the inner products; None for 10 / bits in `fixed` and for 0.1 in `paper`. A scale that does not
        grow as codes get shorter keeps short codes from a confident answer.
    epochs_per_step
        Epochs between two steps of the sharpness; only in `fixed`.
    """

    sharpness: Tensor

    def __init__(
        self, *, mode: Mode = "fixed", alpha: float | None = None, epochs_per_step: int = 20
    ) -> None:
        super().__init__(mode=mode)
        self.alpha = alpha
        self.epochs_per_step = epochs_per_step

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del random, multilabel
        self.memory = MemoryBank(
            bits=self.bits, classes=self.classes, rows=self.rows, masked=self.mode == "fixed"
        )
        self.register_buffer("sharpness", torch.ones(()))

    def start_epoch(self, n: int) -> None:
        """See `Objective.start_epoch`."""
        if self.mode == "fixed":
            self.sharpness.fill_(sqrt(1 + n // self.epochs_per_step))

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the term is `pairs`."""
        activated = torch.tanh(self.sharpness.to(outputs.dtype) * outputs)
        compared = self.memory(activated, labels, rows)
        alpha = self.alpha
        if alpha is None:
            alpha = 0.1 if self.mode == "paper" else 10 / self.bits
        same = share_label(labels.to(outputs.dtype), compared.labels)
        losses = cross_entropy(alpha * activated @ compared.outputs.T, same)
        return {"pairs": balanced_mean(losses, same, compared.mask)}
