"""Plans, their results, and the history, as text or JSON."""

import os
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from vtsfind.act.plan import Plan, PlannedFile, Sidecar, operations, photo_bytes
from vtsfind.act.plan_text import plan_text
from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Action, Operation, State, state_word
from vtsfind.base.paths import path_fields, show_path, show_path_from_home
from vtsfind.base.records import Failure
from vtsfind.base.words import counted, file_size, listed
from vtsfind.engine.apply.apply import ApplyResult, OperationResult
from vtsfind.engine.apply.recovery import Recovery
from vtsfind.engine.apply.undo import RestoreOutcome, RestoreResult, UndoResult
from vtsfind.engine.review.planned import Planned
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import ByteSink, NdjsonWriter
from vtsfind.report.streams import Notes, Output, escaped
from vtsfind.store.run_record import OperationRecord, RunRecord

_MAX_NAMED = 5
"""Files or groups with problems that are named without --verbose."""
_MAX_PLACES = 3
"""Folders with the files of a run that are named."""
_MAX_OPERATIONS_SHOWN = 10
"""Operations that are listed before a person is asked to confirm."""
_ACTION_WORDS = {
    Action.TRASH: ("move", "to the trash"),
    Action.QUARANTINE: ("move", "to a quarantine folder"),
    Action.MOVE: ("move", "to another folder"),
    Action.HARDLINK: ("replace", "by hard link"),
    Action.REFLINK: ("replace", "by reflink"),
    Action.SYMLINK: ("replace", "by symbolic link"),
    Action.DELETE: ("delete", "permanently"),
}
"""A verb whose past has one letter more, and how."""


def write_plan(output: Output, plan: Plan) -> None:
    """Write a plan as the text that people edit."""
    output.raw(plan_text(plan).encode())


class _Lines(list[str]):
    """Keeps lines instead of writing them."""

    def raw(self, data: bytes) -> None:
        """Keep a line."""
        self.append(data.decode().rstrip("\n"))


def plan_json(plan: Plan) -> list[str]:
    """The lines of a plan as NDJSON."""
    lines = _Lines()
    write_plan_records(lines, plan)
    return lines


def write_plan_records(output: ByteSink, plan: Plan) -> None:
    """Write a plan as NDJSON; `vtsfind.act.plan_json` says what is in it."""
    target = {} if plan.target is None else path_fields(plan.target, "to")
    host = {"host": plan.host} if plan.host else {}
    facts = {
        "made": plan.made,
        "made_by": plan.command,
        **path_fields(plan.library, "library"),
        **host,
        **target,
    }
    lines = NdjsonWriter(output, schema.PLAN, **facts)
    for group in plan.groups:
        files = [_file_fields(file) for file in group.files]
        lines.write("group", id=group.number, remove_all=group.remove_all, files=files)
    todo = operations(plan)
    lines.footer(groups=len(plan.groups), operations=len(todo), size=photo_bytes(todo))


def _file_fields(file: PlannedFile) -> dict[str, Any]:
    return {
        **_content_fields(file),
        "verdict": file.verdict,
        "action": file.action,
        "reason": file.reason,
        "companions": [
            _content_fields(sidecar) | ({} if sidecar.target is None else path_fields(sidecar.target, "to"))
            for sidecar in file.sidecars
        ],
    }


def _content_fields(file: PlannedFile | Sidecar) -> dict[str, Any]:
    return {**path_fields(file.path), "size": file.size, "sha256": file.digest.hex()}


def summarize_plan(notes: Notes, plan: Plan, made: Planned, gone: Sequence[Failure], where: str) -> None:
    """Summarize a plan that was made of some groups."""
    todo = operations(plan)
    if todo:
        notes.say(
            f"The plan: {_operations_text(todo)}, {_where_text(plan, made.groups_of(todo))}. Nothing was changed."
        )
        notes.say(f"Check the plan, edit it as needed, then run: vtsfind apply {where}")
    else:
        notes.say("There is nothing to do.")
    if gone:
        notes.warn(
            f"Left out {counted(len(gone), 'photo')} whose file is gone; run `vtsfind index` to update the library."
        )


