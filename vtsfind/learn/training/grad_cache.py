"""The gradient of a loss on a whole batch, whose features are made in parts: here one after the other, and in other processes.

The network is cut between backbone and heads. The features of all parts are put together, the loss on them gives its gradient
on heads and features, and each part takes its rows of that through the backbone. So an objective that compares the pictures
of a batch with each other sees all of them however little memory there is (Gao et al., "Scaling Deep Contrastive Learning
Batch Size under Memory Limited Setup", 2021). With more than one part, features are made twice, with the same random numbers:
once to know the loss, once for the gradient.

When a GPU runs out of memory, the parts are halved and the work goes on where it was; the objective is not asked again.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.training.distributed import Processes

Loss = Callable[[Tensor], Tensor]


class Features(nn.Module):
    """The part of a network before its heads, as a module of its own that computes in some precision."""

    def __init__(self, network: HashNetwork, device: str, precision: torch.dtype) -> None:
        super().__init__()
        self.backbone = network.backbone
        self._features, self._device, self._precision = network.features, device, precision

    def forward(self, images: Tensor) -> Tensor:
        """Give what the heads read: (b, d) for images (b, 3, size, size)."""
        with torch.autocast(self._device, self._precision, enabled=self._precision != torch.float32):
            return self._features(images)


class Gradients:
    """Computes gradients in parts.

    Parameters
    ----------
    features
        `Features`, perhaps compiled or made parallel.
    processes
        Those that train together.
    scaler
        Of the loss; scales by 1 where no scaling is needed.
    parts
        Parts of this process's share of a batch.
    seed
        Of the random numbers of dropout and the like.
    told
        Is told when parts are halved.
    """

    def __init__(
        self,
        features: Any,
        processes: Processes,
        scaler: torch.amp.GradScaler,
        *,
        parts: int,
        seed: int,
        told: Callable[[str], None],
    ) -> None:
        self.features, self.processes, self.scaler = features, processes, scaler
        self.parts, self.seed, self.told = parts, seed, told

    def add(self, step: int, tasks: Sequence[tuple[Tensor, Loss]]) -> None:
        """Add the gradient of one step to that of all parameters.

        Parameters
        ----------
        step
            Its number, for the random numbers.
        tasks
            Of each task, the images (b, 3, size, size) that are this process's share of the batch, and the loss to minimise,
            a function of the features (n, d) of the whole batch. Each is called once.

        Raises
        ------
        UsageError
            When memory does not suffice for a single picture, or there are several processes.
        """
        done: list[_Share] = []
        for task, (images, loss) in enumerate(tasks):
            draws = (self.seed, step, task, self.processes.rank)
            own = self._made(images, draws)
            whole = self.processes.gathered(own).requires_grad_()
            draw(self.seed, step, task)
            scaled: Any = self.scaler.scale(loss(whole))
            scaled.backward()
            assert whole.grad is not None
            # Parallel backbones average over the processes, but each has its share of the gradient of the whole loss.
            slope = self.processes.own(whole.grad) * self.processes.count
            done.append(_Share(images, slope, draws))
            if not self._through(own, done):
                del own, whole, scaled
                self._again(done)

    def _made(self, images: Tensor, draws: tuple[int, ...]) -> Tensor:
        """Features of all parts; with the way back to the backbone if there is one part."""
        while True:
            try:
                if self.parts == 1:
                    return self._part(images, draws, 0)
                with torch.no_grad():
                    pieces = images.chunk(self.parts)
                    return torch.cat([self._part(piece, draws, n) for n, piece in enumerate(pieces)])
            except torch.OutOfMemoryError:
                pass
            # Outside the handler, where the error no longer keeps the tensors of the attempt alive.
            self._halve(len(images))

    def _through(self, own: Tensor, done: Sequence["_Share"]) -> bool:
        """Take the latest gradient through the backbone; tells whether memory sufficed."""
        try:
            if own.requires_grad:
                torch.autograd.backward(own, done[-1].slope)
            else:
                self._recomputed(done[-1])
        except torch.OutOfMemoryError:
            return False
        return True

    def _again(self, done: Sequence["_Share"]) -> None:
        """Begin the backbone's gradient of this step anew, in smaller parts, until memory suffices."""
        while True:
            self._halve(max(len(share.images) for share in done))
            for parameter in self.features.parameters():
                parameter.grad = None
            try:
                for share in done:
                    self._recomputed(share)
            except torch.OutOfMemoryError:
                continue
            return

    def _recomputed(self, share: "_Share") -> None:
        """Make features once more, a part at a time, and take their gradient through the backbone."""
        pieces, slopes = share.images.chunk(self.parts), share.slope.chunk(self.parts)
        for number, (piece, slope) in enumerate(zip(pieces, slopes, strict=True)):
            last = number == len(pieces) - 1
            with nullcontext() if last or self.processes.count == 1 else self.features.no_sync():
                torch.autograd.backward(self._part(piece, share.draws, number), slope)

    def _part(self, piece: Tensor, draws: tuple[int, ...], number: int) -> Tensor:
        draw(*draws, number)
        features: Tensor = self.features(piece)
        return features

    def _halve(self, pictures: int) -> None:
        """Halve the parts after memory ran out."""
        if self.processes.count > 1:
            raise UsageError(
                "The memory of a GPU does not suffice.",
                f"Train with `parts = {2 * self.parts}` in the recipe's schedule (--set schedule.parts={2 * self.parts}).",
            )
        if self.parts >= pictures:
            raise UsageError(
                "The memory does not suffice for a single picture.",
                "Set `recompute` in the recipe's schedule (--set schedule.recompute=true), or take a smaller backbone.",
            )
        self.parts *= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.told(
            f"Out of memory: from here on the backbone sees a batch in {self.parts} parts of at most "
            f"{-(-pictures // self.parts)} pictures. Objectives still see the whole batch."
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Share:
    """What is needed to take a gradient through the backbone."""

    images: Tensor
    """(b, 3, size, size)."""
    slope: Tensor
    """(b, d), the gradient of the features."""
    draws: tuple[int, ...]
    """What the random numbers depend on."""


def draw(*numbers: int) -> None:
    """Begin a stream of random numbers that depends on these numbers alone."""
    torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1)))
