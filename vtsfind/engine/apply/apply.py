"""Doing what a plan says: every file is looked at again, the journal is written first, and any doubt spares a group."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from vtsfind import __version__
from vtsfind.act.actions import Actions, Refused
from vtsfind.act.checks import GONE, Checked, Doubt, check_group, identities
from vtsfind.act.plan import Plan, kept_paths, operations, require_sound
from vtsfind.base.errors import UsageError
from vtsfind.base.operations import Action, Operation, State, Trace
from vtsfind.base.progress import CancelToken, Phase, Progress, Silent
from vtsfind.base.records import show_path
from vtsfind.engine.apply.recovery import journal_here, recovered
from vtsfind.store.journal import Journal, Move, OpenRun

BATCH = 64
"""Operations that share one flush of the journal."""


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one operation."""

    operation: Operation
    state: State
    note: str = ""
    """Why, for people."""
    before: bool = False
    """Whether an earlier run had done it already."""


@dataclass(slots=True)
class Applied:
    """What came of a plan."""

    run: str = ""
    """The name by which it is undone; empty if nothing was begun."""
    steps: list[Step] = field(default_factory=list)
    """One for each operation, in the order in which they were settled."""
    interrupted: bool = False

    def of(self, *states: State) -> list[Step]:
        """The steps that ended so."""
        return [step for step in self.steps if step.state in states]

    @property
    def spared(self) -> list[Step]:
        """The steps that did not happen as planned, for doubt or because the system refused."""
        return [step for step in self.of(State.SKIPPED, State.FAILED) if not step.before]

    @property
    def size(self) -> int:
        """Bytes of the files that were dealt with."""
        return sum(step.operation.size for step in self.of(State.DONE))


Watch = Callable[[Step], None]
"""Is told each step as it is settled."""


def apply(
    plan: Plan,
    *,
    command: str = "vtsfind apply",
    permanently: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    watch: Watch = lambda _: None,
) -> Applied:
    """Do what a plan says.

    Parameters
    ----------
    plan
        As it was made or read.
    command
        What the history says it was.
    permanently
        Whether files may be deleted for good, if the plan says so.
    dry_run
        Look at everything and touch nothing: the steps that would happen end as `State.PLANNED`.
    progress, cancel
        Who watches, and who may stop it: the current operation is completed, the rest stays planned.
    watch
        Is told each step.

    Raises
    ------
    PlanRefused, UsageError
        If the plan may not be done; nothing was.
    JournalLocked
        If another vtsfind changes files at this moment.
    StorageError
        If the journal cannot be written. What was done before is in it, and the next command settles the rest.
    """
    require_sound(plan)
    todo = operations(plan)
    if not permanently and any(operation.action is Action.DELETE for operation in todo):
        raise UsageError(
            "The plan deletes files for good.", "Add --permanently if that is meant; nothing was done."
        )
    work = _Work(plan, todo, progress or Silent(), cancel or CancelToken(), watch)
    if dry_run:
        return work.foreseen(journal_here())
    journal = journal_here()
    with journal.lock():
        recovered(journal)
        return work.done(journal, command)