def _operations_text(todo: Sequence[Operation]) -> str:
    """The number of files to be changed by action, and their size."""
    counts = Counter(operation.action for operation in todo)
    parts = [
        f"{counted(number, 'file')} to {' '.join(_ACTION_WORDS[action])}" for action, number in counts.items()
    ]
    return f"{', '.join(parts)} ({file_size(photo_bytes(todo))})"


def _changes_text(done: Sequence[Operation]) -> str:
    """What was done to how many files, by action."""
    parts = []
    for action, number in Counter(operation.action for operation in done).items():
        verb, how = _ACTION_WORDS[action]
        parts.append(f"{verb}d {counted(number, 'file')} {how}")
    return listed(parts).capitalize() if parts else ""


def _where_text(plan: Plan, numbers: Collection[int]) -> str:
    """In how many groups something is done, by their numbers, and in how many nothing is."""
    bursts = sum(
        any(file.verdict is Verdict.BURST for file in group.files)
        for group in plan.groups
        if group.number in numbers
    )
    of_bursts = f" ({bursts:,} of other shots)" if bursts else ""
    changed = {group.number for group in plan.groups if any(file.is_changed for file in group.files)}
    rest = sum(group.number not in changed.union(numbers) for group in plan.groups)
    kept = f"; all photos stay in {counted(rest, 'other group')}" if rest else ""
    return f"in {counted(len(numbers), 'group')}{of_bursts}{kept}"


def operation_line(operation: Operation) -> str:
    """One operation as a dry run and a run print it."""
    path = show_path(operation.path)
    if operation.target is not None:
        return f"{operation.action} {path} -> {show_path(operation.target)}"
    if operation.action.links and operation.keeper is not None:
        return f"{operation.action} {path} -> {show_path(operation.keeper)}"
    return f"{operation.action} {path}"


def announce_operations(notes: Notes, todo: Sequence[Operation]) -> None:
    """List what will be done, before a person is asked to confirm."""
    notes.say(f"{_operations_text(todo)}:")
    for operation in todo[:_MAX_OPERATIONS_SHOWN]:
        notes.say(f"  {operation_line(operation)}")
    if len(todo) > _MAX_OPERATIONS_SHOWN:
        notes.say(f"  and {len(todo) - _MAX_OPERATIONS_SHOWN:,} more; --dry-run lists all.")


def write_step(output: Output, step: OperationResult) -> None:
    """Write an operation that was carried out, or would be."""
    if step.state in {State.DONE, State.PLANNED}:
        output.line(operation_line(step.operation))


def write_step_record(lines: NdjsonWriter, step: OperationResult) -> None:
    """Write the result of an operation."""
    lines.write("operation", _operation_fields(step.operation), state=step.state, note=step.note)


def _operation_fields(operation: Operation) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "op": operation.number,
        "group": operation.group,
        "action": operation.action,
        **path_fields(operation.path),
        "size": operation.size,
        "sha256": operation.digest.hex(),
    }
    for name, path in (
        ("keeper", operation.keeper),
        ("to", operation.target),
        ("companion_of", operation.sidecar_of),
    ):
        fields |= {} if path is None else path_fields(path, name)
    return fields


def applied_counts(result: ApplyResult) -> dict[str, Any]:
    """The fields of the footer."""
    return {
        "run": result.run,
        **{state.value: len(result.of(state)) for state in (State.DONE, State.SKIPPED, State.FAILED)},
        "size": result.size,
        "interrupted": result.interrupted,
    }


