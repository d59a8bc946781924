"""What kind of edit a file is, as far as the comparison with the kept one and the file itself tell."""

from collections.abc import Mapping
from typing import Final

from vtsfind.act.file_rules import is_screenshot
from vtsfind.act.framing import is_photo_on_screen
from vtsfind.act.keep_rules import KeepCandidate
from vtsfind.base.groups import EditNote, Evidence, Member, Verdict
from vtsfind.base.quality import Details

_MIN_SET_OFF_SHARE: Final = 0.5
"""Share of the lines across an edge that change there, from which on the surroundings are a frame: see `vtsfind.act.framing`."""
_MAX_STRIP_SHARE: Final = 0.1
"""Share of a picture up to which what was cut off or added is a strip at its border."""
_MIN_TONE_LEVELS: Final = 3.0
"""Levels of 255 from which tones count as others: labels and stickers of up to 8 % leave at most 0.7, of 44 changes of brightness or
colours the least was 7.4 (docs/results/notebook, 2026-11-28)."""
_SHOT_COPY: Final = "copy of other shot"
_NOTED: Final[Mapping[str, str]] = {
    EditNote.FRAMES: "other frames",
    EditNote.ONE_FRAME: "a single frame, or more frames",
    EditNote.NOT_COMPARED_IN_FULL: "not compared at full size",
    EditNote.DIFFERS_IN_FULL: "a small part of it changed",
}
"""What notes of the comparison say of an edit."""


def edit_kind(member: Member, keeper: Member) -> str:
    """The kind of edit that a member of a group is of the kept one, in a few words; empty if it is none, or not known.

    The file of `keeper` tells whether the kept one is a screenshot, of which nothing is a crop.
    """
    if member.verdict is not Verdict.EDIT or member.evidence.indirect:
        return ""
    screen = _screen_words(member, keeper)
    if screen:
        return screen
    evidence = member.evidence
    if evidence.box is not None:
        return _boxed(evidence, evidence.box.area)
    if evidence.note in _NOTED:
        return _NOTED[evidence.note]
    colours = {None: "", 0: "in colour, the kept one in black and white", 1: "black and white"}[evidence.grey]
    return colours if evidence.changed is None else _changed(evidence.changed, evidence, colours)


def kind_label(member: Member, keeper: Member) -> str:
    """What a member of a group is to the kept one, in a few words.

    That is its verdict, but the photo in a screenshot is no edit, and a copy of another shot no shot.
    """
    if not member.verdict:
        return ""
    if member.copy_of:
        return _SHOT_COPY
    is_its_photo = member.verdict is Verdict.EDIT and is_photo_on_screen(
        _candidate(member), _candidate(keeper), member.evidence
    )
    return "its photo" if is_its_photo else member.verdict.label


def shows_screen(member: Member) -> bool:
    """Whether a member of a group is a screenshot, by what its file says or by its name."""
    return is_screenshot(_candidate(member))


def _candidate(member: Member) -> KeepCandidate:
    return KeepCandidate(member.photo, member.details or Details())


def _screen_words(member: Member, keeper: Member) -> str:
    """What an edit is if one of the two is a screenshot."""
    is_of_screenshot = shows_screen(keeper)
    if shows_screen(member):
        return "screenshot" if is_of_screenshot else "screenshot of it"
    return "what the screenshot shows" if is_of_screenshot and member.evidence.boxed == 0 else ""


def _changed(share: float, evidence: Evidence, colours: str) -> str:
    """What changed of a picture that lies frame on frame: its tones, or a part of it; `colours` if one of the two has none."""
    lighter, recoloured = evidence.lighter or 0.0, evidence.recoloured or 0.0
    tones = ["brighter" if lighter > 0 else "darker"] * (abs(lighter) >= _MIN_TONE_LEVELS)
    is_recoloured = recoloured >= max(_MIN_TONE_LEVELS, abs(lighter))
    tones += [colours or "other colours"] * (bool(colours) or is_recoloured)
    percent = round(100 * share)
    if tones:
        # What clipping takes away cannot be told from what somebody changed.
        return ", ".join(tones) + f"; at least {percent} % of it clipped or changed" * bool(percent)
    if percent:
        return f"about {percent} % of it changed"
    return "less than 1 % of it changed" if share else "other contrast or colours"


def _boxed(evidence: Evidence, area: float) -> str:
    is_crop = evidence.boxed == 0
    if 1 - area <= _MAX_STRIP_SHARE:
        return "border cut off" if is_crop else "border added"
    if is_crop:
        return f"crop, {100 * area:.0f} % of it"
    is_frame = (evidence.broken_off or 0) >= _MIN_SET_OFF_SHARE
    return "in a frame or collage" if is_frame else "shows more around it"
