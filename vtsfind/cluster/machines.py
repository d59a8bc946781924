"""The machines of a cluster, and waiting for what they give."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from vtsfind.base.errors import ClusterLost, VtsfindError
from vtsfind.base.progress import CancelToken

POLL_INTERVAL_S = 0.1
"""Seconds between two looks at whether the user wants to stop."""
_TASKS_AHEAD = 2
"""Tasks that are under way for each processor, so that none waits for the next."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Machine:
    """One node of the cluster, as Ray counts it."""

    node: str
    """Ray's name of it."""
    host: str
    cpus: int
    gpus: int

    def place(self, cpus: float, gpus: float = 0) -> dict[str, Any]:
        """Options of a task or actor that is to run there and nowhere else."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return {
            "num_cpus": cpus,
            "num_gpus": gpus,
            "scheduling_strategy": NodeAffinitySchedulingStrategy(self.node, soft=False),
        }


def machines(ray: Any) -> list[Machine]:
    """The machines that are up and have processors."""
    found = [
        Machine(
            node["NodeID"],
            node["NodeManagerHostname"],
            int(node["Resources"].get("CPU", 0)),
            int(node["Resources"].get("GPU", 0)),
        )
        for node in ray.nodes()
        if node["Alive"]
    ]
    return sorted((each for each in found if each.cpus), key=lambda each: (each.host, each.node))


def result_of(ray: Any, reference: Any, *, pass_on: tuple[type[Exception], ...] = ()) -> Any:
    """What a task gave.

    Parameters
    ----------
    ray
        The module, connected.
    reference
        To the task.
    pass_on
        Ray's errors that the caller treats.

    Raises
    ------
    VtsfindError
        That the task raised.
    ClusterLost
        If it was done several times, and its machine ended each time.
    """
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, VtsfindError):
            raise error.cause from None
        raise
    except pass_on:
        raise
    except ray.exceptions.RayError as error:
        raise lost(str(error)) from None


def lost(detail: str) -> ClusterLost:
    """The error for a cluster that does not go on."""
    reason = (detail.strip().splitlines() or ["its machines ended"])[0].rstrip(".")
    return ClusterLost(
        f"The cluster lost its work: {reason}.",
        "What was finished is kept; see that its machines are up, and run the same command again.",
    )


def in_order(
    ray: Any, submit: Callable[[Item], Any], items: Iterable[Item], cancel: CancelToken
) -> Generator[Any]:
    """Do tasks, a few ahead for each processor of the cluster, and give their results in the order of the items.

    Parameters
    ----------
    ray
        The module.
    submit
        Starts the task of an item and gives its reference. Ray does it again if its machine ends.
    items
        Taken as there is room.
    cancel
        Checked while waiting.

    Raises
    ------
    Cancelled
        When `cancel` is set.
    VtsfindError, ClusterLost
        See `result_of`.
    """
    ahead = _TASKS_AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    running: deque[Any] = deque()
    source = iter(items)
    try:
        while True:
            while len(running) < ahead and (item := next(source, None)) is not None:
                running.append(submit(item))
            if not running:
                return
            while not ray.wait([running[0]], timeout=POLL_INTERVAL_S)[0]:
                cancel.check()
            cancel.check()
            yield result_of(ray, running.popleft())
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
