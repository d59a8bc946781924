"""GreedyHash: classify the bits themselves, with the sign's gradient passed straight through (Su et al., NeurIPS 2018).

Paper: https://papers.nips.cc/paper/7360. Code of the authors: https://github.com/ssppp/GreedyHash.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.pairs import masked_mean


class GreedyHash(Objective):
    """Cross-entropy of a linear classifier of sign(u), and a pull of the outputs to -1 and +1.

    In `fixed` the classifier is trained, the classes of an image share its probability evenly, images without a
    label are left out, and the sign of 0 is -1 as in `vtsfind.base.bits`. In `paper` the classifier stays as
    drawn, and an image is of its first class only.

    Parameters
    ----------
    mode
        See `Objective`.
    quantisation_weight
        Weight of mean(||u| - 1|^3).
    """

    classifier: Tensor

    def __init__(self, *, mode: Mode = "fixed", quantisation_weight: float = 0.1) -> None:
        super().__init__(mode=mode)
        self.quantisation_weight = quantisation_weight

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del multilabel
        bound = self.bits**-0.5
        drawn = torch.from_numpy(random.uniform(-bound, bound, (self.classes, self.bits))).float()
        if self.mode == "paper":
            self.register_buffer("classifier", drawn)
        else:
            self.classifier = nn.Parameter(drawn)

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `classes` and `quantisation`."""
        del rows
        if self.mode == "paper":
            signs = outputs.sign()
            wanted = F.one_hot(labels.argmax(dim=1), self.classes).to(outputs.dtype)
            counted = torch.ones_like(wanted[:, 0], dtype=torch.bool)
        else:
            signs = torch.where(outputs > 0, 1.0, -1.0).to(outputs.dtype)
            wanted = labels.to(outputs.dtype)
            counted = labels.any(dim=1)
        codes = signs + (outputs - outputs.detach())
        logits = codes @ self.classifier.to(outputs.dtype).T
        shares = wanted / wanted.sum(dim=1, keepdim=True).clamp_min(1)
        classes = masked_mean(-(shares * logits.log_softmax(dim=1)).sum(dim=1), counted)
        quantisation = (outputs.abs() - 1).abs().pow(3).mean()
        return {"classes": classes, "quantisation": self.quantisation_weight * quantisation}
