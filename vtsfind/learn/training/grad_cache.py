"""The gradient of a loss on a whole batch whose features are computed in parts: in sequence here, and in other processes.

The network is cut between backbone and heads. The features of all parts are concatenated, the loss on them gives the gradient
of heads and features, and each part propagates its rows of that through the backbone. So an objective that compares the
pictures of a batch sees all of them however little memory there is (Gao et al., "Scaling Deep Contrastive Learning Batch Size
under Memory Limited Setup", 2021). With more than one part, features are computed twice with the same random numbers: once for
the loss, once for the gradient.

When a GPU runs out of memory, the parts are halved and the step continues; the objective is not evaluated again.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.seeds import seed_number
from vtsfind.learn.training.distributed import ProcessGroup

Loss = Callable[[Tensor], Tensor]


class BackboneFeatures(nn.Module):
    """The part of a network before its heads, as a module with its own precision."""

    def __init__(self, network: HashNetwork, device: str, precision: torch.dtype) -> None:
        super().__init__()
        self.backbone = network.backbone
        self._features, self._device, self._precision = network.features, device, precision

    def forward(self, images: Tensor) -> Tensor:
        """Return what the heads read: (b, d) for images (b, 3, size, size)."""
        with torch.autocast(self._device, self._precision, enabled=self._precision != torch.float32):
            return self._features(images)


class GradientCache:
    """Computes gradients in parts.

    Parameters
    ----------
    features
        `BackboneFeatures`, possibly compiled or parallel.
    processes
        The processes that train together.
    scaler
        Of the loss; scales by 1 where no scaling is needed.
    parts
        Number of parts of this process's share of a batch.
    seed
        Of random numbers, such as those of dropout.
    on_message
        Called with a message when the parts are halved.
    """

    def __init__(
        self,
        features: Any,
        processes: ProcessGroup,
        scaler: torch.amp.GradScaler,
        *,
        parts: int,
        seed: int,
        on_message: Callable[[str], None],
    ) -> None:
        self.features, self.processes, self.scaler = features, processes, scaler
        self.parts, self.seed, self.on_message = parts, seed, on_message

    def add(self, step: int, tasks: Sequence[tuple[Tensor, Loss]]) -> None:
        """Compute the gradient of one step, and add it to the gradients of all parameters.

        Parameters
        ----------
        step
            Its number, for the random numbers.
        tasks
            For each task this process's share of the images, (b, 3, size, size), and the loss to minimise, a function of the
            features (n, d) of the whole batch. Each is called once.

        Raises
        ------
        UsageError
            When there is not enough memory for a single picture, or when memory runs out with several processes.
        """
        done: list[_Microbatch] = []
        for task, (images, loss) in enumerate(tasks):
            rng_key = (self.seed, step, task, self.processes.rank)
            own = self._compute_features(images, rng_key)
            whole = self.processes.gather(own).requires_grad_()
            seed_rng(self.seed, step, task)
            scaled: Any = self.scaler.scale(loss(whole))
            scaled.backward()
            assert whole.grad is not None
            # Parallel backbones average over the processes, but each process has only its share of the gradient.
            gradient = self.processes.own(whole.grad) * self.processes.count
            done.append(_Microbatch(images, gradient, rng_key))
            if not self._backward(own, done):
                del own, whole, scaled
                self._retry_in_smaller_parts(done)

    def _compute_features(self, images: Tensor, rng_key: tuple[int, ...]) -> Tensor:
        """Features of all parts; with a graph for the gradient if there is only one."""
        while True:
            try:
                if self.parts == 1:
                    return self._forward_part(images, rng_key, 0)
                with torch.no_grad():
                    pieces = images.chunk(self.parts)
                    return torch.cat(
                        [self._forward_part(piece, rng_key, n) for n, piece in enumerate(pieces)]
                    )
            except torch.OutOfMemoryError:
                pass
            # Outside the handler, where the exception no longer keeps the tensors of the attempt alive.
            self._halve_parts(len(images))

    def _backward(self, own: Tensor, done: Sequence["_Microbatch"]) -> bool:
        """Propagate the latest gradient through the backbone; returns whether there was enough memory."""
        try:
            if own.requires_grad:
                torch.autograd.backward(own, done[-1].gradient)
            else:
                self._recompute_backward(done[-1])
        except torch.OutOfMemoryError:
            return False
        return True

    def _retry_in_smaller_parts(self, done: Sequence["_Microbatch"]) -> None:
        """Restart the backbone's gradient of this step in smaller parts, until there is enough memory."""
        while True:
            self._halve_parts(max(len(share.images) for share in done))
            for parameter in self.features.parameters():
                parameter.grad = None
            try:
                for share in done:
                    self._recompute_backward(share)
            except torch.OutOfMemoryError:
                continue
            return

    def _recompute_backward(self, share: "_Microbatch") -> None:
        """Compute the features again, a part at a time, and propagate their gradient through the backbone."""
        pieces, part_gradients = share.images.chunk(self.parts), share.gradient.chunk(self.parts)
        for number, (piece, gradient) in enumerate(zip(pieces, part_gradients, strict=True)):
            last = number == len(pieces) - 1
            with nullcontext() if last or self.processes.count == 1 else self.features.no_sync():
                torch.autograd.backward(self._forward_part(piece, share.rng_key, number), gradient)

    def _forward_part(self, piece: Tensor, rng_key: tuple[int, ...], number: int) -> Tensor:
        seed_rng(*rng_key, number)
        features: Tensor = self.features(piece)
        return features

    def _halve_parts(self, pictures: int) -> None:
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
        self.on_message(
            f"Out of memory: from here on the backbone sees a batch in {self.parts} parts of at most "
            f"{-(-pictures // self.parts)} pictures. Objectives still see the whole batch."
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Microbatch:
    """The inputs of propagating a gradient through the backbone."""

    images: Tensor
    """(b, 3, size, size)."""
    gradient: Tensor
    """(b, d), the gradient of the features."""
    rng_key: tuple[int, ...]
    """Seeds of the random numbers."""


def seed_rng(*numbers: int) -> None:
    """Seed the random generators with these numbers."""
    torch.manual_seed(seed_number(*numbers))
