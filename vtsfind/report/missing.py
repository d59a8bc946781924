"""The photos of a card that are missing from a library, as text, paths or JSON."""

from collections import Counter
from typing import Any

from vtsfind.base.paths import path_fields, show_path
from vtsfind.base.words import counted
from vtsfind.engine.missing.card import CardPhoto, CardResult, InPlace, Presence
from vtsfind.report import schema
from vtsfind.report.failures import summarize_skipped, write_failures
from vtsfind.report.ndjson import NdjsonWriter, library_fields
from vtsfind.report.streams import Notes, Output

_MAX_NAMED = 3
"""Files that could not be compared and are named without --verbose."""


def write_missing(output: Output, result: CardResult) -> None:
    """Write one line per missing photo, with what the library has or had of it."""
    for photo in result.missing:
        output.line(show_path(photo.found.path) + _remark(photo))


def _remark(photo: CardPhoto) -> str:
    if photo.library_path is None:
        return f"  ({photo.in_place.value})" if photo.in_place else ""
    library_path = show_path(photo.library_path)
    if photo.presence is Presence.GONE:
        return f"  (gone from {library_path})"
    return f"  (only {photo.note}: {library_path})"


def _explain_places(notes: Notes, by_place: Counter[InPlace | None], result: CardResult) -> None:
    """Say what to do about missing photos that lie in the library's own folders."""
    if by_place[InPlace.INDEXED]:
        notes.say("What is indexed here only is in the library where it lies: that does not count as a copy.")
    if by_place[InPlace.NEW]:
        notes.say("What is not indexed yet lies in a folder of the library: run `vtsfind index`.")
    write_failures(notes, result.unread)


def write_paths(output: Output, result: CardResult, *, end: bytes) -> None:
    """Write the paths of the missing photos as raw bytes, each followed by `end`."""
    for photo in result.missing:
        output.path(photo.found.path, end)


def write_records(output: Output, result: CardResult) -> None:
    """Write every photo, what could not be compared, and the footer."""
    lines = NdjsonWriter(output, schema.MISSING, **library_fields(result.library), by=result.by)
    for photo in result.photos:
        lines.write("photo", _fields(photo))
    for path in result.uncompared:
        lines.write("film", path_fields(path))
    for failure in result.failures:
        lines.failure(failure)
    lines.footer(
        photos=len(result.photos),
        **{presence.value: result.count(presence) for presence in Presence},
        films=len(result.uncompared),
        skipped=dict(sorted(result.skipped.items())),
        failed=len(result.failures),
    )


def _fields(photo: CardPhoto) -> dict[str, Any]:
    library_path = (
        path_fields(photo.library_path, "library_path")
        if photo.library_path is not None
        else {"library_path": None}
    )
    return {
        **path_fields(photo.found.path),
        "size": photo.found.stamp.size,
        "standing": photo.presence.value,
        "verdict": photo.verdict and photo.verdict.value,
        **library_path,
        "note": photo.note or (photo.in_place.value if photo.in_place else ""),
    }


def summarize_missing(notes: Notes, result: CardResult) -> None:
    """Say how many photos are present and missing, and what was not compared."""
    for failure in result.failures:
        notes.warn(str(failure))
    missing_count = len(result.missing)
    photos = counted(len(result.photos), "photo")
    if missing_count:
        by_place = result.missing_by_place
        has_own = bool(by_place.keys() - {None})
        parts = [
            (by_place[None], "not in the library"),
            *((by_place[place], place.value) for place in InPlace),
            (result.count(Presence.WORSE_COPY), "only in another version"),
            (result.count(Presence.GONE), "known, but gone from the library's folders"),
        ]
        details = ", ".join(f"{number:,} {words}" for number, words in parts if number)
        there = "elsewhere in the library" if has_own else "in the library"
        notes.say(f"{photos}: {result.count(Presence.PRESENT):,} {there}, {details}.")
        _explain_places(notes, by_place, result)
    elif result.photos:
        failed = len(result.failures)
        unread = f", but {counted(failed, 'file')} could not be read" if failed else ""
        notes.say(f"{photos}: all in the library{unread}.")
    if missing_count and result.by == "bytes":
        notes.say("Only exact copies count; --by look finds the same pictures in other files, too.")
    if result.uncompared:
        names = ", ".join(show_path(path) for path in result.uncompared[:_MAX_NAMED])
        more = len(result.uncompared) - _MAX_NAMED
        rest = f" and {more:,} more (--verbose names all)" if more > 0 and not notes.verbose else ""
        notes.warn(f"{counted(len(result.uncompared), 'file')} could not be compared: {names}{rest}.")
    if notes.verbose:
        for photo in result.photos:
            if photo.presence is Presence.PRESENT and photo.verdict and photo.library_path:
                library_path = show_path(photo.library_path)
                notes.detail(f"{show_path(photo.found.path)}: {photo.verdict.label}, {library_path}")
        for path in result.uncompared[_MAX_NAMED:]:
            notes.detail(f"not compared: {show_path(path)}")
    summarize_skipped(notes, result.skipped)
