"""DCH: likelihood of pairs under Cauchy's distribution, which asks for small distances (Cao et al., CVPR 2018).

Paper: https://openaccess.thecvf.com/content_cvpr_2018/html/Cao_Deep_Cauchy_Hashing_CVPR_2018_paper.html. Code of the
authors: https://github.com/thulab/DeepHash; the published PyTorch code: https://github.com/swuxyj/DeepHash-pytorch.
"""

import numpy as np
import torch
from torch import Tensor

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.pairs import balanced_mean, cauchy_loss, cosines, off_diagonal, share_label

_MIN_COSINE_DISTANCE = 1e-3


class DCH(Objective):
    """Cauchy cross-entropy of the pairs of a batch at distance (k / 2)(1 - cosine), and of |u| at distance from 1.

    Pairs that are alike and pairs that are not weigh the same together. `paper` counts each image's pair with
    itself and takes cosines above 0.99 as 0.99, which ends the gradient of near pairs. `fixed` counts pairs of two
    images, and bounds only the push of unlike pairs, at 1 - cosine = 0.001.

    Parameters
    ----------
    mode
        See `Objective`.
    gamma
        Scale of the distribution, in bits.
    quantisation_weight
        Weight of the quantiser.
    """

    def __init__(
        self, *, mode: Mode = "fixed", gamma: float = 20.0, quantisation_weight: float = 0.1
    ) -> None:
        super().__init__(mode=mode)
        self.gamma = gamma
        self.quantisation_weight = quantisation_weight

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        """Keep nothing: only the batch's own pairs count."""

    def _distances(self, a: Tensor, b: Tensor) -> Tensor:
        nearest = 0.01 if self.mode == "paper" else 0.0
        return self.bits / (2 * self.gamma) * (1 - cosines(a, b)).clamp_min(nearest)

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the terms are `pairs` and `quantisation`."""
        del rows
        same = share_label(labels, labels)
        mask = torch.ones_like(same) if self.mode == "paper" else off_diagonal(outputs)
        min_distance = self.bits / (2 * self.gamma) * _MIN_COSINE_DISTANCE
        losses = cauchy_loss(self._distances(outputs, outputs), same, min_distance)
        to_bits = torch.log1p(self._distances(outputs.abs(), torch.ones_like(outputs[:1])))
        return {
            "pairs": balanced_mean(losses, same, mask),
            "quantisation": self.quantisation_weight * to_bits.mean(),
        }
