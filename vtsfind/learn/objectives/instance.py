"""Instance codes: the views of one photo agree, those of any other photo do not.

The contrastive loss of copy detection (SSCD: Pizzi et al., "A Self-Supervised Descriptor for Image Copy Detection", CVPR
2022, equations 2 to 4) on codes of k bits. With h = tanh(u) and z = h / |h|,

    contrast    mean over pairs of views (i, j) of one photo of -log( e^(z_i.z_j / T) / sum over others e^(z_i.z_m / T) )
    spread      -mean_i log min_j |z_i - z_j|, over views j of other photos: pushes the nearest other photos apart, and so uses
                all bits (Kozachenko-Leonenko entropy; Sablayrolles et al., "Spreading vectors", ICLR 2019)
    quantise    mean (|h| - 1)^2: outputs end near a bit

"Others" are all views of the batch and a memory of the latest codes (cross-batch memory, Wang et al., CVPR 2020), which
provides hard negatives without a large batch.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.objectives.base import Mode, Objective


class Instance(Objective):
    """Contrast between photos on k bits; see the module.

    Parameters
    ----------
    temperature
        T above; a smaller value weights the most similar other photos more.
    spread
        Weight of the spread.
    quantise
        Weight of the quantiser.
    memory
        Codes remembered from earlier batches.
    """

    codes: Tensor
    owners: Tensor
    place: Tensor

    def __init__(
        self,
        *,
        mode: Mode = "fixed",
        temperature: float = 0.08,
        spread: float = 0.1,
        quantise: float = 0.05,
        memory: int = 4096,
    ) -> None:
        super().__init__(mode=mode)
        self.temperature, self.spread, self.quantise, self.memory = temperature, spread, quantise, memory

    def bind(self, *, bits: int, classes: int, rows: int, seed: int, multilabel: bool = False) -> None:
        """Make the empty memory. Every photo is a class of its own, so labels are not needed; see `Objective.bind`."""
        super().bind(bits=bits, classes=max(classes, rows), rows=rows, seed=seed, multilabel=multilabel)

    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        del random, multilabel
        self.register_buffer("codes", torch.zeros(self.memory, self.bits))
        self.register_buffer("owners", torch.full((self.memory,), -1, dtype=torch.int64))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """Return the terms; labels are not used, a photo is known by its row.

        Parameters
        ----------
        outputs
            (b, k) float; several views of a photo share a row number.
        labels
            Ignored.
        rows
            (b,) int64.
        """
        del labels
        h = torch.tanh(outputs)
        z = F.normalize(h, dim=1)
        filled = self.owners >= 0
        others, owners = torch.cat([z, self.codes[filled]]), torch.cat([rows, self.owners[filled]])
        similar = z @ others.T
        itself = torch.zeros_like(similar, dtype=torch.bool)
        itself.fill_diagonal_(fill_value=True)
        same = rows[:, None] == owners[None, :]
        terms = {
            "contrast": self._contrast(similar, same & ~itself, same),
            "spread": self.spread * self._spread(similar, same),
            "quantise": self.quantise * (h.abs() - 1).square().mean(),
        }
        self._remember(z.detach(), rows)
        return terms

    def _contrast(self, similar: Tensor, positive: Tensor, same: Tensor) -> Tensor:
        logits = similar / self.temperature
        negatives = logits.masked_fill(same, -torch.inf).logsumexp(dim=1, keepdim=True)
        losses = torch.logaddexp(logits, negatives.expand_as(logits)) - logits
        return (losses * positive).sum() / positive.sum().clamp(min=1)

    def _spread(self, similar: Tensor, same: Tensor) -> Tensor:
        nearest = similar.masked_fill(same, -1).amax(dim=1)
        return -(2 - 2 * nearest).clamp(min=1e-6).sqrt().log().mean()

    @torch.no_grad()
    def _remember(self, codes: Tensor, rows: Tensor) -> None:
        if self.memory == 0 or not self.training:
            return
        at = (self.place + torch.arange(len(rows), device=rows.device)) % self.memory
        self.codes[at], self.owners[at] = codes.to(self.codes.dtype), rows
        self.place.copy_((self.place + len(rows)) % self.memory)
