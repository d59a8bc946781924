"""What two compared files hold, fact by fact, and which of them is better in each."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vtsfind.base.contents import Contents, Item, ItemKind, item_words
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo
from vtsfind.base.words import file_size, format_label

if TYPE_CHECKING:
    from vtsfind.media.shot_quality import ShotQuality

_SHOWN_ELSEWHERE = {ItemKind.TIME, ItemKind.CAMERA, ItemKind.PLACE, ItemKind.RATING}
"""What other facts say."""
_CLEARLY_SHARPER = 1.1
"""Ratio of sharpness from which one photo counts as sharper."""


@dataclass(frozen=True, slots=True)
class ComparedFile:
    """What is known of one of two compared files."""

    name: str
    size: int
    """Bytes."""
    changed: str
    """When the file was last modified, for people."""
    info: PictureInfo
    details: Details
    sharpness: float | None = None
    shot: "ShotQuality | None" = None
    """How good it is as a shot, beside another shot of the same scene."""


@dataclass(frozen=True, slots=True)
class FileFact:
    """One fact about two files."""

    name: str
    first: str
    second: str
    better: int = 0
    """1 or 2 for the better file; 0 if neither is."""

    @property
    def same(self) -> bool:
        """Whether both files have the same value."""
        return self.first == self.second


def facts(first: ComparedFile, second: ComparedFile) -> list[FileFact]:
    """The facts about two files; those that neither has are left out."""
    a, b = first.info, second.info
    x, y = first.details, second.details
    lines = [
        FileFact("name", first.name, second.name),
        *_shot_facts(first.shot, second.shot),
        FileFact(
            "pixels",
            f"{a.width}\u00d7{a.height}",
            f"{b.width}\u00d7{b.height}",
            _more(a.width * a.height, b.width * b.height),
        ),
        FileFact("bytes", file_size(first.size), file_size(second.size), _more(first.size, second.size)),
        FileFact("format", _format(first), _format(second), _more(x.lossless, y.lossless)),
        FileFact(
            "JPEG quality", _number(x.quality), _number(y.quality), _more(x.quality or 0, y.quality or 0)
        ),
        FileFact("detail", _share(x.detail), _share(y.detail), _more(x.detail or 1.0, y.detail or 1.0)),
        FileFact(
            "sharpness",
            _number(first.sharpness),
            _number(second.sharpness),
            _sharper(first.sharpness, second.sharpness),
        ),
        FileFact("taken", a.taken or "", b.taken or "", _more(bool(a.taken), bool(b.taken))),
        FileFact("place (GPS)", _yes(x.gps), _yes(y.gps), _more(x.gps, y.gps)),
        FileFact("camera", x.camera, y.camera, _more(bool(x.camera), bool(y.camera))),
        FileFact(
            "EXIF fields", _number(x.exif_fields), _number(y.exif_fields), _more(x.exif_fields, y.exif_fields)
        ),
        FileFact("rating", _number(x.rating), _number(y.rating), _more(x.rating or 0, y.rating or 0)),
        FileFact("written by", x.software, y.software),
        *_contents_facts(x.contents, y.contents),
        FileFact(
            "made from a JPEG",
            _made_from(x),
            _made_from(y),
            _more(_earlier(x), _earlier(y)),
        ),
        FileFact("screenshot", _yes(x.screenshot), _yes(y.screenshot), _more(y.screenshot, x.screenshot)),
        FileFact("file changed", first.changed, second.changed),
    ]
    return [line for line in lines if line.first or line.second]


def _contents_facts(first: Contents | None, second: Contents | None) -> list[FileFact]:
    """What each file holds that no other fact says; the better one has more of it."""
    if first is None or second is None:
        return [FileFact("contents", "" if first else "not known", "" if second else "not known")]
    facts = [FileFact("kind of picture", _plain_words(first), _plain_words(second))]
    kinds = {item.kind for item in (*first.items, *second.items)} - _SHOWN_ELSEWHERE
    for kind in (kind for kind in ItemKind if kind in kinds):
        mine, yours = first.of(kind), second.of(kind)
        facts.append(
            FileFact(kind.value, _words(kind, mine), _words(kind, yours), _more(len(mine), len(yours)))
        )
    return facts


def _plain_words(contents: Contents) -> str:
    return ", ".join(replace(contents, items=()).described())


def _words(kind: ItemKind, values: tuple[str, ...]) -> str:
    """What a file has of one kind: the texts, or `yes` for what cannot be read."""
    words = item_words(Item(kind, value) for value in values)
    return (words[0].removeprefix(kind.value).strip() or "yes") if words else ""


def _more(first: float, second: float) -> int:
    return 0 if first == second else 1 if first > second else 2


def _shot_facts(first: "ShotQuality | None", second: "ShotQuality | None") -> list[FileFact]:
    """What chooses between two shots of one scene."""
    if first is None or second is None:
        return []
    lost = [(round(100 * each.white), round(100 * each.black)) for each in (first, second)]
    return [
        FileFact(
            "sharpest part",
            f"{first.sharpness:.1f}",
            f"{second.sharpness:.1f}",
            _sharper(first.sharpness, second.sharpness),
        ),
        *(
            FileFact(name, f"{one} %", f"{other} %", _more(other, one))
            for name, one, other in zip(("blown out", "black"), *lost, strict=True)
        ),
    ]


def _sharper(first: float | None, second: float | None) -> int:
    """1 or 2 for the file that is clearly sharper; 0 if neither is."""
    if first is None or second is None:
        return 0
    ratio = (first + 0.01) / (second + 0.01)
    return 1 if ratio > _CLEARLY_SHARPER else 2 if ratio < 1 / _CLEARLY_SHARPER else 0


def _format(file: ComparedFile) -> str:
    return format_label(file.info.format) + (", lossless" if file.details.lossless else "")


def _number(value: float | None) -> str:
    if not value:
        return ""
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _share(value: float | None) -> str:
    return "" if value is None else f"enlarged, {100 * value:.0f} % of the size is real"


def _made_from(details: Details) -> str:
    if details.earlier_quality:
        return f"of quality {details.earlier_quality}"
    return _yes(details.recompressed)


def _earlier(details: Details) -> int:
    """The lowest quality before that of the file; more than any for none."""
    return details.earlier_quality or (100 if details.recompressed else 101)


def _yes(value: bool) -> str:  # noqa: FBT001 - it is the fact itself
    return "yes" if value else ""
