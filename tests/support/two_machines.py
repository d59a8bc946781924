"""A cluster of two machines on this one, for tests; see `tests/cluster/conftest.py`."""

import socket
import time
from dataclasses import dataclass
from typing import Any

from vtsfind.cluster.machines import machines
from vtsfind.cluster.workplace import RayWorkplace

NODE = {
    "num_cpus": 1,
    "object_store_memory": 100 << 20,
    "include_dashboard": False,
}
"""One machine of a cluster, for Ray."""


@dataclass(frozen=True)
class TwoMachines:
    """A cluster with a second machine, and the place where work runs on both."""

    cluster: Any
    second: Any
    ray: Any
    place: RayWorkplace

    @property
    def is_whole(self) -> bool:
        return self.second in self.cluster.worker_nodes

    def kill_second(self) -> None:
        if self.is_whole:
            self.cluster.remove_node(self.second, allow_graceful=False)

    def wait_for_its_death(self) -> None:
        """Until the cluster has noticed, so that the next one who joins does not ask it."""
        deadline = time.monotonic() + 60
        while any(each.node == self.second.node_id for each in machines(self.ray)):
            assert time.monotonic() < deadline


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
