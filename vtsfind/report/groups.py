"""Groups of duplicates, as text, paths, CSV or NDJSON."""

import csv
import io
import os
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from vtsfind.act.edit_kind import edit_kind, kind_label
from vtsfind.base.groups import Evidence, Group, Member, Verdict
from vtsfind.base.paths import is_below, path_fields, show_path, show_path_from_home
from vtsfind.base.records import Failure, Reason
from vtsfind.base.words import counted, file_size, listed
from vtsfind.engine.duplicates.results import DedupStats, Duplicates
from vtsfind.engine.review.overlaps import is_burst
from vtsfind.report.failures import write_failures
from vtsfind.report.ndjson import NdjsonWriter, library_fields
from vtsfind.report.streams import Notes, Output, Style

_CSV_FIELDS = (
    "group", "role", "verdict", "path", "path_b64", "width", "height", "bytes", "taken", "distance", "bits", "turn",
    "inliers", "agreement", "left", "top", "right", "bottom", "boxed", "seconds_apart", "reason", "stays", "contents",
    "companions",
)  # fmt: skip
_MAX_COPIES_PER_VERDICT = 12
"""Copies of one kind in one group that the text lists."""
_NOTED = frozenset({Verdict.EDIT, Verdict.BURST, Verdict.SIMILAR})
"""Verdicts of which verbose output says what they rest on."""
_KIND_WIDTH = max(len(verdict.label) for verdict in Verdict)
_MIN_WIDTH = 20
"""Characters of a line, however narrow the terminal is."""
_STYLES = {
    None: Style.GOOD,
    Verdict.EDIT: Style.WARNING,
    Verdict.BURST: Style.WARNING,
    Verdict.SIMILAR: Style.WARNING,
}


def write_groups(output: Output, found: Duplicates, *, verbose: bool = False) -> None:
    """Write each group: a heading, then two lines per photo, the keeper first: kind and path, then facts and reason.

    Of many copies of one kind only the first few are listed. Verbose output adds what verdicts rest on, and what
    each file contains.
    """
    base = found.roots[0] if len(found.roots) == 1 else None
    if base is not None and found.groups:
        output.line(output.paint(f"Paths are below {show_path_from_home(base)}.", Style.DIM))
    for group in found.groups:
        if base is not None or group is not found.groups[0]:
            output.line()
        output.line(output.paint(_heading(group, verified=found.verified), Style.STRONG))
        for member, left in _abridged(group.members):
            kind = kind_label(member, group.members[0]) or "keep"
            path = _path_for_people(member.photo.path, base)
            output.line(
                f"  {output.paint(kind.ljust(_KIND_WIDTH), _STYLES.get(member.verdict, Style.PLAIN))}  {path}"
            )
            _write_indented(output, _facts(member, group.members[0], verbose=verbose))
            if verbose and (contents := _contents(member)):
                _write_indented(output, f"contains {', '.join(contents)}")
            if left:
                output.line(
                    output.paint(f"  {kind}  and {left:,} more; --csv and --json list all", Style.DIM)
                )


def _write_indented(output: Output, text: str) -> None:
    """Write what belongs to the path above, below that path, in the width of the terminal."""
    indent = " " * (2 + _KIND_WIDTH + 2)
    width = output.width
    lines = textwrap.wrap(text, max(width - len(indent), _MIN_WIDTH)) if width else [text]
    for line in lines:
        output.line(indent + output.paint(line, Style.DIM))


def _path_for_people(path: bytes, base: bytes | None) -> str:
    """A path below the one folder of a library, else with `~` for the home folder."""
    if base is not None and is_below(path, base) and path != base:
        return show_path(os.path.relpath(path, base))
    return show_path_from_home(path)


def _heading(group: Group, *, verified: bool) -> str:
    gain = _gain(group.gain) if verified else ", candidates only"
    heading = f"Group {group.number}: {counted(len(group.members), 'photo')}{gain}"
    return "; ".join(filter(None, (heading, group.doubt_words)))


def _gain(size: int) -> str:
    return f", frees {file_size(size)}" if size else ", all kept"


def _abridged(members: Sequence[Member]) -> list[tuple[Member, int]]:
    """The members to write, and how many of the same verdict are left out after each."""
    shown: list[tuple[Member, int]] = []
    for _, same in groupby(members, key=lambda member: member.verdict):
        kind = list(same)
        first = kind if len(kind) <= _MAX_COPIES_PER_VERDICT + 1 else kind[:_MAX_COPIES_PER_VERDICT]
        shown += [(member, 0) for member in first[:-1]]
        shown.append((first[-1], len(kind) - len(first)))
    return shown


def _facts(member: Member, keeper: Member, *, verbose: bool) -> str:
    photo = member.photo
    facts = [f"{photo.info.width}x{photo.info.height}", file_size(photo.stamp.size)]
    if photo.sidecars:
        facts.append(counted(len(photo.sidecars), "sidecar file"))
    kind = edit_kind(member, keeper)
    note = member.evidence.note if verbose and member.verdict in _NOTED else ""
    return "; ".join(filter(None, (", ".join(facts), kind, member.explanation, note)))


