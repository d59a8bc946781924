"""What is refused on a cluster: a sentence, a remedy, an exit code, and nothing written."""

import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import block_encoder, real_photos
from support.output import Vtsfind
from support.two_machines import NODE, TwoMachines, free_port

from vtsfind.base.errors import ModelMismatch, UsageError
from vtsfind.base.progress import Monitor
from vtsfind.base.records import Failure, Found, Reason
from vtsfind.base.settings import Settings, places
from vtsfind.cluster.connect import _require_same_versions
from vtsfind.media.pool import DecodeTask
from vtsfind.media.scan import stamp_of

OTHER_PYTHON = os.environ.get("VTSFIND_TEST_OTHER_PYTHON", "")
"""An interpreter of another version that has `ray[client]`."""


def index(run: Vtsfind, on: str, tmp_path: Path) -> str:
    """The message of an index that is refused and writes nothing."""
    done = run("index", real_photos.FOLDER, "--on", on, "--library", tmp_path / "library")
    assert done.exit_code == 2, done.stderr
    assert not (tmp_path / "library").exists()
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("on", ["spark", "ray:/host:1", "ray://host", "ray://:10001", "ray://host:x"])
def test_what_is_no_address_is_refused(run: Vtsfind, tmp_path: Path, on: str) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    message = index(run, on, tmp_path)
    assert f"--on cannot be '{on}'." in message
    assert "ray://HOST:PORT" in message


def test_without_ray_it_says_how_to_install_it(
    run: Vtsfind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert "pip install 'ray[client]'" in index(run, "ray", tmp_path)


def test_an_address_that_does_not_answer_is_named(run: Vtsfind, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    on = f"ray://127.0.0.1:{free_port()}"
    message = index(run, on, tmp_path)
    assert f"No Ray cluster answers at {on}: Connection refused." in message
    assert "ray start --head" in message


def test_a_machine_with_another_version_is_named(two: TwoMachines, monkeypatch: pytest.MonkeyPatch) -> None:
    host = socket.gethostname()
    monkeypatch.setattr("vtsfind.__version__", "99.1")
    with pytest.raises(
        UsageError, match=rf"The machine {host} has Python .* and vtsfind [\d.]+, but .* 99.1"
    ):
        _require_same_versions(two.ray, two.place._machines)
    monkeypatch.undo()
    monkeypatch.setattr("platform.python_version", lambda: "3.99.1")
    with pytest.raises(UsageError, match=r"this one Python 3.99.1 .*Install the same versions"):
        _require_same_versions(two.ray, two.place._machines)


@pytest.mark.skipif(sys.platform != "linux", reason="each process has a folder of its own in /proc")
def test_a_machine_that_does_not_see_the_photos_is_named(
    two: TwoMachines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "here.jpg").write_bytes(real_photos.FILES[0].read_bytes())
    monkeypatch.chdir(tmp_path)
    mine = b"/proc/self/cwd/photos"
    host = socket.gethostname()
    with pytest.raises(UsageError, match=f"machine {host} does not see the folder .*Mount it there"):
        two.place.require_folders([mine])
    path = mine + b"/here.jpg"
    found = Found(path, stamp_of(os.stat(path)))
    [seen] = two.place.encoded(
        [DecodeTask(found)], 1, shipped(), lambda _: None, settings=Settings(workers=1), monitor=Monitor()
    )
    assert isinstance(seen, Failure)
    assert (seen.path, seen.reason) == (path, Reason.UNREADABLE)
    assert f"the machine {host} does not see it" in str(seen)


def shipped() -> Any:
    from vtsfind.engine.context import Context

    return Context(Settings()).model_named("")


def test_a_machine_without_the_model_is_named(two: TwoMachines) -> None:
    block_encoder.register()
    assert places().models.exists()
    path = real_photos.FILES[0]
    task = DecodeTask(Found(os.fsencode(path), stamp_of(path.stat())))
    with pytest.raises(ModelMismatch, match=rf"On the machine {socket.gethostname()}: There is no model"):
        list(
            two.place.encoded(
                [task],
                1,
                block_encoder.BlockModel(),
                lambda _: None,
                settings=Settings(workers=1),
                monitor=Monitor(),
            )
        )


def refused(on: str, tmp_path: Path) -> str:
    """The message of a whole `index` in a process of its own, which is refused and writes nothing."""
    command = ["index", str(real_photos.FOLDER), "--on", on, "--library", str(tmp_path / "library")]
    for _ in range(20):  # the server for clients begins some time after the cluster
        done = subprocess.run(
            [sys.executable, "-m", "vtsfind", *command], capture_output=True, check=False, timeout=300
        )
        if b"No Ray cluster answers" not in done.stderr:
            break
    assert done.returncode == 2, done.stderr
    assert not (tmp_path / "library").exists()
    assert b"Traceback" not in done.stderr
    return " ".join(done.stderr.decode().split())


def test_a_cluster_with_a_machine_of_another_vtsfind_is_refused(
    cluster: tuple[Any, str], tmp_path: Path
) -> None:
    other = tmp_path / "other" / "vtsfind"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text('__version__ = "99.1"\n')
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        node = cluster[0].add_node(**NODE, env_vars={"PYTHONPATH": str(other.parent)})
    try:
        message = refused(cluster[1], tmp_path)
    finally:
        cluster[0].remove_node(node, allow_graceful=False)
    assert re.search(
        rf"The machine \S+ has Python {platform.python_version()} and vtsfind 99\.1, but this one Python \S+ and vtsfind "
        r"\S+\. Install the same versions on both\.",
        message,
    ), message


@pytest.fixture
def other_python(tmp_path: Path) -> Iterator[str]:
    """The address of a cluster of another Python."""
    if not OTHER_PYTHON:
        pytest.skip("VTSFIND_TEST_OTHER_PYTHON names no interpreter of another version that has ray[client]")
    port = free_port()
    head = f"--head --block --num-cpus=1 --port={free_port()} --ray-client-server-port={port}"
    head += (
        f" --include-dashboard=false --object-store-memory={100 << 20} --temp-dir=/tmp/vts-ray-{os.getpid()}"
    )
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            [OTHER_PYTHON, "-m", "ray.scripts.scripts", "start", *head.split()],
            stdout=log,
            stderr=log,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": ""},
            start_new_session=True,
        )
    try:
        yield f"ray://127.0.0.1:{port}"
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        shutil.rmtree(f"/tmp/vts-ray-{os.getpid()}", ignore_errors=True)


def test_a_cluster_of_another_python_is_refused(other_python: str, tmp_path: Path) -> None:
    message = refused(other_python, tmp_path)
    own = platform.python_version()
    assert re.search(
        rf"The cluster at {re.escape(other_python)} cannot be joined: it has Ray: \S+ and Python: (?!{re.escape(own)})\S+, but"
        rf" this machine Ray: \S+ and Python: {re.escape(own)}\.",
        message,
    ), message
    assert "Install the same versions of Python and Ray on both sides." in message
