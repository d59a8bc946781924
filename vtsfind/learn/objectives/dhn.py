"""DHN: likelihood of pairs and a smooth pull to -1 and +1 (Zhu et al., AAAI 2016).

Paper: https://ojs.aaai.org/index.php/AAAI/article/view/10235. Code of the authors: https://github.com/thuml/hash-caffe;
the published PyTorch code: https://github.com/swuxyj/DeepHash-pytorch.
"""

import numpy as np
import torch
from torch import Tensor

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.memory import ComparisonKind, MemoryBank, within_batch
from vtsfind.learn.objectives.pairs import cross_entropy, log_cosh, masked_mean, share_label


class DHN(Objective):
    """Cross-entropy of sharing a label under the sigmoid of inner products, and mean(log cosh(|z| - 1)).

    `fixed` has the authors' z = tanh(u), logits z.z' and weight 0.2. `paper` has no activation, logits u.u' / 2 and
    weight 0.1.

    Parameters
    ----------
    mode
        See `Objective`.
    quantisation_weight
        Weight of the quantiser; None for the mode's own.
    compare
        What the batch is compared with; None for itself in `fixed`, as the authors do, and for the memory in `paper`.
    """

    def __init__(
        self,
        *,
        mode: Mode = "fixed",
        quantisation_weight: float | None = None,
        compare: ComparisonKind | None = None,
    ) -> None:
        super().__init__(mode=mode)
        own = 0.1 if mode == "paper" else 0.2
        self.quantisation_weight = own if quantisation_weight is None else quantisation_weight
        self.compare = compare

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del random, multilabel
        self.memory: MemoryBank | None = None
        if (self.compare or ("memory" if self.mode == "paper" else "batch")) == "memory":
            masked = self.mode == "fixed"
            self.memory = MemoryBank(bits=self.bits, classes=self.classes, rows=self.rows, masked=masked)

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `pairs` and `quantisation`."""
        activated, scale = (outputs, 0.5) if self.mode == "paper" else (torch.tanh(outputs), 1.0)
        compared = self.memory(activated, labels, rows) if self.memory else within_batch(activated, labels)
        same = share_label(labels.to(outputs.dtype), compared.labels)
        losses = cross_entropy(scale * activated @ compared.outputs.T, same)
        quantisation = log_cosh(activated.abs() - 1).mean()
        return {
            "pairs": masked_mean(losses, compared.mask),
            "quantisation": self.quantisation_weight * quantisation,
        }
