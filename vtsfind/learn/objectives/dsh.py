"""DSH: images that are alike are near, others at least a margin apart (Liu et al., CVPR 2016).

Paper: https://openaccess.thecvf.com/content_cvpr_2016/html/Liu_Deep_Supervised_Hashing_CVPR_2016_paper.html. Code of the
authors: https://github.com/lhmRyan/deep-supervised-hashing-DSH.
"""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from torch import Tensor

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.memory import Memory
from vtsfind.learn.objectives.pairs import alike, mean_over


class DSH(Objective):
    """Contrast of squared distances r: r / 2 for images that are alike, max(margin - r, 0) / 2 for others.

    The batch is compared with the memory of all outputs. In `paper` the quantiser is mean(|1 - sign(u)|), whose
    gradient is zero everywhere; `fixed` has the paper's mean(||u| - 1|), and masks the memory.

    Parameters
    ----------
    mode
        See `Objective`.
    margin_per_bit
        The margin, divided by the number of bits.
    quantisation_weight
        Weight of the quantiser.
    """

    inert: ClassVar[Mapping[Mode, frozenset[str]]] = {"paper": frozenset({"quantisation"})}

    def __init__(
        self, *, mode: Mode = "fixed", margin_per_bit: float = 2.0, quantisation_weight: float = 0.1
    ) -> None:
        super().__init__(mode=mode)
        self.margin_per_bit = margin_per_bit
        self.quantisation_weight = quantisation_weight

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del random, multilabel
        self.memory = Memory(
            bits=self.bits, classes=self.classes, rows=self.rows, masked=self.mode == "fixed"
        )

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `pairs` and `quantisation`."""
        past = self.memory(outputs, labels, rows)
        lengths = outputs.square().sum(dim=1, keepdim=True)
        distances = lengths + past.outputs.square().sum(dim=1) - 2 * outputs @ past.outputs.T
        apart = (self.margin_per_bit * self.bits - distances).clamp_min(0)
        same = alike(labels.to(outputs.dtype), past.labels)
        pairs = mean_over(distances.where(same, apart) / 2, past.kept)
        if self.mode == "paper":
            quantisation = (1 - outputs.sign()).abs().mean()
        else:
            quantisation = (outputs.abs() - 1).abs().mean()
        return {"pairs": pairs, "quantisation": self.quantisation_weight * quantisation}
