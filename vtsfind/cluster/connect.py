"""Starting a cluster on this machine, or joining one, and making sure that every machine of it can take part."""

import logging
import os
import platform
import re
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import vtsfind
from vtsfind.base.errors import UsageError
from vtsfind.base.machine import processors
from vtsfind.base.settings import Settings
from vtsfind.cluster.machines import Machine, machines

if TYPE_CHECKING:
    from vtsfind.cluster.workplace import RayWorkplace

LOCAL = "ray"
"""What is asked for to start a cluster on this machine."""
_SCHEME = "ray://"
_LOCAL_STORE_BYTES = 512 << 20
"""Shared memory of a cluster on this machine: a few times what is under way at once. Beyond it Ray writes to the disk."""
_CONNECT_TIMEOUT_S = 10.0
_TOKEN = Path("~/.ray/auth_token")
"""Where Ray keeps the token of a user, which it makes for the first cluster on this machine."""
_VERSIONS = re.compile(r"(?:Ray|Python): [\w.]+")
_ANSWER_TIMEOUT_S = 120.0
"""Seconds that a machine may take to start an interpreter."""


@contextmanager
def workplace(on: str, settings: Settings) -> Iterator["RayWorkplace"]:
    """Give a cluster as the place where work runs, until the block ends.

    Parameters
    ----------
    on
        `ray` to start a cluster on this machine, with as many processors as the settings say; `ray://HOST:PORT` to join one.
    settings
        The user's.

    Raises
    ------
    UsageError
        If `on` is anything else, Ray is not installed, nothing answers there, or a machine has other versions.
    """
    if on != LOCAL and not on.startswith(_SCHEME):
        raise UsageError(f"--on cannot be '{on}'.", "Use ray, or ray://HOST:PORT.")
    with ExitStack() as stack:
        if on != LOCAL:
            stack.enter_context(_token_shown())
        try:
            import ray
        except ImportError:
            raise UsageError(
                "Working on a cluster needs the package ray.",
                "Install it: python3 -m pip install 'ray[client]'",
            ) from None
        from vtsfind.cluster.workplace import RayWorkplace

        folder = stack.enter_context(TemporaryDirectory(prefix="vtsfind-ray-", ignore_cleanup_errors=True))
        stack.callback(ray.shutdown)
        with _quiet():
            if on == LOCAL:
                _start(ray, folder, settings.workers or processors())
            else:
                _join(ray, on)
        found = machines(ray)
        if not found:
            raise UsageError(
                f"The cluster at {on} has no processors.", "Start Ray on its machines with `ray start`."
            )
        _require_same_versions(ray, found)
        yield RayWorkplace(ray, found)


@contextmanager
def _token_shown() -> Iterator[None]:
    """Let a client of Ray show the cluster the token of its user, if there is one: a cluster that was started by one asks for it.

    Ray looks at the variable when it is imported.
    """
    if "RAY_AUTH_MODE" in os.environ or not _TOKEN.expanduser().exists():
        yield
        return
    os.environ["RAY_AUTH_MODE"] = "token"
    try:
        yield
    finally:
        del os.environ["RAY_AUTH_MODE"]


@contextmanager
def _quiet() -> Iterator[None]:
    """While Ray starts: no report to its makers, no warnings, and no end of the process at SIGTERM, which it would take over."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, handler)


def _start(ray: Any, folder: str, cpus: int) -> None:
    ray.init(
        address="local",
        num_cpus=cpus,
        object_store_memory=_LOCAL_STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.CRITICAL,
        _temp_dir=folder,
        _system_config={"worker_niceness": 0},  # as the processes of this machine; Ray's own choice is 15
    )


def _join(ray: Any, on: str) -> None:
    """Join the cluster whose client server is at that address.

    Raises
    ------
    UsageError
        If nothing answers there, or not with the same versions of Ray and Python.
    """
    host, _, port = on.removeprefix(_SCHEME).rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--on cannot be '{on}'.", "Give host and port: ray://HOST:PORT.")
    try:
        socket.create_connection((host, int(port)), _CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise _no_answer(on, str(error.strerror or error)) from None
    try:
        ray.init(on, log_to_driver=False, logging_level=logging.CRITICAL)
    except ConnectionError as error:
        raise _no_answer(on, _first_sentence(error)) from None
    except RuntimeError as error:
        found = _VERSIONS.findall(str(error))  # of the cluster, and of this process
        cause = (
            "it has {} and {}, but this machine {} and {}".format(*found)
            if len(found) == 4
            else _first_sentence(error)
        )
        raise UsageError(
            f"The cluster at {on} cannot be joined: {cause}.",
            "Install the same versions of Python and Ray on both sides.",
        ) from None


def _no_answer(on: str, reason: str) -> UsageError:
    return UsageError(
        f"No Ray cluster answers at {on}: {reason}.",
        "Check the address: `ray start --head` prints it, and its port for clients is 10001 by default. A cluster that asks for a"
        " token needs its ~/.ray/auth_token on this machine, too.",
    )


def _first_sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    first = lines[0].partition(". ")[0]
    if first.endswith((":", ":.")):  # a traceback follows
        first = f"{first.rstrip(':.')}: {lines[-1]}"
    return first.rstrip(".")


def _require_same_versions(ray: Any, found: list[Machine]) -> None:
    """Ask every machine for its versions.

    Raises
    ------
    UsageError
        If one has others, or does not answer.
    """

    # A function in a function is sent as it is, so the machine needs no vtsfind to run it.
    def versions() -> tuple[str, str]:
        import platform

        try:
            import vtsfind
        except ImportError:
            return platform.python_version(), ""
        return platform.python_version(), vtsfind.__version__

    ask = ray.remote(versions)
    asked = [ask.options(**machine.place(0)).remote() for machine in found]
    answered, _ = ray.wait(asked, num_returns=len(asked), timeout=_ANSWER_TIMEOUT_S)
    own = platform.python_version(), vtsfind.__version__
    for machine, answer in zip(found, asked, strict=True):
        try:
            python, version = ray.get(answer) if answer in answered else (None, None)
        except ray.exceptions.RayError:
            python = None
        if python is None:
            raise UsageError(
                f"The machine {machine.host} does not answer.", "Take it out of the cluster, and try again."
            )
        if python.rpartition(".")[0] != own[0].rpartition(".")[0] or version != own[1]:
            raise UsageError(
                f"The machine {machine.host} has Python {python} and {f'vtsfind {version}' if version else 'no vtsfind'},"
                f" but this one Python {own[0]} and vtsfind {own[1]}.",
                "Install the same versions on both.",
            )
