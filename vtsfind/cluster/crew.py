"""The workers that read photos: one for each GPU, or for some processors, of each machine; a lost one is replaced."""

import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import chain
from types import TracebackType
from typing import Any

from vtsfind.base.progress import CancelToken
from vtsfind.base.records import Signature
from vtsfind.base.settings import Settings
from vtsfind.cluster.machines import POLL_INTERVAL_S, Machine, lost, machines, result_of
from vtsfind.cluster.photos import PhotoWorker

_CPUS_PER_WORKER = 16
"""Processors that decode for one model. Of more, some wait for it, since a batch is cut into at most 8 parts
(`vtsfind.learn.models.encoder`)."""
_BATCHES_PER_WORKER = 2
"""One is decoded while the other is encoded."""
_BATCHES_AHEAD = 4
"""Batches per worker that may be finished before the one whose turn it is."""
_MAX_ATTEMPTS = 3
"""Times that a batch is tried if its worker ends."""
_REPLACE_EVERY_S = 5.0
"""Seconds between two looks at which workers are missing."""
_ALONE_LIMIT_S = 60.0
"""Seconds without any worker after which the work is given up."""

_LOST = object()
"""In place of what a worker gives that has ended."""


@dataclass(eq=False, slots=True)
class _Worker:
    """One actor."""

    machine: Machine
    actor: Any
    ready: Any
    """Reference to its answer that it can begin; None once it has come."""
    batches: int = 0
    """What it has to do now."""


@dataclass(eq=False, slots=True)
class _Batch:
    number: int
    items: list[Any]
    attempts: int = 0


class Crew(AbstractContextManager["Crew"]):
    """The workers of one stage.

    Parameters
    ----------
    ray
        The module, connected.
    found
        The machines that take part.
    settings
        The limits of decoding, the batch, and the device.
    model
        The model that they load, and for how many pictures; None for reading alone.
    """

    def __init__(
        self, ray: Any, found: list[Machine], settings: Settings, model: tuple[Signature, int] | None = None
    ) -> None:
        self._ray = ray
        self._machines = found
        self._settings = settings
        self._model = model
        self._workers: list[_Worker] = []
        self._running: dict[Any, tuple[_Worker, _Batch]] = {}
        self._again: deque[_Batch] = deque()
        self._sent = 0
        self._exhausted = False
        self._last_seen_s = time.monotonic()
        self._looked_s = self._last_seen_s - _REPLACE_EVERY_S

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            self._ray.kill(worker.actor)

    def results(
        self, method: str, batches: Iterator[list[Any]], cancel: CancelToken
    ) -> Generator[tuple[list[Any], list[Any], str]]:
        """Do batches, taken as there is room, by a method of `PhotoWorker`.

        Yields
        ------
        Each batch with its results and the host that gave them, in order.

        Raises
        ------
        Cancelled
            When `cancel` is set.
        VtsfindError
            That a worker raises.
        ClusterLost
            If a batch ends its worker again and again, or all workers are gone.
        """
        first = next(batches, None)
        if first is None:  # no worker need start
            return
        numbered = (_Batch(number, items) for number, items in enumerate(chain([first], batches)))
        done: dict[int, tuple[list[Any], list[Any], str]] = {}
        turn = 0
        while not self._is_done():
            cancel.check()
            self._replace_lost()
            self._send_batches(numbered, method, turn)
            for worker, batch, results in self._finished():
                done[batch.number] = batch.items, results, worker.machine.host
            while turn in done:
                cancel.check()  # many may wait for an earlier one
                yield done.pop(turn)
                turn += 1

    def _is_done(self) -> bool:
        return self._exhausted and not self._running and not self._again

    def _send_batches(self, numbered: Iterator[_Batch], method: str, turn: int) -> None:
        """Give free workers what is to be done again, and then what comes next, as long as it is not too far ahead."""
        while (worker := self._free_worker()) is not None:
            if self._again:
                batch = self._again.popleft()
            elif self._exhausted or self._sent - turn >= _BATCHES_AHEAD * len(self._workers):
                return
            else:
                following = next(numbered, None)
                if following is None:
                    self._exhausted = True
                    return
                batch = following
                self._sent += 1
            worker.batches += 1
            reference = getattr(worker.actor, method).remote(batch.items)
            self._running[reference] = worker, batch

    def _free_worker(self) -> _Worker | None:
        free = [each for each in self._workers if each.ready is None and each.batches < _BATCHES_PER_WORKER]
        return min(free, key=lambda each: each.batches, default=None)

    def _finished(self) -> Iterator[tuple[_Worker, _Batch, list[Any]]]:
        """Wait a moment, and give what was done meanwhile; the batches of workers that ended are to be done again."""
        beginning = {each.ready: each for each in self._workers if each.ready is not None}
        waiting = [*beginning, *self._running]
        if not waiting:
            time.sleep(POLL_INTERVAL_S)
            return
        ready, _ = self._ray.wait(waiting, timeout=POLL_INTERVAL_S)
        for reference in ready:
            if reference in beginning:
                worker = beginning[reference]
                if self._taken(worker, reference) is not _LOST:
                    worker.ready = None
                continue
            worker, batch = self._running.pop(reference)
            worker.batches -= 1
            results = self._taken(worker, reference)
            if results is _LOST:
                self._do_again(batch)
            else:
                yield worker, batch, results

    def _taken(self, worker: _Worker, reference: Any) -> Any:
        """What a worker gives; `_LOST` if it has ended."""
        errors = self._ray.exceptions
        try:
            return result_of(self._ray, reference, pass_on=(errors.RayActorError, errors.ObjectLostError))
        except (errors.RayActorError, errors.ObjectLostError):
            if worker in self._workers:
                self._workers.remove(worker)
                self._ray.kill(worker.actor)
            return _LOST

    def _do_again(self, batch: _Batch) -> None:
        batch.attempts += 1
        if batch.attempts >= _MAX_ATTEMPTS:
            raise lost(f"{_MAX_ATTEMPTS} workers ended over the same photos")
        self._again.append(batch)

    def _replace_lost(self) -> None:
        """Start the workers that are missing on the machines that are up."""
        now = time.monotonic()
        if self._workers:
            self._last_seen_s = now
        elif now - self._last_seen_s > _ALONE_LIMIT_S:
            raise lost("none of its machines is left")
        if now - self._looked_s < _REPLACE_EVERY_S:
            return
        self._looked_s = now
        up = {machine.node for machine in machines(self._ray)}
        for machine in self._machines:
            missing = _workers_of(machine) - sum(each.machine is machine for each in self._workers)
            for _ in range(missing if machine.node in up else 0):
                self._workers.append(self._start(machine))

    def _start(self, machine: Machine) -> _Worker:
        number = _workers_of(machine)
        cpus = max(1, machine.cpus // number)
        gpus = 1 if machine.gpus and self._model is not None else 0
        actor_class = self._ray.remote(PhotoWorker)
        actor = actor_class.options(**machine.place(cpus, gpus), max_concurrency=_BATCHES_PER_WORKER).remote(
            replace(self._settings, workers=cpus), self._model
        )
        return _Worker(machine, actor, actor.begin.remote())


def _workers_of(machine: Machine) -> int:
    """How many workers a machine has room for."""
    return machine.gpus or -(-machine.cpus // _CPUS_PER_WORKER)