def summarize_applied(notes: Notes, result: ApplyResult, *, dry_run: bool) -> None:
    """Summarize the results of a plan."""
    before = Counter(state_word(step.operation, State.DONE) for step in result.steps if step.already_done)
    for word, number in before.items():
        notes.say(f"Skipped {counted(number, 'file')} that an earlier run has {word}.")
    _warn_skipped_groups(notes, result.skipped)
    for step in result.of(State.DONE):
        if step.note:
            notes.detail(f"{show_path(step.operation.path)}: {step.note}")
    if dry_run:
        todo = [step.operation for step in result.of(State.PLANNED)]
        notes.say(f"Nothing was changed. The plan: {_operations_text(todo) or 'nothing to do'}.")
        return
    done = result.of(State.DONE)
    changes = _changes_text([step.operation for step in done])
    notes.say(f"{changes}, {file_size(result.size)}." if changes else "Nothing was changed.")
    quarantined = sum(bool(step.note) for step in done)
    if quarantined:
        notes.warn(
            f"Moved {counted(quarantined, 'file')} to a quarantine folder, since the trash cannot be used there."
        )
    if result.interrupted:
        notes.say("Interrupted; run the same command again to continue.")
    if any(step.operation.action is not Action.DELETE for step in done):
        notes.say(f"{_places_text(done)}`vtsfind history {result.run}` shows where each file is.")
        notes.say(f"`vtsfind undo {result.run}` brings them back; with --only FILE it brings back one.")


def _places_text(done: Sequence[OperationResult]) -> str:
    """In which folders the files are that were moved away, as a sentence and a blank; empty if none was."""
    folders = Counter(os.path.dirname(step.place) for step in done if step.place)
    named = [show_path_from_home(folder) for folder, _ in folders.most_common(_MAX_PLACES)]
    if any(step.operation.action is Action.TRASH and not step.place for step in done):
        named.append("the trash of this computer")
    more = len(folders) - _MAX_PLACES
    named += [counted(more, "other folder")] * (more > 0)
    return f"The files are in {listed(named)}. " if named else ""


def _warn_skipped_groups(notes: Notes, skipped: Sequence[OperationResult]) -> None:
    reasons: dict[tuple[int, str], list[OperationResult]] = {}
    for step in skipped:
        reasons.setdefault((step.operation.group, step.note), []).append(step)
    named = list(reasons.items())
    for (group, reason), steps in named if notes.verbose else named[:_MAX_NAMED]:
        notes.warn(f"Skipped group {group} ({counted(len(steps), 'file')}): {reason}.")
    if len(named) > _MAX_NAMED and not notes.verbose:
        notes.warn(f"Skipped {counted(len(named) - _MAX_NAMED, 'more group')}; --verbose names all.")


def warn_recovered(notes: Notes, recovery: Recovery) -> None:
    """Say what killed runs had left half done, and what became of it."""
    for one in recovery.operations:
        path = show_path(one.operation.path)
        notes.warn(f"Run {one.run} was killed during {one.operation.action} {path}: {one.note}.")
    for sentence in recovery.unreadable:
        notes.warn(f"A run that was killed is not finished: {sentence}")


def return_line(step: RestoreResult) -> str:
    """One restored file, as a dry run and a run print it."""
    return f"restore {show_path(step.operation.path)}" + (f" ({step.note})" if step.note else "")


def write_return(output: Output, step: RestoreResult) -> None:
    """Write a file that was restored, or would be."""
    if step.outcome is RestoreOutcome.RESTORED:
        output.line(return_line(step))


def write_return_record(lines: NdjsonWriter, step: RestoreResult) -> None:
    """Write the result of restoring a file."""
    fields = _operation_fields(step.operation)
    lines.write("restore", fields, outcome=step.outcome.value, note=step.note)


def undone_counts(result: UndoResult) -> dict[str, Any]:
    """The fields of the footer."""
    counts = {outcome.value: len(result.of(outcome)) for outcome in RestoreOutcome}
    return {"run": result.run, **counts, "interrupted": result.interrupted, "damaged": result.damaged}


