"""DSH: images that are alike are near, others at least a margin apart (Liu et al., CVPR 2016).

Paper: https://openaccess.thecvf.com/content_cvpr_2016/html/Liu_Deep_Supervised_Hashing_CVPR_2016_paper.html. Code of the
authors: https://github.com/lhmRyan/deep-supervised-hashing-DSH.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from torch import Tensor

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.memory import ComparisonKind, MemoryBank, within_batch
from vtsfind.learn.objectives.pairs import masked_mean, share_label

_AUTHORS_WEIGHT_PER_BIT = 0.01
_PUBLISHED_WEIGHT = 0.1


class DSH(Objective):
    """Contrast of squared distances r: r / 2 for images that are alike, max(margin - r, 0) / 2 for others.

    In `paper` the quantiser is mean(|1 - sign(u)|), whose gradient is zero everywhere; `fixed` has mean(||u| - 1|). The
    authors take the sum over the bits of an image, with weight 0.01, so that the weight of the mean grows with the bits.

    Parameters
    ----------
    mode
        See `Objective`.
    margin_per_bit
        The margin, divided by the number of bits.
    quantisation_weight
        Weight of the quantiser; None for 0.01 x bits in `fixed`, as the authors have it, and for 0.1 in `paper`.
    compare
        What the batch is compared with; None for itself in `fixed`, as the authors do, and for the memory in `paper`.
    """

    zero_gradient_terms: ClassVar[Mapping[Mode, frozenset[str]]] = {"paper": frozenset({"quantisation"})}

    def __init__(
        self,
        *,
        mode: Mode = "fixed",
        margin_per_bit: float = 2.0,
        quantisation_weight: float | None = None,
        compare: ComparisonKind | None = None,
    ) -> None:
        super().__init__(mode=mode)
        self.margin_per_bit = margin_per_bit
        self.quantisation_weight = quantisation_weight
        self.compare = compare

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del random, multilabel
        self.memory: MemoryBank | None = None
        if (self.compare or ("memory" if self.mode == "paper" else "batch")) == "memory":
            masked = self.mode == "fixed"
            self.memory = MemoryBank(bits=self.bits, classes=self.classes, rows=self.rows, masked=masked)

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `pairs` and `quantisation`."""
        compared = self.memory(outputs, labels, rows) if self.memory else within_batch(outputs, labels)
        lengths = outputs.square().sum(dim=1, keepdim=True)
        distances = lengths + compared.outputs.square().sum(dim=1) - 2 * outputs @ compared.outputs.T
        apart = (self.margin_per_bit * self.bits - distances).clamp_min(0)
        same = share_label(labels.to(outputs.dtype), compared.labels)
        pairs = masked_mean(distances.where(same, apart) / 2, compared.mask)
        weight = self.quantisation_weight
        if weight is None:
            weight = _PUBLISHED_WEIGHT if self.mode == "paper" else _AUTHORS_WEIGHT_PER_BIT * self.bits
        if self.mode == "paper":
            quantisation = (1 - outputs.sign()).abs().mean()
        else:
            quantisation = (outputs.abs() - 1).abs().mean()
        return {"pairs": pairs, "quantisation": weight * quantisation}
