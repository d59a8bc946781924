"""OrthoHash: one classification by cosines to far-apart class codes, with a margin (Hoe et al., NeurIPS 2021).

Paper: https://arxiv.org/abs/2109.14449. Code of the authors: https://github.com/kamwoh/orthohash.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.centres import code_book
from vtsfind.learn.objectives.pairs import cosines, masked_mean


class OrthoHash(Objective):
    """Cross-entropy of softmax(scale (cos(u, c) - margin [c is the image's class])) over the codes c of all classes.

    An image of several classes wants equal shares of them, each with the margin. There is no quantiser: the largest cosine
    to a code of signs is that of the code itself. The authors centre the outputs by a batch normalisation, which belongs to
    the network (`NetworkSpec.centred`). `fixed` leaves images without a label out; in `paper` they count with a loss of 0.

    Parameters
    ----------
    mode
        See `Objective`.
    scale
        Multiplies the cosines; 8 in the authors' code.
    margin
        By which the cosine to an image's own code has to exceed the others; 0.2 in the authors' code.
    """

    centres: Tensor

    def __init__(self, *, mode: Mode = "fixed", scale: float = 8.0, margin: float = 0.2) -> None:
        super().__init__(mode=mode)
        self.scale = scale
        self.margin = margin

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        book = code_book(self.bits, self.classes, random, multilabel=multilabel)
        self.register_buffer("centres", torch.from_numpy(book).float())

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the term is `classes`."""
        del rows
        wanted = labels.to(outputs.dtype)
        logits = self.scale * (cosines(outputs, self.centres.to(outputs.dtype)) - self.margin * wanted)
        shares = wanted / wanted.sum(dim=1, keepdim=True).clamp_min(1)
        losses = -(shares * F.log_softmax(logits, dim=1)).sum(dim=1)
        counted = labels.any(dim=1) if self.mode == "fixed" else torch.ones_like(losses, dtype=torch.bool)
        return {"classes": masked_mean(losses, counted)}
