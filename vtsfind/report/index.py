"""The results of a refresh, or of its dry run, as text or JSON."""

import shlex

from vtsfind.base.addresses import Place
from vtsfind.base.paths import path_fields, show_path
from vtsfind.base.words import counted
from vtsfind.engine.indexing.changes import Changes
from vtsfind.engine.indexing.refresh import RefreshResult
from vtsfind.engine.indexing.upgrade import UpgradeResult
from vtsfind.report import schema
from vtsfind.report.failures import summarize_skipped, write_failures
from vtsfind.report.ndjson import NdjsonWriter, library_fields
from vtsfind.report.streams import Notes, Output


def summarize_refresh(notes: Notes, result: RefreshResult, where: str) -> None:
    """Summarize what a refresh did."""
    kinds = {
        "new": result.new,
        "changed": result.changed,
        "moved": result.moved,
        "unchanged": result.unchanged,
        "gone": result.removed,
        "failed": len(result.failures),
    }
    summary = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
    if summary:
        rate = (result.photos + len(result.failures)) / max(result.seconds, 1e-9)
        notes.say(
            f"{counted(result.photos, 'photo')}: {summary}. {result.seconds:.1f} s, {rate:,.0f} files/s."
        )
    elif not (result.interrupted or result.waiting or result.absent):
        notes.say(f"Found no photos in {where}.")
    summarize_skipped(notes, result.skipped)
    if result.cameras:
        notes.say(
            f"Read the cameras of {counted(result.cameras, 'photo')}, as an earlier vtsfind did not; "
            "`vtsfind query --camera` chooses by them."
        )
    if result.waiting:
        notes.say(
            f"{counted(result.waiting, 'file')} failed before and did not change; `vtsfind doctor` says which"
            " and why, --retry-failed tries again."
        )
    for folder, files in result.absent.items():
        notes.warn(
            f"{show_path(folder)} is missing or empty; kept its {counted(files, 'photo')} in the library. "
            f"If they are gone for good: vtsfind index --forget-missing {shlex.quote(show_path(folder))}"
        )
    write_failures(notes, result.failures)
    if result.interrupted:
        notes.say("Interrupted. Finished work is kept; run the same command again to continue.")


def summarize_upgrade(notes: Notes, result: UpgradeResult) -> None:
    """Say which model a library has now, and what is left to do."""
    if result.changed:
        notes.say(
            f"The library has the model {result.model} now; {counted(result.encoded, 'photo')} encoded in this run."
        )
    elif not result.left:
        notes.say(f"The library has the model {result.model} already.")
    else:
        write_failures(notes, result.failures)
        notes.say(
            f"The library keeps its model: {counted(result.left, 'photo')} not yet encoded by {result.model}. What is encoded is "
            "kept."
        )
        if result.interrupted:
            notes.say("To continue, type `vtsfind index --upgrade`.")
        else:
            notes.say(
                "Connect the drives of the missing photos and type `vtsfind index --upgrade` again, or forget the photos with "
                "--forget-missing."
            )


def summarize_changes(notes: Notes, changes: Changes) -> None:
    """Say what a refresh would do."""
    kinds = {
        "to read": len(changes.fresh),
        "unchanged": changes.unchanged,
        "to forget": len(changes.vanished),
        "failed before": changes.waiting,
    }
    summary = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
    notes.say(f"Nothing was changed. Files: {summary or 'none'}.")
    for found in changes.fresh:
        notes.detail(f"to read: {show_path(found.path)}")
    for path in changes.vanished:
        notes.detail(f"to forget: {show_path(path)}")
    write_failures(notes, changes.failures)


def write_refresh(output: Output, library: Place, result: RefreshResult) -> None:
    """Write what a refresh did: its failures, and the footer."""
    lines = NdjsonWriter(output, schema.INDEX, **library_fields(library))
    for failure in result.failures:
        lines.failure(failure)
    for folder, files in result.absent.items():
        lines.write("absent", path_fields(folder), files=files)
    lines.footer(
        new=result.new,
        changed=result.changed,
        moved=result.moved,
        unchanged=result.unchanged,
        removed=result.removed,
        failed=len(result.failures),
        waiting=result.waiting,
        skipped=dict(sorted(result.skipped.items())),
        seconds=round(result.seconds, 3),
        interrupted=result.interrupted,
    )


def write_changes(output: Output, library: Place, changes: Changes) -> None:
    """Write what a refresh would do, and the footer."""
    lines = NdjsonWriter(output, schema.INDEX_DRY_RUN, dry_run=True, **library_fields(library))
    for found in changes.fresh:
        lines.write("to_read", path_fields(found.path))
    for path in changes.vanished:
        lines.write("to_forget", path_fields(path))
    for failure in changes.failures:
        lines.failure(failure)
    lines.footer(
        to_read=len(changes.fresh),
        to_forget=len(changes.vanished),
        unchanged=changes.unchanged,
        waiting=changes.waiting,
        failed=len(changes.failures),
    )
