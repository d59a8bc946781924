"""The cluster as a place where work runs; see `vtsfind.engine.work.workplace.Workplace`.

this process        scans, plans, keeps: it alone writes the library and the evidence
its machines        read photos from the folders that all of them see, decode, encode; join codes; compare pairs
"""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vtsfind.base.errors import UsageError
from vtsfind.base.paths import show_path
from vtsfind.base.progress import CancelToken, Monitor
from vtsfind.base.records import Entry, Failure, Found, Reason, Signature
from vtsfind.base.settings import Settings
from vtsfind.cluster.crew import Crew
from vtsfind.cluster.join import find_pairs_on
from vtsfind.cluster.machines import Machine, result_of
from vtsfind.cluster.verification import RayVerification
from vtsfind.engine.library.access import ModelLike
from vtsfind.find.hamming.all_pairs import FindPairs

if TYPE_CHECKING:
    from vtsfind.media.pool import DecodeTask, Job, JobResult

_PAIRS_PER_BATCH = 4096
_BATCHES_PER_TASK = 4
"""Batches of the model that a machine takes at once: what is done again if it ends."""


class RayWorkplace:
    """The machines of a cluster.

    Parameters
    ----------
    ray
        The module, connected.
    machines
        Those that take part.
    """

    pairs_per_batch = _PAIRS_PER_BATCH

    def __init__(self, ray: Any, machines: list[Machine]) -> None:
        self._ray = ray
        self._machines = machines

    def require_folders(self, folders: Iterable[bytes]) -> None:
        """See `Workplace`; a folder that is not there for this machine is not looked for."""
        wanted = sorted(folder for folder in folders if os.path.isdir(folder))

        def unseen() -> list[bytes]:
            return [folder for folder in wanted if not os.path.isdir(folder)]

        look = self._ray.remote(unseen)
        answers = [look.options(**machine.place(0)).remote() for machine in self._machines]
        for machine, answer in zip(self._machines, answers, strict=True):
            for folder in result_of(self._ray, answer):
                raise UsageError(
                    f"The machine {machine.host} does not see the folder {show_path(folder)}.",
                    "Mount it there at the same place, or take that machine out of the cluster.",
                )

    def encoded(
        self,
        tasks: "Iterable[DecodeTask]",
        count: int,
        model: ModelLike,
        accept: Callable[[Signature], None],
        *,
        settings: Settings,
        monitor: Monitor,
    ) -> Generator[Entry | Failure]:
        """See `Workplace`; a photo is decoded and encoded by the machine that reads it, so only its codes travel."""
        accept(model.signature)
        batches = _in_batches(tasks, _BATCHES_PER_TASK * settings.batch)
        with Crew(self._ray, self._machines, settings, (model.signature, count)) as crew:
            for batch, results, host in crew.results("encode", batches, monitor.cancel):
                for task, result in zip(batch, results, strict=True):
                    monitor.progress.advance(1, show_path(os.path.basename(task.found.path)))
                    yield _as_seen_here(result, task.found, host)

    def read(
        self, jobs: "Iterable[Job]", count: int, settings: Settings, cancel: CancelToken
    ) -> "Generator[JobResult | Failure]":
        """See `Workplace`."""
        del count
        batches = _in_batches(jobs, settings.batch)
        with Crew(self._ray, self._machines, settings) as crew:
            for batch, results, host in crew.results("read", batches, cancel):
                for job, result in zip(batch, results, strict=True):
                    yield _as_seen_here(result, job.found, host)

    @property
    def find_pairs(self) -> FindPairs:
        """See `Workplace`."""
        return find_pairs_on(self._ray)

    def verification(self, folder: Path, features_version: str, settings: Settings) -> RayVerification:
        """See `Workplace`."""
        del settings
        return RayVerification(self._ray, folder, features_version)


def _in_batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def _as_seen_here(result: Any, found: Found, host: str) -> Any:
    """What a machine says of a file, with what only this one knows: that the file is there, and its number here."""
    if isinstance(result, Failure):
        if result.reason is Reason.VANISHED and os.path.exists(found.path):
            return Failure(
                found.path,
                Reason.UNREADABLE,
                f"the machine {host} does not see it: mount its folder there at the same path, then index again",
            )
        return result
    if isinstance(result, Entry):
        stamp = result.stamp
        if (stamp.size, stamp.mtime_ns) == (found.stamp.size, found.stamp.mtime_ns):
            return replace(result, stamp=found.stamp)  # mounts may number files in their own way
    return result