def write_paths(output: Output, found: Duplicates, *, end: bytes) -> None:
    """Write the paths of the photos that are proposed for removal, as raw bytes."""
    for group in found.groups:
        for member in group.proposed:
            output.path(member.photo.path, end)


def write_csv(output: Output, found: Duplicates) -> None:
    """Write a table with one line per photo, the keeper of a group first."""
    text = io.StringIO()
    rows = csv.DictWriter(text, _CSV_FIELDS, restval="", lineterminator="\n")
    rows.writeheader()
    for group in found.groups:
        for member in group.members:
            rows.writerow(
                {key: "" if value is None else value for key, value in _record(group, member).items()}
            )
        output.data(text.getvalue().encode())
        text.seek(0)
        text.truncate()
    output.data(text.getvalue().encode())


def _record(group: Group, member: Member) -> dict[str, Any]:
    photo, evidence = member.photo, member.evidence
    box = asdict(evidence.box) if evidence.box else {}
    return {
        "group": group.number,
        "role": "copy" if member.verdict else "keep",
        "verdict": member.verdict.value if member.verdict else None,
        **path_fields(photo.path),
        "width": photo.info.width,
        "height": photo.info.height,
        "bytes": photo.stamp.size,
        "taken": photo.info.taken,
        **{name: getattr(evidence, name) for name in _EVIDENCE_FIELDS},
        **box,
        "reason": member.reason,
        "stays": member.stay_words,
        "contents": "|".join(_contents(member)),
        "companions": "|".join(map(show_path, photo.sidecars)),
    }


_EVIDENCE_FIELDS = ("distance", "bits", "turn", "inliers", "agreement", "boxed", "seconds_apart")


def write_records(output: Output, found: Duplicates) -> None:
    """Write groups, failures and the footer."""
    from vtsfind.report.schema import DUPES

    lines = NdjsonWriter(
        output,
        DUPES,
        **library_fields(found.library),
        model=found.model,
        by=found.head.name,
        bits=found.head.bits,
        radius=found.radius,
        complete=found.complete,
    )
    for group in found.groups:
        lines.write(
            "group",
            {"id": group.number, **path_fields(group.keeper.path, "keep")},
            tied=group.tied,
            doubt=group.doubt,
            gain=group.gain,
            members=[_member(member) for member in group.members],
        )
    for failure in found.failures:
        lines.failure(failure)
    for folder, files in sorted(found.absent.items()):
        lines.write("absent", path_fields(folder), files=files)
    lines.footer(
        groups=len(found.groups),
        copies=sum(len(group.members) - 1 for group in found.groups),
        gain=sum(group.gain for group in found.groups),
        verified=found.verified,
        verdicts={verdict.value: number for verdict, number in _counts(found.groups)},
        failed=len(found.failures),
        **_work_fields(found.stats),
    )


def _work_fields(stats: DedupStats) -> dict[str, int]:
    """How much was done, under the names of the format."""
    return {
        "photos": stats.photos,
        "aliases": stats.aliases,
        "candidates": stats.candidates,
        "dropped": stats.dropped,
        "sighted": stats.local_candidates,
        "looked": stats.extracted,
        "compared": stats.compared,
    }


def _member(member: Member) -> dict[str, Any]:
    photo = member.photo
    return {
        **path_fields(photo.path),
        "verdict": member.verdict.value if member.verdict else None,
        "evidence": _evidence(member.evidence) if member.verdict else None,
        "reason": member.reason,
        "stays": member.stay_words,
        "contents": _contents_record(member),
        "width": photo.info.width,
        "height": photo.info.height,
        "size": photo.stamp.size,
        "taken": photo.info.taken,
        "format": photo.info.format,
        "sha256": photo.digest.hex(),
        "companions": [path_fields(path) for path in photo.sidecars],
    }


def _contents(member: Member) -> list[str]:
    """What a file contains beyond one plain picture, in words."""
    contents = member.details and member.details.contents
    return contents.described() if contents else []


def _contents_record(member: Member) -> dict[str, Any] | None:
    contents = member.details and member.details.contents
    if not contents:
        return None
    items = [{"kind": item.kind.value, "value": item.value} for item in contents.items]
    return {**contents.to_record(), "items": items}


def _evidence(evidence: Evidence) -> dict[str, Any]:
    """What was measured, and no more."""
    fields = {name: value for name, value in asdict(evidence).items() if value is not None and value != ""}
    if evidence.agreement is not None:
        fields["agreement"] = round(evidence.agreement, 4)
    return fields


def _counts(groups: Sequence[Group]) -> list[tuple[Verdict, int]]:
    """How many members there are of each verdict, the strongest first."""
    counts = Counter(member.verdict for group in groups for member in group.members if member.verdict)
    return [(verdict, counts[verdict]) for verdict in sorted(counts, key=lambda each: each.rank)]


