"""What a person decided about pairs of photos, for every library: looked up, added, taken back, moved between machines."""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from datetime import datetime
from itertools import combinations
from typing import BinaryIO

from vtsfind.base.addresses import Place, ServerAddress
from vtsfind.base.errors import LibraryMissing, UsageError
from vtsfind.base.files import open_file
from vtsfind.base.paths import show_path
from vtsfind.base.settings import Settings, places
from vtsfind.engine.library.access import open_library
from vtsfind.store.decisions import (
    NAME,
    Decision,
    DecisionKind,
    Decisions,
    KnownDecisions,
    Pair,
    decision_of,
    ordered_pair,
)

__all__ = [
    "Decision",
    "DecisionKind",
    "Decisions",
    "KnownDecisions",
    "decide",
    "decide_digests",
    "forget",
    "import_decisions",
    "known_decisions",
    "photos_of",
    "revoked",
]

_SHA256_HEX = re.compile(r"[0-9a-fA-F]{64}")


def known_decisions(place: Place | None = None, *, intact: bool = True) -> KnownDecisions:
    """The decisions that hold for a library: the user's own, or those of all who share a library on a server.

    Parameters
    ----------
    place
        Where the library is; None for the user's own decisions.
    intact
        Whether all of them must be known, as for what proposes or removes photos; else a damaged line costs only itself.

    Raises
    ------
    StorageError
        If their file cannot be read, was written by a newer vtsfind, or, if `intact`, is damaged.
    """
    decisions: KnownDecisions
    if isinstance(place, ServerAddress):
        from vtsfind.store.postgres.decisions import SharedDecisions

        decisions = SharedDecisions(place)
    else:
        decisions = Decisions(places().data / NAME)
    if intact:
        decisions.require_intact()
    return decisions


def decide_digests(choice: DecisionKind, digests: Iterable[bytes], place: Place | None = None) -> int:
    """Decide about every two of some contents.

    Parameters
    ----------
    choice
        What is decided.
    digests
        SHA-256 of the photos, 32 bytes each; the same one twice stands for two files of one content.
    place
        As for `known_decisions`.

    Returns
    -------
    The number of pairs about which something changed.
    """
    return known_decisions(place).add(choice, combinations(digests, 2))


def keep_beside(pairs: Iterable[tuple[bytes, bytes]], place: Place | None = None) -> int:
    """Decide that both of each pair of contents stay; arguments and result as for `decide_digests`."""
    return known_decisions(place).add(DecisionKind.KEEP_BOTH, pairs)


def forget_beside(
    pairs: Iterable[tuple[bytes, bytes]], since: str, place: Place | None = None
) -> set[tuple[bytes, bytes]]:
    """Take back that both of some pairs stay, where that was decided at a time (ISO 8601) or later; gives those pairs."""
    decisions, ordered = known_decisions(place), {ordered_pair(*pair) for pair in pairs}
    start = datetime.fromisoformat(since)
    forgotten = {
        each.pair
        for each in decisions
        if each.choice is DecisionKind.KEEP_BOTH
        and each.pair in ordered
        and datetime.fromisoformat(each.at) >= start
    }
    decisions.add(DecisionKind.FORGET, forgotten)
    return forgotten


def decide(choice: str, names: Iterable[str | bytes], place: Place | None = None) -> int:
    """Decide about every two of some photos, as a user names them.

    Parameters
    ----------
    choice
        `not-duplicate` or `keep-both`.
    names
        Photos, or the SHA-256 of their contents in hex; two or more.
    place
        As for `known_decisions`.

    Returns
    -------
    The number of pairs about which something changed.

    Raises
    ------
    UsageError
        For another choice, fewer than two names, or a photo that cannot be read.
    """
    if choice not in {DecisionKind.NOT_DUPLICATE, DecisionKind.KEEP_BOTH}:
        raise UsageError(f"There is no decision '{choice}'.", "Say not-duplicate or keep-both.")
    digests = [_digest(name) for name in names]
    if len(digests) < 2:
        raise UsageError("A decision is about two photos or more.", "Name them all.")
    return decide_digests(DecisionKind(choice), digests, place)


def photos_of(settings: Settings, decisions: Iterable[Decision]) -> dict[bytes, bytes]:
    """A file for each content that decisions are about, as far as the library that the settings name has one.

    Returns
    -------
    SHA-256 to the first path; nothing if there is no such library.
    """
    digests = {digest for each in decisions for digest in each.pair}
    try:
        opened = open_library(settings)
    except LibraryMissing:
        return {}
    with opened as index:
        files = {digest: index.files_of_digest(digest) for digest in digests}
    return {digest: records[0].path for digest, records in files.items() if records}


def forget(
    names: Iterable[str | bytes], place: Place | None = None, *, everything: bool = False
) -> list[Decision]:
    """Take decisions back, so that the pairs are proposed again.

    Parameters
    ----------
    names
        Photos, or the SHA-256 of their contents in hex. Of two and more, the decisions between them; of one, all that
        it is part of.
    place
        As for `known_decisions`.
    everything
        Take all decisions back.

    Returns
    -------
    What was taken back.

    Raises
    ------
    UsageError
        If nothing is named, or a photo cannot be read.
    """
    digests = {_digest(name) for name in names}
    if not (digests or everything):
        raise UsageError("Nothing is named to be forgotten.", "Name one or two photos, or give --all.")
    decisions = known_decisions(place)

    def is_selected(pair: Pair) -> bool:
        return everything or (bool(digests.intersection(pair)) if len(digests) == 1 else digests >= {*pair})

    revoked = [each for each in decisions if is_selected(each.pair)]
    decisions.add(DecisionKind.FORGET, (each.pair for each in revoked))
    return revoked


def revoked(pairs: Iterable[Pair], place: Place | None = None) -> set[Pair]:
    """Those of some pairs of contents about which a decision was taken back; `place` is as for `known_decisions`."""
    decisions = known_decisions(place)
    return {pair for pair in pairs if decisions.is_revoked(*pair)}


def _digest(name: str | bytes) -> bytes:
    """The SHA-256 of the content that a user names."""
    text = os.fsdecode(name)
    if _SHA256_HEX.fullmatch(text) and not os.path.lexists(text):
        return bytes.fromhex(text)
    try:
        with open_file(name) as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise UsageError(
            f"{show_path(os.fsencode(name))} cannot be read: {error.strerror}.",
            "Name a photo, or the 64 digits that `vtsfind decisions list` shows.",
        ) from error


def import_decisions(stream: BinaryIO, name: str, place: Place | None = None) -> tuple[int, int]:
    """Take over decisions that `vtsfind decisions export` wrote.

    Parameters
    ----------
    stream
        NDJSON: lines of the type `decision`; lines of other types are passed over.
    name
        What the user calls the stream.
    place
        As for `known_decisions`.

    Returns
    -------
    How many decisions there were, and how many pairs they changed.

    Raises
    ------
    UsageError
        If a line is broken, or the export is of a newer vtsfind: nothing is taken over then.
    """
    found = []
    for number, line in enumerate(stream, 1):
        record = _record(line)
        decision = decision_of(record) if record.get("type") == "decision" else None
        if decision:
            found.append(decision)
        elif record.get("type") == "header" and record.get("schema") == 1:
            continue
        elif record.get("type") in {None, "decision", "header"}:
            raise UsageError(
                f"Line {number} of {name} is no decision that this vtsfind understands. Nothing was imported.",
                "Give a file that `vtsfind decisions export` wrote.",
            )
    return len(found), known_decisions(place).merge(found)


def _record(line: bytes) -> dict[str, object]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
