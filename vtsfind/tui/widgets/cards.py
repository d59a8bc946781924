"""The photos of a group as cards: what becomes of each, what it is, and why."""

from vtsfind.base.groups import Group, Member
from vtsfind.base.records import PictureInfo, show_path
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import Mark
from vtsfind.tui.widgets.card_grid import Card
from vtsfind.tui.widgets.text_width import Line, counted, cut_left, size, wrapped

MARKS = {
    Mark.KEEPER: (" KEEPER ", "keeper"),
    Mark.KEEP: (" keep ", "keep"),
    Mark.DROP: (" drop ", "drop"),
    Mark.STRANGER: (" no duplicate ", "stranger"),
}
_REASON_LINES = 3
_WHOLLY = 0.995


def group_cards(review: Review, number: int, width: int) -> list[Card]:
    """The cards of a group, in the order of its members."""
    group = review.groups[number]
    return [_card(review, number, group, place, width) for place in range(len(group.members))]


def _card(review: Review, number: int, group: Group, place: int, width: int) -> Card:
    member = group.members[place]
    mark = review.mark(number, place)
    word, style = MARKS[mark]
    head: Line = [(f"{place + 1} " if place < 9 else "  ", "key"), (word, style)]
    if member.verdict:
        head += [(" ", ""), (member.verdict.value, member.verdict.value), (f" {alike(member)}", "dim")]
    folder, _, name = show_path(member.photo.path).rpartition("/")
    facts = _facts(member.photo.info, member.photo.stamp.size, None if place == 0 else group.members[0])
    reason = review.reason(number, place)
    text: list[Line] = [[(name, "name")], facts]
    text += [[(line, "dim")] for line in wrapped(reason, width, _REASON_LINES)]
    text.append([(f"{member.photo.info.format}  {(member.photo.info.taken or 'no date')[:16]}", "dim")])
    text.append([(cut_left(folder, width), "dim")])
    if member.photo.companions:
        text.append([(f"+ {counted(len(member.photo.companions), 'file')} that travel with it", "dim")])
    return Card(member.photo.path, head, tuple(text))


def alike(member: Member) -> str:
    """How alike two photos are, in a word or two; nothing where they are wholly so."""
    seen = member.evidence
    if seen.agreement is not None and seen.agreement >= _WHOLLY:
        return ""
    if seen.agreement is not None:
        return f"{100 * seen.agreement:.0f}%"
    if seen.distance is not None and seen.bits:
        return f"{seen.distance}/{seen.bits} bits"
    return ""


def _facts(info: PictureInfo, count: int, beside: Member | None) -> Line:
    """Size in pixels and bytes and the format, coloured where they differ from the first member's."""
    pixels = info.width * info.height
    other = beside.photo if beside else None
    by_pixels = "" if other is None else _better(pixels, other.info.width * other.info.height)
    by_bytes = "" if other is None else _better(count, other.stamp.size)
    return [
        (f"{info.width}\u00d7{info.height}", by_pixels),
        ("  ", ""),
        (size(count), by_bytes),
    ]


def _better(own: int, other: int) -> str:
    return "good" if own > other else "bad" if own < other else ""