class _Work:
    """One application of one plan."""

    def __init__(
        self,
        plan: Plan,
        todo: Sequence[Operation],
        progress: Progress,
        cancel: CancelToken,
        watch: Watch,
    ) -> None:
        self._plan = plan
        self._todo = todo
        self._progress = progress
        self._cancel = cancel
        self._watch = watch
        self._result = Applied()
        self._kept = identities(kept_paths(plan))
        self._taken: dict[tuple[int, int], bytes] = {}
        self._before: dict[tuple[bytes, bytes], str] | None = None

    def _groups(self) -> Iterator[list[Operation]]:
        self._progress.start(Phase.APPLY, len(self._todo))
        for _, group in groupby(self._todo, key=lambda operation: operation.group):
            if self._cancel.cancelled:
                self._result.interrupted = True
                return
            yield list(group)

    def _settle(self, operation: Operation, state: State, note: str = "", *, before: bool = False) -> None:
        step = Step(operation, state, note, before)
        self._result.steps.append(step)
        self._progress.advance(note=show_path(operation.path))
        self._watch(step)

    def _checked(self, group: list[Operation], journal: Journal) -> tuple[list[Checked], list[Step]]:
        """What of a group can be done, and what cannot: all of it, but for what was done before, or nothing."""
        spared: list[Step] = []
        left = list(group)
        while left:
            try:
                return check_group(left, self._kept, self._taken), spared
            except Doubt as doubt:
                gone = next((one for one in left if one.path == doubt.path and doubt.reason == GONE), None)
                run = self._done_before(journal).get((gone.path, gone.digest)) if gone else None
                if gone is None or run is None:
                    return [], [*spared, *(Step(one, State.SKIPPED, str(doubt)) for one in left)]
                left.remove(gone)
                spared.append(Step(gone, State.SKIPPED, f"was done in run {run}", before=True))
        return [], spared

    def _done_before(self, journal: Journal) -> dict[tuple[bytes, bytes], str]:
        if self._before is None:
            self._before = {
                (life.operation.path, life.operation.digest): run
                for run in journal.runs()
                if run != self._result.run
                for life in journal.read(run).lives.values()
                if life.state is State.DONE
            }
        return self._before

    def foreseen(self, journal: Journal) -> Applied:
        """Look at everything and touch nothing."""
        for group in self._groups():
            checked, spared = self._checked(group, journal)
            for one in checked:
                self._settle(one.operation, State.PLANNED)
            for step in spared:
                self._settle(step.operation, step.state, step.note, before=step.before)
        return self._result

    def done(self, journal: Journal, command: str) -> Applied:
        """Do it."""
        if not self._todo:
            return self._result
        with journal.create(
            self._todo, command=command, library=self._plan.library, version=__version__
        ) as run:
            self._result.run = run.record.run
            actions = Actions(run.record.run)
            batch: list[tuple[Checked, Trace]] = []
            try:
                for group in self._groups():
                    batch += self._prepared(group, run, journal, actions)
                    if len(batch) >= BATCH:
                        ready, batch = batch, []
                        self._perform(ready, run, actions)
                ready, batch = batch, []
            finally:
                for _, trace in batch:
                    actions.give_up(trace)
            self._perform(ready, run, actions)
        return self._result

    def _prepared(
        self, group: list[Operation], run: OpenRun, journal: Journal, actions: Actions
    ) -> list[tuple[Checked, Trace]]:
        """Check a group and reserve a place for each of its files; or spare it."""
        checked, spared = self._checked(group, journal)
        prepared: list[tuple[Checked, Trace]] = []
        try:
            for one in checked:
                prepared.append((one, actions.prepare(one)))  # noqa: PERF401 - what was reserved must be known
        except Refused as refused:
            for _, trace in prepared:
                actions.give_up(trace)
            spared += [Step(one.operation, State.SKIPPED, str(refused)) for one in checked]
            prepared = []
        run.move((Move(step.operation.number, State.SKIPPED, step.note) for step in spared), durable=False)
        for step in spared:
            self._settle(step.operation, step.state, step.note, before=step.before)
        return prepared

    def _perform(self, batch: list[tuple[Checked, Trace]], run: OpenRun, actions: Actions) -> None:
        """Do what was prepared, after the journal says so on the disk."""
        try:
            begun = (Move(one.operation.number, State.BEGUN, trace=trace) for one, trace in batch)
            run.move(begun, durable=True)
        except BaseException:
            for _, trace in batch:
                actions.give_up(trace)
            raise
        refusals: dict[int, str] = {}
        for one, trace in batch:
            operation = one.operation
            if self._cancel.cancelled or operation.group in refusals:
                actions.give_up(trace)
                run.move([Move(operation.number, State.PLANNED)], durable=False)
                if operation.group in refusals:
                    note = refusals[operation.group]
                    run.move([Move(operation.number, State.SKIPPED, note)], durable=False)
                    self._settle(operation, State.SKIPPED, note)
                self._result.interrupted = self._cancel.cancelled
                continue
            try:
                better = actions.perform(one, trace)
            except Refused as refused:
                refusals[operation.group] = str(refused)
                run.move([Move(operation.number, State.FAILED, str(refused))], durable=False)
                self._settle(operation, State.FAILED, str(refused))
            else:
                run.move([Move(operation.number, State.DONE, trace=better)], durable=False)
                self._settle(operation, State.DONE, _where(operation, trace))


def _where(operation: Operation, trace: Trace) -> str:
    """What is worth saying of where a file went: a trash that is none."""
    quarantined = trace.record is not None and not trace.record.endswith(b".trashinfo")
    if operation.action is Action.TRASH and quarantined and trace.place is not None:
        return f"no trash can be made there; quarantined as {show_path(trace.place)}"
    return ""