def summarize_undone(notes: Notes, result: UndoResult, *, dry_run: bool) -> None:
    """Summarize what was restored."""
    for outcome, words in (
        (RestoreOutcome.PENDING, "cannot be restored yet"),
        (RestoreOutcome.FAILED, "could not be restored"),
    ):
        steps = result.of(outcome)
        for step in steps if notes.verbose else steps[:_MAX_NAMED]:
            notes.warn(f"{show_path(step.operation.path)} {words}: {step.note}.")
        if len(steps) > _MAX_NAMED and not notes.verbose:
            notes.warn(f"And {len(steps) - _MAX_NAMED:,} more; --verbose names all.")
    if result.damaged:
        notes.warn(
            f"The journal of run {result.run} has {counted(result.damaged, 'damaged line')}; files that only these name"
            " did not come back. Look for them in the trash."
        )
    back = result.of(RestoreOutcome.RESTORED)
    verb = "Would restore" if dry_run else "Restored"
    notes.say(f"{verb} {counted(len(back), 'file')}, {file_size(sum(one.operation.size for one in back))}.")
    if back and not dry_run:
        notes.say("If `vtsfind index` ran in between, run it again: it finds them anew.")
    if result.of(RestoreOutcome.PENDING):
        notes.say(f"When the drive is connected again: vtsfind undo {result.run}")
    if result.interrupted:
        notes.say("Interrupted; run the same command again to continue.")


def say_kept(notes: Notes, photos: Sequence[bytes]) -> None:
    """Say that photos that a person chose to bring back are not proposed again, and how that is revoked."""
    if photos:
        forget = shlex.join(os.fsdecode(path) for path in photos[:1])
        what = "It is" if len(photos) == 1 else "They are"
        notes.say(f"{what} not proposed again; `vtsfind decisions forget {forget}` revokes that.")


def _state_counts(record: RunRecord) -> str:
    ordered = sorted(record.op_records.values(), key=lambda each: list(State).index(each.state))
    words = Counter(state_word(each.operation, each.state) for each in ordered)
    return ", ".join(f"{number:,} {word}" for word, number in words.items()) or "unreadable"


def write_history(output: Output, runs: Iterable[RunRecord]) -> None:
    """Write one line per run, the latest first."""
    rows = [
        [record.run, record.time[:16].replace("T", " "), _state_counts(record), escaped(record.command)]
        for record in runs
    ]
    for line in table(rows[::-1]) if rows else []:
        output.line(line)


def write_history_records(output: Output, runs: Sequence[RunRecord]) -> None:
    """Write each run, the oldest first."""
    lines = NdjsonWriter(output, schema.HISTORY)
    for record in runs:
        lines.write(
            "run",
            run=record.run,
            time=record.time,
            command=record.command,
            **path_fields(record.library, "library"),
            **{state.value: record.counts[state] for state in State},
            damaged=record.damaged,
            problem=record.problem,
        )
    lines.footer(runs=len(runs))


def write_run(output: Output, record: RunRecord) -> None:
    """Write each operation of a run with its state, and where its file is now."""
    rows = [
        [
            state_word(op_record.operation, op_record.state),
            operation_line(op_record.operation) + _note_of(op_record) + _where_of(op_record),
        ]
        for op_record in record.op_records.values()
    ]
    for line in table(rows) if rows else []:
        output.line(line)


def _note_of(op_record: OperationRecord) -> str:
    return f"  ({op_record.note})" if op_record.note else ""


def _where_of(op_record: OperationRecord) -> str:
    """Where the file of an operation that was done is now; empty if it is gone, or where it was."""
    if (
        op_record.state is not State.DONE
        or op_record.undo_record is None
        or op_record.undo_record.place is None
    ):
        return ""
    return f"  (now {escaped(show_path_from_home(op_record.undo_record.place))})"


def write_run_records(output: Output, record: RunRecord) -> None:
    """Write each operation of a run with its state."""
    lines = NdjsonWriter(output, schema.HISTORY_OF_RUN)
    for op_record in record.op_records.values():
        place = op_record.undo_record.place if op_record.undo_record else None
        fields = _operation_fields(op_record.operation) | (
            {} if place is None else path_fields(place, "place")
        )
        lines.write("operation", fields, state=op_record.state, note=op_record.note)
    lines.footer(run=record.run, **{state.value: record.counts[state] for state in State})
