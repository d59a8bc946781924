"""Training one model in several processes, each on its own GPU, started by torchrun.

Every process makes its share of each batch and computes the backbone's features of it. The features of all shares are then
gathered in every process, so that heads and objectives see the whole batch and are the same everywhere; PyTorch's
DistributedDataParallel averages the gradients of the backbone. Only the first process writes files.

Without torchrun there is one process, and nothing here has an effect.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import torch
from torch import Tensor, distributed, nn

_TIMEOUT = timedelta(hours=2)
"""How long the other processes wait for the first one while it opens data or validates."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The processes that train together."""

    rank: int = 0
    """Index of this process."""
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    @property
    def share(self) -> tuple[int, int]:
        """Index of this process's share of a batch, and the number of shares."""
        return self.rank, self.count

    @classmethod
    @contextmanager
    def join_group(cls, device: torch.device, *, alone: bool = False) -> Iterator[Self]:
        """Join the process group if torchrun started one, unless `alone`, and leave it at the end of the block."""
        rank, count = (0, 1) if alone else rank_and_world_size()
        if count == 1:
            yield cls()
            return
        if device.type == "cuda":
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
        try:
            yield cls(rank, count)
        finally:
            distributed.destroy_process_group()

    @contextmanager
    def first_goes_first(self) -> Iterator[None]:
        """Run the block in the first process before the others, which can then use the files that it wrote."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def wait(self) -> None:
        """Wait for all processes."""
        if self.count > 1:
            distributed.barrier()

    def gather(self, own: Tensor) -> Tensor:
        """Concatenate the shares (b, ...) of all processes, without gradient; all have the same b."""
        if self.count == 1:
            return own.detach()
        shares = [torch.empty_like(own) for _ in range(self.count)]
        distributed.all_gather(shares, own.detach().contiguous())
        return torch.cat(shares)

    def own(self, whole: Tensor) -> Tensor:
        """The share of the rows of a whole batch that belongs to this process."""
        return whole.chunk(self.count)[self.rank]

    def broadcast_from_first(self, module: nn.Module) -> None:
        """Copy the parameters and buffers of the first process to all others."""
        if self.count > 1:
            for values in module.state_dict().values():
                distributed.broadcast(values, 0)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average gradients that are equal in all processes except for rounding, so that parameters stay equal."""
        if self.count > 1:
            for gradient in [p.grad for p in parameters if p.grad is not None]:
                distributed.all_reduce(gradient)
                gradient.div_(self.count)

    def any(self, local_value: bool, device: torch.device) -> bool:  # noqa: FBT001 - the value is the question itself
        """Whether the value is true in any process."""
        return bool(self.largest(float(local_value), device))

    def largest(self, local_value: float, device: torch.device) -> float:
        """The largest value of all processes."""
        if self.count == 1:
            return local_value
        value = torch.tensor(local_value, dtype=torch.float32, device=device)
        distributed.all_reduce(value, distributed.ReduceOp.MAX)
        return float(value)

    def parallel(self, module: nn.Module, device: torch.device) -> Any:
        """Make a module average its gradients over the processes."""
        if self.count == 1:
            return module
        places = [torch.cuda.current_device()] if device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(module, device_ids=places)


def rank_and_world_size() -> tuple[int, int]:
    """Index of this process among those that torchrun started, and their number; needs no process group."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
