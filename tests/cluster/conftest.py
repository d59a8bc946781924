"""What tests of clusters get: a cluster of two machines on this one, of which a test may kill the second."""

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.two_machines import NODE, TwoMachines, free_port

from vtsfind.cluster.machines import machines
from vtsfind.cluster.workplace import RayWorkplace


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow connections within this machine only, and datagrams' sockets, by which Ray asks for its own address and sends nothing."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        is_stream = self.family in {socket.AF_INET, socket.AF_INET6} and self.type == socket.SOCK_STREAM
        if is_stream and address[0] != "127.0.0.1":
            raise AssertionError(f"A test wants the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def cluster() -> Iterator[tuple[Any, str]]:
    """A cluster of one machine, and its address for clients."""
    pytest.importorskip("ray", reason="ray is not installed")
    root = str(Path(__file__).parents[2])
    port = free_port()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        import ray
        from ray.cluster_utils import Cluster

        head = {**NODE, "ray_client_server_port": port, "_system_config": {"worker_niceness": 0}}
        made = Cluster(initialize_head=True, head_node_args=head)
        try:
            yield made, f"ray://127.0.0.1:{port}"
        finally:
            ray.shutdown()
            made.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def joined(cluster: tuple[Any, str]) -> Iterator[Any]:
    """The module `ray`, connected to the cluster from within: a client of it takes longer to start.

    It is left after each test: Ray tells of lost machines on standard output, whatever test runs then.
    """
    import ray

    if not ray.is_initialized():  # a command that was tested in this process may have left the cluster
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(cluster[0].address, log_to_driver=False, logging_level=logging.CRITICAL)
    yield ray
    ray.shutdown()


@pytest.fixture
def two(cluster: tuple[Any, str], joined: Any) -> Iterator[TwoMachines]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        second = cluster[0].add_node(**NODE)
    found = [each for each in machines(joined) if each.node in {cluster[0].head_node.node_id, second.node_id}]
    assert len(found) == 2
    both = TwoMachines(cluster[0], second, joined, RayWorkplace(joined, found))
    yield both
    both.kill_second()
    both.wait_for_its_death()
