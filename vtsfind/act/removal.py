"""Whether a file may be proposed to go: only if another one that stays holds everything which is in it.

What two pictures show is one question, and verdicts answer it. What two files hold is a second one, and is answered here, once for
all who propose something: plans, lists of paths, the marks that a review begins with, and what of a card counts as there. A
person may decide otherwise about each file. Whatever is not known counts against going.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from vtsfind.act.file_rules import is_camera_file
from vtsfind.act.framing import is_photo_on_screen, is_screenshot_of
from vtsfind.act.intact import damage_reason
from vtsfind.act.keep_policy import mark_recompressed
from vtsfind.act.keep_rules import (
    COMPRESSION,
    FORMAT,
    MAX_PROVEN,
    PIXELS,
    SAME_SIZE_RATIO,
    KeepCandidate,
    has_camera_data,
    is_larger,
    mark_enlarged,
    mark_likely_shots,
    size,
    upscaled_from,
)
from vtsfind.base.contents import Contents, ItemKind, item_words
from vtsfind.base.groups import Evidence, Member, Photo, StayKind, StayReason, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.words import format_label

_SAME_PIXELS: Final = frozenset({Verdict.BYTES, Verdict.PIXELS})
_SAME_FRAME: Final = _SAME_PIXELS | {Verdict.RESAVE, Verdict.TURNED}
_EDITED: Final = StayReason("an edited version, which may be wanted as well", StayKind.EDITED)
_OTHER_PICTURE: Final = {
    Verdict.BURST: StayReason("another shot"),
    Verdict.SIMILAR: StayReason("only similar"),
}
"""Why a file is kept that shows another picture: a person decides about each."""
_CHOOSE: Final = "compare the two, then keep one or both"
_UNKNOWN: Final = Evidence()
_RARE_COLOURS: Final = frozenset({"CMYK", "CIELAB"})
"""Colour models that are lost where colours were converted."""


def stay_reason(
    kept: KeepCandidate,
    file: KeepCandidate,
    verdict: Verdict,
    asked: Collection[Verdict] = (),
    evidence: Evidence = _UNKNOWN,
) -> StayReason | None:
    """Why a file must not be proposed to go though another one is kept; None if it may.

    Parameters
    ----------
    kept, file
        The two files.
    verdict
        What they are to each other.
    asked
        Verdicts that a person named: an edit may go only then. No other reason is lifted by that.
    evidence
        Of the two, in either order.
    """
    if kept.photo.digest == file.photo.digest:
        return None
    unclear = _reason_for(damage_reason(kept, file, verdict)) or _kind_reason(
        kept, file, verdict, asked, evidence
    )
    if unclear:
        return unclear
    if kept.details.contents is None or file.details.contents is None:
        return StayReason("what is in it could not be read")
    lacking = _lacking(kept.details.contents, file.details.contents, verdict)
    if lacking:
        return StayReason(f"has {', '.join(lacking)}, which {kept.called} lacks", StayKind.HAS_MORE)
    # Of an edit that a person named, size and format do not tell how good a copy it is: it shows something else.
    return None if verdict in _SAME_PIXELS or verdict is Verdict.EDIT else _better(kept, file)


def _reason_for(doubt: str, kind: StayKind = StayKind.OTHER) -> StayReason | None:
    """The reason that a doubt is, in words; None without one."""
    return StayReason(doubt, kind) if doubt else None


def _kind_reason(
    kept: KeepCandidate,
    file: KeepCandidate,
    verdict: Verdict,
    asked: Collection[Verdict],
    evidence: Evidence,
) -> StayReason | None:
    """Why a file stays for what it is to the kept one; None if it does not."""
    if verdict is Verdict.EDIT and is_photo_on_screen(file, kept, evidence):
        return StayReason(f"{kept.called} is a screenshot of it")
    if verdict is Verdict.EDIT and is_screenshot_of(kept, file):
        return StayReason(f"a part of it differs from {kept.called}, which is a screenshot")
    if verdict is Verdict.EDIT and verdict not in asked:
        return _EDITED
    return _OTHER_PICTURE.get(verdict)


def _better(kept: KeepCandidate, file: KeepCandidate) -> StayReason | None:
    """Why a file is a better copy of the picture than the kept one, or may be; None if it is not."""
    kept, file = mark_recompressed(mark_enlarged(mark_likely_shots([kept, file])))
    cameras = is_camera_file(kept), is_camera_file(file)
    for rule in (PIXELS,) if cameras == (True, False) else (PIXELS, FORMAT, COMPRESSION):
        if rule.prefers(file, kept):
            why = rule.reason(file, kept).of_better
            if file.details.damage:
                return StayReason(f"is damaged, but the better copy: {why}")
            return StayReason(f"is the better copy: {why}", StayKind.BETTER)
        if rule.prefers(kept, file):
            break
    if all(cameras):
        doubt = _format_doubt(kept, file)
    else:
        is_clear = cameras[0] or _has_only_camera(kept, file)
        doubt = "" if is_clear else _size_doubt(kept, file) or _source_doubt(kept, file)
    return _reason_for(doubt, StayKind.IN_DOUBT)


def _has_only_camera(kept: KeepCandidate, file: KeepCandidate) -> bool:
    """Whether only the kept one names its camera, and is as large, or larger without looking enlarged: who makes a file of another one names none."""
    is_smaller = is_larger(file, kept, SAME_SIZE_RATIO)
    seems_enlarged = is_larger(kept, file, SAME_SIZE_RATIO) and upscaled_from(
        replace(kept, is_likely_shot=False)
    )
    return bool(kept.details.camera) and not (has_camera_data(file) or is_smaller or seems_enlarged)


def _size_doubt(kept: KeepCandidate, file: KeepCandidate) -> str:
    """Why the kept one of two sizes may have less detail, in words; empty if it has all."""
    if is_larger(kept, file, SAME_SIZE_RATIO):
        return "" if _is_proven(kept) else f"{kept.called} is larger, but may be an enlargement of it"
    if is_larger(file, kept, SAME_SIZE_RATIO):
        return f"is larger, {size(file)} against {size(kept)}, and may have more detail"
    return (
        f"{kept.called}, which is as large, looks enlarged, so this may be the original: {_CHOOSE}"
        if file.copy_enlarged_from
        else ""
    )


def _is_proven(candidate: KeepCandidate) -> bool:
    """Whether a picture is certainly not enlarged."""
    enlarged = candidate.details.enlarged
    return enlarged is not None and enlarged <= MAX_PROVEN


def _format_doubt(kept: KeepCandidate, file: KeepCandidate) -> str:
    """Why it is not clear which of two files the camera wrote, in words; empty if it is."""
    formats = {kept.photo.info.format, file.photo.info.format}
    if len(formats) < 2 or not file.details.has(ItemKind.MAKER_NOTE):
        return ""
    return f"{_other_format(kept, file)} with the camera's own notes, too, so either may be what it wrote: {_CHOOSE}"


def _source_doubt(kept: KeepCandidate, file: KeepCandidate) -> str:
    """Why it is not clear which of two equally large files without camera data was made from the other, in words; empty if it is."""
    formats = {kept.photo.info.format, file.photo.info.format}
    as_large = not is_larger(kept, file, SAME_SIZE_RATIO)
    unclear = as_large and len(formats) > 1 and _is_lossy(kept)  # a lossless one was the better copy
    if not unclear:
        return ""
    if file.details.recompressed:
        own = format_label(file.photo.info.format)
        return f"is {own} made from a JPEG, but not certainly from {kept.called}: {_CHOOSE}"
    return f"{_other_format(kept, file)}, and neither file tells which was saved from the other: {_CHOOSE}"


def _other_format(kept: KeepCandidate, file: KeepCandidate) -> str:
    """In what a file differs from the kept one, in words that follow its name."""
    own, other = (format_label(each.photo.info.format) for each in (file, kept))
    return f"is {own} and {kept.called} {other}"


def _is_lossy(candidate: KeepCandidate) -> bool:
    """Whether a file may have lost something: by its format, or since it has few colours."""
    return not candidate.details.lossless or candidate.details.has_palette


def _lacking(kept: Contents, file: Contents, verdict: Verdict) -> list[str]:
    """What of the contents of a file the kept one does not have, in words."""
    words = []
    if verdict not in _SAME_PIXELS:  # else the digest of the pixels says that all of this is the same
        if file.frames > 1:
            words.append(f"{file.frames} {'frames' if file.animated else 'pictures'}")
        if file.bits > 8:
            words.append(f"{file.bits} bits a channel")
        if file.transparent or kept.transparent:  # what shows on white may differ on black
            words.append("transparency of its own" if file.transparent else "an opaque ground")
    if file.colours in _RARE_COLOURS and kept.colours != file.colours:
        words.append(f"{file.colours} colours")
    if file.profile not in {"", kept.profile}:
        words.append(f"the colour profile {file.profile}")
    return words + item_words(set(file.items) - set(kept.items))


def stay_reasons(
    members: Sequence[Member],
    keeper: int = 0,
    asked: Collection[Verdict] = (),
    sidecar_problem: Callable[[Photo, Photo], str] = lambda _photo, _keeper: "",
) -> dict[int, StayReason | None]:
    """For each member of a group but the keeper why it must not be proposed to go; None if it may.

    A file of the same content as one that has to stay goes for that one.

    Parameters
    ----------
    members
        As `vtsfind.base.groups.Group` has them: all were compared with the first.
    keeper
        The place of the one that is kept.
    asked
        As for `stay_reason`.
    sidecar_problem
        Why a photo that goes for a kept one would leave sidecars without a photo, in words; empty if it would not.
    """
    reasons: dict[int, StayReason | None] = {}
    staying = {members[keeper].photo.digest: members[keeper].photo}
    for place, member in enumerate(members):
        if place == keeper:
            continue
        photo = member.photo
        reason = None if photo.digest in staying else _reason(members, keeper, place, asked)
        if reason is None:
            problem = sidecar_problem(photo, staying.get(photo.digest, members[keeper].photo))
            reason = _reason_for(problem, StayKind.HAS_MORE)
        reasons[place] = reason
        if reason:
            staying.setdefault(photo.digest, photo)
    return reasons


def _reason(
    members: Sequence[Member], keeper: int, place: int, asked: Collection[Verdict]
) -> StayReason | None:
    verdict = _verdict_between(members, keeper, place)
    if verdict is None:
        return StayReason("was not compared with the kept one")
    if members[place].evidence.indirect:
        kind = "another shot" if verdict is Verdict.BURST else "a copy"
        return StayReason(f"is {kind} of another photo of the group, not certainly of the kept one")
    evidence = members[place if keeper == 0 else keeper].evidence
    reason = stay_reason(_candidate(members[keeper]), _candidate(members[place]), verdict, asked, evidence)
    is_edit = verdict is Verdict.EDIT and (reason is None or reason is _EDITED)
    if is_edit and _shows_it_larger(members, keeper, place):
        return StayReason("shows it larger on a screen, and may have more detail", StayKind.IN_DOUBT)
    return reason


def _shows_it_larger(members: Sequence[Member], keeper: int, place: int) -> bool:
    """Whether a screenshot shows the kept photo with more pixels than that has."""
    kept, file = members[keeper], members[place]
    box = (file if keeper == 0 else kept).evidence.box
    if box is None or not is_screenshot_of(_candidate(file), _candidate(kept)):
        return False
    shown, own = file.photo.info, kept.photo.info
    return box.area * shown.width * shown.height > SAME_SIZE_RATIO * own.width * own.height


def _verdict_between(members: Sequence[Member], first: int, second: int) -> Verdict | None:
    """What two members of a group are to each other; None if that does not follow from what they are to the first of all."""
    verdicts = [members[place].verdict for place in (first, second)]
    found = [verdict for verdict in verdicts if verdict is not None]
    weakest = max(found, key=lambda verdict: verdict.rank, default=None)
    return weakest if len(found) == 1 or weakest in _SAME_FRAME else None


def _candidate(member: Member) -> KeepCandidate:
    return KeepCandidate(member.photo, member.details or Details())
