"""Several processes that train one model, each on a GPU of its own, as torchrun starts them.

Every process makes its share of each batch and computes the backbone's features of it. The features of all shares are then
put together in every process, so that heads and objectives see the whole batch and do the same everywhere; the backbone's
gradients are averaged by PyTorch's DistributedDataParallel. The first process alone writes.

Without torchrun there is one process, and nothing here does anything.
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
"""How long the others wait for the first one, which opens data and measures alone."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The processes that train together."""

    rank: int = 0
    """Number of this one."""
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    @property
    def share(self) -> tuple[int, int]:
        """Number of this process's share of a batch, and how many shares there are."""
        return self.rank, self.count

    @classmethod
    @contextmanager
    def join_group(cls, device: torch.device) -> Iterator[Self]:
        """Join the others, if torchrun started any, and leave them in the end."""
        rank, count = rank_and_world_size()
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
        """Let the first process do what is inside before the others: what it makes on disk is then there for them."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def gather(self, own: Tensor) -> Tensor:
        """Put the shares (b, ...) of all processes one after the other, without gradient; all have the same b."""
        if self.count == 1:
            return own.detach()
        shares = [torch.empty_like(own) for _ in range(self.count)]
        distributed.all_gather(shares, own.detach().contiguous())
        return torch.cat(shares)

    def own(self, whole: Tensor) -> Tensor:
        """The rows of something whole that are this process's share."""
        return whole.chunk(self.count)[self.rank]

    def broadcast_from_first(self, module: nn.Module) -> None:
        """Give all processes the first one's parameters and buffers."""
        if self.count > 1:
            for values in module.state_dict().values():
                distributed.broadcast(values, 0)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average gradients that are the same everywhere but for rounding, so that parameters never drift apart."""
        if self.count > 1:
            for gradient in [p.grad for p in parameters if p.grad is not None]:
                distributed.all_reduce(gradient)
                gradient.div_(self.count)

    def any(self, local_value: bool, device: torch.device) -> bool:  # noqa: FBT001 - the value is the question itself
        """Whether it is so in any process."""
        if self.count == 1:
            return local_value
        flag = torch.tensor(float(local_value), device=device)
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return bool(flag)

    def parallel(self, module: nn.Module, device: torch.device) -> Any:
        """Make a module average its gradients over the processes."""
        if self.count == 1:
            return module
        places = [torch.cuda.current_device()] if device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(module, device_ids=places)


def rank_and_world_size() -> tuple[int, int]:
    """Number of this process among those that torchrun started, and how many there are; needs no joining."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
