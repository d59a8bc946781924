"""HashNet: likelihood of pairs, balanced, with an activation that sharpens to the sign (Cao et al., ICCV 2017).

Paper: https://arxiv.org/abs/1702.00758. Code of the authors: https://github.com/thuml/HashNet.
"""

import numpy as np
import torch
from torch import Tensor

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.memory import MemoryBank
from vtsfind.learn.objectives.pairs import balanced_mean, cross_entropy, share_label


class HashNet(Objective):
    """Cross-entropy of sharing a label under sigmoid(alpha h.h'), with h = tanh(sharpness u).

    Pairs that are alike and pairs that are not weigh the same together. The batch is compared with the memory of
    all activations. In `fixed` the sharpness is sqrt(1 + i / 200) after i batches, as the authors have it, renewed every
    `batches_per_step` of them, and the memory is masked; in `paper` the sharpness stays 1.

    Parameters
    ----------
    mode
        See `Objective`.
    alpha
        Scale of the inner products; None for 10 / bits in `fixed` and for 0.1 in `paper`. A scale that does not
        grow as codes get shorter keeps short codes from a confident answer.
    batches_per_step
        Batches between two steps of the sharpness, each of which adds 1 to its square; only in `fixed`.
    """

    batches: Tensor

    def __init__(
        self, *, mode: Mode = "fixed", alpha: float | None = None, batches_per_step: int = 200
    ) -> None:
        super().__init__(mode=mode)
        self.alpha = alpha
        self.batches_per_step = batches_per_step

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del random, multilabel
        self.memory = MemoryBank(
            bits=self.bits, classes=self.classes, rows=self.rows, masked=self.mode == "fixed"
        )
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the term is `pairs`."""
        if self.training and self.mode == "fixed":
            self.batches += 1
        sharpness = (1 + self.batches // self.batches_per_step).to(outputs.dtype).sqrt()
        activated = torch.tanh(sharpness * outputs)
        compared = self.memory(activated, labels, rows)
        alpha = self.alpha
        if alpha is None:
            alpha = 0.1 if self.mode == "paper" else 10 / self.bits
        same = share_label(labels.to(outputs.dtype), compared.labels)
        losses = cross_entropy(alpha * activated @ compared.outputs.T, same)
        return {"pairs": balanced_mean(losses, same, compared.mask)}
