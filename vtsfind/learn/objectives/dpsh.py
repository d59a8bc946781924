"""DPSH: likelihood of pairs under half the inner product of plain outputs (Li, Wang, Kang, IJCAI 2016).

Paper: https://arxiv.org/abs/1511.03855; the published PyTorch code: https://github.com/swuxyj/DeepHash-pytorch.
"""

import numpy as np
from torch import Tensor

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.memory import MemoryBank
from vtsfind.learn.objectives.pairs import cross_entropy, masked_mean, share_label


class DPSH(Objective):
    """Cross-entropy of sharing a label under sigmoid(u.u' / 2), and mean((sign u - u)^2).

    The batch is compared with the memory of all outputs, which `fixed` masks.

    Parameters
    ----------
    mode
        See `Objective`.
    quantisation_weight
        Weight of the distance from the signs.
    """

    def __init__(self, *, mode: Mode = "fixed", quantisation_weight: float = 0.1) -> None:
        super().__init__(mode=mode)
        self.quantisation_weight = quantisation_weight

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del random, multilabel
        masked = self.mode == "fixed"
        self.memory = MemoryBank(bits=self.bits, classes=self.classes, rows=self.rows, masked=masked)

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `pairs` and `quantisation`."""
        compared = self.memory(outputs, labels, rows)
        same = share_label(labels.to(outputs.dtype), compared.labels)
        losses = cross_entropy(outputs @ compared.outputs.T / 2, same)
        quantisation = (outputs - outputs.detach().sign()).square().mean()
        return {
            "pairs": masked_mean(losses, compared.mask),
            "quantisation": self.quantisation_weight * quantisation,
        }
