"""The photos of a group as cards: the mark of each, its facts, and the reason."""

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len

from vtsfind.base.groups import Group, Member, Verdict
from vtsfind.base.paths import show_path_from_home
from vtsfind.base.records import PictureInfo
from vtsfind.base.words import counted, file_size, format_label
from vtsfind.engine.review.filters import weakest_verdict
from vtsfind.engine.review.relations import Relation, related_to
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import Mark
from vtsfind.tui.widgets.card_grid import PhotoCard
from vtsfind.tui.widgets.text_width import Line, cut_path, wrapped

MARK_LABELS = {
    Mark.KEEPER: (" KEEPER ", "keeper"),
    Mark.KEEP: (" keep ", "keep"),
    Mark.DROP: (" remove ", "drop"),
    Mark.NOT_DUPLICATE: (" not a duplicate ", "not-duplicate"),
}
REASON_LINES = (3, 6)
"""Lines of a reason at most: in a low pane, where the picture needs the others, and in a high one."""
_ONE_WORD = {Verdict.RESAVE: "resaved"}
"""Where not even the short label fits; of the others its first word does for it."""
LINES_ABOVE_REASON = 3
"""Lines of a card between its picture and the reason: name, facts and folder."""
_FULL_AGREEMENT = 0.995
_MINUTE, _DAY = 16, 10
"""Characters of a time, `YYYY-MM-DD HH:MM:SS`, up to its minute, and up to its day."""


def group_cards(review: Review, number: int, width: int, reason_lines: int) -> list[PhotoCard]:
    """The cards of a group, in the order of its members."""
    relations = related_to(review.groups[number], review.decision(number).keeper)
    return [
        _member_card(review, number, place, relations, width=width, reason_lines=reason_lines)
        for place in range(len(relations))
    ]


def group_title(group: Group, keeper: int) -> str:
    """A group in one line: number, kind, and the path of the keeper, which is called by its index."""
    path = group.members[keeper].photo.path
    return f"Group {group.number}: {weakest_verdict(group).label}, {show_path_from_home(path)}"


def _member_card(
    review: Review, number: int, place: int, relations: Sequence[Relation], *, width: int, reason_lines: int
) -> PhotoCard:
    member, keeper = relations[place].member, relations[review.decision(number).keeper].member
    mark = review.mark(number, place)
    word, style = MARK_LABELS[mark]
    head: Line = [(f"{place + 1} " if place < 9 else "  ", "key"), (word, style)]
    if member.verdict:
        head += _kind(relations[place], width - sum(cell_len(part) for part, _ in head))
    elif relations[place].is_screenshot:
        head += [(" screenshot", Verdict.EDIT.value)]
    folder, _, name = show_path_from_home(member.photo.path).rpartition("/")
    facts = _facts(member.photo.info, member.photo.stamp.size, None if member is keeper else keeper)
    reason = review.reason(number, place)
    text: list[Line] = [[(name, "name")], facts, [(cut_path(folder, width), "dim")]]
    text += [[(line, "dim")] for line in wrapped(reason, width, reason_lines)]
    text.append([(_format_and_date(member, width), "dim")])
    if member.photo.sidecars:
        text.append([(f"+ {counted(len(member.photo.sidecars), 'file')} that belong to it", "dim")])
    return PhotoCard(member.photo.path, head, tuple(text))


def _format_and_date(member: Member, width: int) -> str:
    """The format, and when the photo was shot or else when its file was changed, to the minute if that fits."""
    form, taken = f"{format_label(member.photo.info.format)}  ", member.photo.info.taken
    if taken:
        return form + (taken[:_MINUTE] if len(form) + _MINUTE <= width else taken[:_DAY])
    changed = datetime.fromtimestamp(member.photo.stamp.mtime_ns / 1e9).astimezone()
    date = f"changed {changed:%Y-%m-%d}"
    return form + date if len(form) + len(date) <= width else date


def _kind(relation: Relation, room: int) -> Line:
    """The verdict on a photo in so many characters, with the similarity if that fits as well."""
    verdict, similarity = relation.member.verdict, similarity_text(relation.member)
    assert verdict
    labels = (f"{relation.label}: {relation.edit}", relation.edit) if relation.edit else ()
    short = "copy" if relation.member.copy_of else verdict.short_label
    fitting = (label for label in (*labels, relation.label, short) if 1 + len(label) <= room)
    label = next(fitting, _ONE_WORD.get(verdict, short.partition(" ")[0]))
    if similarity.endswith("%") and 8 + len(label) + len(similarity) <= room:
        similarity += " alike"
    if 2 + len(label) + len(similarity) > room:
        similarity = ""
    return [(" ", ""), (label, verdict.value), (f" {similarity}", "dim")]


def similarity_text(member: Member) -> str:
    """How similar a photo is to the keeper; empty where they agree in full, where its kind says it, and for another shot."""
    evidence = member.evidence
    if member.verdict is Verdict.BURST:
        return ""
    if evidence.changed is not None or (evidence.agreement or 0) >= _FULL_AGREEMENT:
        return ""
    if evidence.agreement is not None:
        return f"{100 * evidence.agreement:.0f} %"
    if evidence.distance is not None and evidence.bits:
        return f"{evidence.distance}/{evidence.bits} bits"
    return ""


def _facts(info: PictureInfo, count: int, reference: Member | None) -> Line:
    """Size in pixels and bytes, coloured where it differs from the keeper's."""
    pixels = info.width * info.height
    other = reference.photo if reference else None
    by_pixels = "" if other is None else _comparison_style(pixels, other.info.width * other.info.height)
    by_bytes = "" if other is None else _comparison_style(count, other.stamp.size)
    return [
        (f"{info.width}\u00d7{info.height}", by_pixels),
        ("  ", ""),
        (file_size(count), by_bytes),
    ]


def _comparison_style(own: int, other: int) -> str:
    return "good" if own > other else "bad" if own < other else ""
