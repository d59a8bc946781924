"""What a file holds: its pictures, what lies in it beside them, and what it says of the shot.

What two pictures show is one question (`vtsfind.base.groups.Verdict`), what two files hold another. Only a file whose every
content is in a kept one may be proposed to go (`vtsfind.act.removal`).
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, Final, NamedTuple

PALETTE: Final = "palette"
"""The colours of a picture that has few of them, in a table."""


class ItemKind(StrEnum):
    """What may be in a file beside the picture; the value is what people read."""

    VIDEO = "motion video"
    AUDIO = "sound"
    GAIN_MAP = "gain map"
    DEPTH_MAP = "depth map"
    PICTURE = "further picture"
    TRAILER = "data after the picture"
    UNREADABLE = "metadata that cannot be read"
    TIME = "time of the shot"
    SUBSECONDS = "fraction of the second"
    TIME_ZONE = "time zone"
    CAMERA = "camera"
    LENS = "lens"
    PLACE = "GPS"
    MAKER_NOTE = "maker note"
    KEYWORD = "keyword"
    CAPTION = "caption"
    RATING = "rating"
    LABEL = "label"
    FACE = "face"
    EDITS = "editing steps"
    TEXT = "text"


_OPAQUE_KINDS = frozenset(
    {
        ItemKind.VIDEO,
        ItemKind.AUDIO,
        ItemKind.GAIN_MAP,
        ItemKind.DEPTH_MAP,
        ItemKind.PICTURE,
        ItemKind.TRAILER,
        ItemKind.UNREADABLE,
        ItemKind.MAKER_NOTE,
        ItemKind.EDITS,
    }
)
"""Kinds whose value is a digest, which nobody reads."""
_MAX_SHOWN_CHARACTERS = 40


class Item(NamedTuple):
    """One thing in a file beside its picture."""

    kind: ItemKind
    value: str
    """Text in one form for all formats, or part of a SHA-256 in hex: two files have the same thing if these are equal."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What one file holds."""

    frames: int = 1
    """Pictures of the same standing: frames of an animation, pages, shots in one file."""
    animated: bool = False
    """Whether the frames are shown one after the other."""
    transparent: bool = False
    """Whether it has an alpha channel, or a transparent colour, that is in use as far as that was looked at."""
    bits: int = 8
    """Bits a channel that are in use as far as that was looked at; 8 for all that have no more."""
    colours: str = "RGB"
    """Colour model as stored: RGB, grey, palette, CMYK or CIELAB."""
    profile: str = ""
    """Description of the colour profile; empty for sRGB, also where that is taken for granted."""
    items: tuple[Item, ...] = ()
    """All that lies in it beside the picture, see `in_order`."""

    def of(self, kind: ItemKind) -> tuple[str, ...]:
        """The values of all items of one kind."""
        return tuple(item.value for item in self.items if item.kind is kind)

    def described(self) -> list[str]:
        """What there is beyond one plain picture, in words."""
        words = []
        if self.frames > 1:
            words.append(f"{self.frames} {'frames' if self.animated else 'pictures'}")
        if self.transparent:
            words.append("transparency")
        if self.bits > 8:
            words.append(f"{self.bits} bits a channel")
        if self.colours not in {"RGB", ""}:
            words.append(f"{self.colours} colours" if self.colours != "grey" else "grey")
        if self.profile:
            words.append(f"colour profile {self.profile}")
        return words + item_words(self.items)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Contents":
        """Make it again from what `dataclasses.asdict` gave, by way of JSON.

        Raises
        ------
        TypeError, ValueError
            If it is anything else.
        """
        items = tuple(Item(ItemKind(kind), str(value)) for kind, value in record["items"])
        return cls(**{**record, "items": items})

    def to_record(self) -> dict[str, Any]:
        """Say it in JSON's types."""
        return {**asdict(self), "items": [[item.kind.value, item.value] for item in self.items]}


def in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    """Items in the order of their kinds, each once."""
    kinds = list(ItemKind)
    return tuple(sorted(set(items), key=lambda item: (kinds.index(item.kind), item.value)))


def item_words(items: Iterable[Item]) -> list[str]:
    """Items in words, those of one kind together: `keyword beach, sea`."""
    return [
        _kind_words(kind, [item.value for item in same])
        for kind, same in groupby(in_order(items), key=lambda item: item.kind)
    ]


def _kind_words(kind: ItemKind, values: list[str]) -> str:
    if kind in _OPAQUE_KINDS:
        return kind.value if len(values) == 1 else f"{kind.value} ({len(values)})"
    text = ", ".join(values)
    if len(text) > _MAX_SHOWN_CHARACTERS:
        text = text[: _MAX_SHOWN_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return f"{kind.value} {text}"
