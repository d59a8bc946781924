"""DPN: every bit at least a margin on its class's side, straight on the outputs (Fan et al., IJCAI 2020).

Paper: https://www.ijcai.org/proceedings/2020/115. Code of the authors: https://github.com/kamwoh/DPN.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.centres import code_book, published_dpn
from vtsfind.learn.objectives.pairs import masked_mean
from vtsfind.learn.objectives.targets import ClassTargets, RowTargets


class DPN(Objective):
    """The hinge max(margin - ut, 0) of each output u and its target bit t.

    `fixed` has class targets far apart and leaves images without a label out; `paper` has random targets.

    Parameters
    ----------
    mode
        See `Objective`.
    margin
        What an output of the right sign should exceed.
    several
        What images of several classes are pulled to: the `vote` of their targets, `each` of them (the sum of the hinges, as
        the authors do), or the target of the `first` of them, as the published code does on some data sets.
    """

    targets: ClassTargets | RowTargets

    def __init__(
        self, *, mode: Mode = "fixed", margin: float = 1.0, several: Literal["vote", "each", "first"] = "vote"
    ) -> None:
        super().__init__(mode=mode)
        self.margin = margin
        self.several = several

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        if self.mode == "paper":
            centres = published_dpn(self.bits, self.classes, random)
        else:
            centres = code_book(self.bits, self.classes, random, multilabel=multilabel)
        self.targets = ClassTargets(centres, random, first_only=self.several == "first")

    def bind_targets(self, codes: Tensor) -> None:
        """See `Objective.bind_targets`."""
        self.targets = RowTargets(codes)
        self.rows, self.bits = codes.shape

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `Objective.forward`; the term is `polarisation`."""
        labels = labels.to(outputs.dtype)
        if self.several == "each" and isinstance(self.targets, ClassTargets):
            right, wrong = (self.margin - outputs).clamp_min(0), (self.margin + outputs).clamp_min(0)
            up = (self.targets.centres > 0).to(outputs.dtype)
            hinges = right * (labels @ up) + wrong * (labels @ (1 - up))
        else:
            hinges = (self.margin - outputs * self.targets(labels, rows)).clamp_min(0)
        counted = torch.ones_like(rows, dtype=torch.bool)
        if self.mode == "fixed" and isinstance(self.targets, ClassTargets):
            counted = labels.any(dim=1)
        return {"polarisation": masked_mean(hinges.mean(dim=1), counted)}
