"""Damaged files: none is kept in place of an intact one, and none goes while it is unclear which of two is the damaged one."""

from typing import Final

from vtsfind.act.keep_rules import KeepCandidate, Rule
from vtsfind.base.groups import Verdict

_CHECKSUM_BYTES: Final = 4
_MIN_SHARED_CHECKSUMS: Final = 0.25
"""Share of the parts of two files that are equal if one was made from the other by changing bytes in place.

Two encodings of other pixels have only their headers in common.
"""
_SAME_PIXELS: Final = frozenset({Verdict.BYTES, Verdict.PIXELS})

INTACT: Final = Rule(
    "intact",
    "files without signs of damage",
    lambda each: int(bool(each.details.damage)),
    lambda _better, worse: f"the other is damaged: {worse.details.damage}",
)
"""Comes before all rules that a person may choose."""


def damage_reason(kept: KeepCandidate, file: KeepCandidate, verdict: Verdict) -> str:
    """Why a file must not go for a kept one, since that may be the damaged one, in words; empty if it may.

    Parameters
    ----------
    kept, file
        The two files.
    verdict
        What they are to each other.
    """
    if kept.details.damage and not file.details.damage:
        return f"the kept one is damaged: {kept.details.damage}"
    if verdict in _SAME_PIXELS or (file.details.damage and not kept.details.damage):
        return ""
    return "the two differ in some bytes only: one of them is damaged" if _were_one_file(kept, file) else ""


def _were_one_file(first: KeepCandidate, second: KeepCandidate) -> bool:
    """Whether two files of different content have the same length and many of their bytes in the same places."""
    ours, theirs = first.details.checksums, second.details.checksums
    if first.photo.stamp.size != second.photo.stamp.size or len(ours) != len(theirs) or ours == theirs:
        return False
    places = range(0, len(ours), _CHECKSUM_BYTES)
    shared = sum(ours[at : at + _CHECKSUM_BYTES] == theirs[at : at + _CHECKSUM_BYTES] for at in places)
    return shared >= _MIN_SHARED_CHECKSUMS * len(places)