def _nouns(groups: Sequence[Group], *, verified: bool) -> str:
    """How many copies there are, of which kinds, and how many other shots, which are no copies, with their own copies."""
    counts = _counts(groups)
    copies = [(verdict, number) for verdict, number in counts if not verified or verdict is not Verdict.BURST]
    total = sum(number for _, number in copies)
    noun = counted(total, "copy", "copies") if verified else counted(total, "candidate")
    kinds = ", ".join(f"{verdict.label}: {number:,}" for verdict, number in copies)
    of_shots = sum(number for _, number in counts) - total
    shots = sum(member.is_other_shot for group in groups for member in group.members) if of_shots else 0
    parts = {
        f"{noun} ({kinds})": total,
        counted(shots, "other shot"): shots,
        counted(of_shots - shots, "copy of these", "copies of these"): of_shots - shots,
    }
    return listed(words for words, number in parts.items() if number)


def summarize_duplicates(notes: Notes, found: Duplicates) -> None:
    """Summarize what was found, and what could not be compared."""
    warn_unverified(notes, found)
    stats = found.stats
    what = counted(stats.photos, "photo")
    if not found.groups:
        notes.say(f"No {'duplicates' if found.verified else 'candidates'} among {what}.")
    else:
        nouns = _nouns(found.groups, verified=found.verified)
        gain = _gain(sum(group.gain for group in found.groups)) if found.verified else ""
        notes.say(f"{counted(len(found.groups), 'group')} among {what}: {nouns}{gain}.")
    if found.verified:
        _summarize_staying(notes, found.groups)
        _summarize_ties(notes, found.groups)
    if not found.verified:
        notes.warn(
            "Candidates only: these photos have similar codes, but were not compared. Do not remove photos by this list."
        )
    if stats.aliases:
        notes.say(
            f"{counted(stats.aliases, 'further path')} to the same files (hard links and the like) not counted."
        )
    is_truncated = (found.complete or 0) < (found.radius or 0)
    notes.detail(
        f"Candidates: {counted(stats.candidates, 'pair')} whose codes differ in at most {found.radius} bits"
        + (f" (all of those within {found.complete})" if is_truncated else "")
        + f", and {stats.local_candidates:,} by local features; {stats.dropped:,} more were left out, as they differ too much or their photos have closer ones."
        f" In this run {counted(stats.extracted, 'photo was', 'photos were')} read and {counted(stats.compared, 'pair')} compared; the others were known from earlier ones."
    )
    if found.cache_was_damaged:
        notes.warn(
            "The cache of earlier results was damaged; it was discarded, and everything was computed again."
        )
    if found.cache_problem:
        notes.warn(f"The results could not be saved for the next run: {found.cache_problem}.")


def _summarize_staying(notes: Notes, groups: Sequence[Group]) -> None:
    """Say how many copies are not proposed for removal, and why, in groups that nobody has decided."""
    undecided = [group for group in groups if not group.decided]
    staying = [
        member
        for group in undecided
        for member in group.members[1:]
        if not member.may_go and (member.is_other_shot or not is_burst(group))
    ]  # copies of shots are counted in their own groups
    edits = sum(member.is_kept_edit for member in staying)
    if edits:
        notes.say(
            f"Kept {counted(edits, 'edited photo')}; choose in `vtsfind browse`, or add --kind copies to let edited photos go, too."
        )
    shots = sum(member.is_other_shot for member in staying)
    if shots:
        notes.say(f"Kept {counted(shots, 'other shot')}; choose in `vtsfind browse`.")
    others = len(staying) - edits - shots
    if others:
        notes.say(
            f"Kept {counted(others, 'other photo')}; `vtsfind dupes` gives the reason after the word 'stays'."
        )
    decided = len(groups) - len(undecided)
    if decided:
        notes.say(f"Decided in `vtsfind browse`: {decided:,} of these groups.")


def _summarize_ties(notes: Notes, groups: Sequence[Group]) -> None:
    ties = sum(group.tied and not group.doubt for group in groups)
    doubts = sum(group.needs_look and (bool(group.doubt) or not group.tied) for group in groups)
    if ties:
        notes.say(f"In {counted(ties, 'group')} only the paths decide which photo to keep.")
    if doubts:
        notes.say(
            f"Check {counted(doubts, 'group')} in `vtsfind browse`: it is in doubt which photo to keep, or whether a copy may go."
        )


def warn_unverified(notes: Notes, found: Duplicates) -> None:
    """Say which photos could not be compared, and why."""
    stale = [each for each in found.failures if each.reason in {Reason.VANISHED, Reason.CHANGED}]
    write_failures(notes, [each for each in found.failures if each not in stale])
    for reason, words in ((Reason.VANISHED, "gone"), (Reason.CHANGED, "changed")):
        matching = [each for each in stale if each.reason is reason]
        if matching:
            notes.warn(
                f"{_named_photos(matching)} {words} since indexing; run `vtsfind index` to update the library."
            )
    for folder, files in sorted(found.absent.items()):
        notes.warn(f"{show_path(folder)} is missing or empty; skipped its {counted(files, 'photo')}.")


def _named_photos(failures: Sequence[Failure]) -> str:
    """How many photos, and the first by name."""
    first = show_path(os.path.basename(failures[0].path))
    if len(failures) == 1:
        return f"{first} is"
    return f"{counted(len(failures), 'photo')} ({first}, ...) are"
