"""Duplicates as every layer sees them: the verdict on a pair, its evidence, and groups."""

from dataclasses import dataclass, replace
from enum import Enum, IntEnum, StrEnum
from typing import Self

from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp


class Verdict(StrEnum):
    """The kind of duplicate that two photos are, strongest first; docs/glossary.md has the same list."""

    BYTES = "bytes"
    """The same content, byte for byte."""
    PIXELS = "pixels"
    """The same pixels in another file, or with other metadata."""
    RESAVE = "resave"
    """The same picture, encoded again or resized."""
    TURNED = "turned"
    """The same picture, mirrored or rotated by quarter turns."""
    EDIT = "edit"
    """One is made from the other: cropped, rotated, bordered, written on, recoloured, or a screenshot of it."""
    BURST = "burst"
    """Another shot of the same scene."""
    SIMILAR = "similar"
    """Similar codes; the photos were not compared."""

    rank: int
    """0 for the strongest."""

    def __new__(cls, value: str) -> Self:
        """Make a member that knows its rank: groups are sorted by it by the hundred thousand."""
        verdict = str.__new__(cls, value)
        verdict._value_, verdict.rank = value, len(cls.__members__)
        return verdict

    @property
    def label(self) -> str:
        """The verdict in messages."""
        return _VERDICT_LABELS[self]

    @property
    def short_label(self) -> str:
        """The verdict where there is little room: at most `MAX_SHORT_LABEL` characters."""
        return _SHORT_LABELS.get(self, self.label)


_VERDICT_LABELS = {
    Verdict.BYTES: "exact copy",
    Verdict.PIXELS: "same pixels",
    Verdict.RESAVE: "saved again",
    Verdict.TURNED: "rotated or mirrored",
    Verdict.EDIT: "edited",
    Verdict.BURST: "other shot",
    Verdict.SIMILAR: "similar",
}
_SHORT_LABELS = {Verdict.TURNED: "turned"}
MAX_SHORT_LABEL = max(len(verdict.short_label) for verdict in Verdict)
"""Characters."""

COPIES = (Verdict.BYTES, Verdict.PIXELS, Verdict.RESAVE, Verdict.TURNED, Verdict.EDIT)
"""The verdicts by which two files are copies of one photo."""
SEEN_IN_SMALL = frozenset({Verdict.RESAVE, Verdict.TURNED})
"""The verdicts that rest on small pictures, and by which a file may go."""


class Difference(IntEnum):
    """What two pictures that lie frame on frame differ in, seen at full size; the numbers are those of the cache."""

    NONE = 0
    PART = 1
    """A part of one was changed, or drawn over."""
    REPLACED = 2
    """A part of each shows what the other has not, in its place: another number, another time, things that moved."""


class EditNote(StrEnum):
    """What makes an edit of a picture that shows the same in full; the words are the note of its evidence."""

    GREY = "one is black and white"
    FRAMES = "not all frames are the same"
    ONE_FRAME = "one is a single frame of the other"
    DIFFERS_IN_FULL = "a part of it differs at full size"
    NOT_COMPARED_IN_FULL = "they could not be compared at full size"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in a picture, in fractions (0 to 1) of its width and height as shown, from the top left."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Its share of the picture, 0 to 1."""
        return (self.right - self.left) * (self.bottom - self.top)


_INVERSE_TURNS = {6: 8, 8: 6}
"""The EXIF orientations that are undone by another one than themselves."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the comparison of two photos showed. None stands for what was not measured."""

    distance: int | None = None
    """Bits in which the copy codes differ."""
    bits: int | None = None
    """Length of the codes."""
    turn: int = 1
    """The EXIF orientation (1 to 8) that aligns the second picture with the first; 1 is none."""
    inliers: int | None = None
    """Number of local features that match under one affine map."""
    agreement: float | None = None
    """Similarity of the aligned pictures where they overlap, 0 to 1."""
    box: Box | None = None
    """The part of the wider picture that the narrower one shows."""
    boxed: int | None = None
    """Which picture `box` lies in: 0 for the first, 1 for the second."""
    broken_off: float | None = None
    """Share, 0 to 1, of the lines across the edges of `box` that change there, on the edge where it is least."""
    changed: float | None = None
    """Of an edit that lies frame on frame: share of the pixels, 0 to 1, that differ by more than one change of all tones explains."""
    lighter: float | None = None
    """By how many levels of 255 the second is lighter, where nothing is drawn over it; negative if it is darker."""
    recoloured: float | None = None
    """By how many levels its colours are off beyond that."""
    grey: int | None = None
    """Which picture has no colours where the other one does: 0 for the first, 1 for the second."""
    certain: bool | None = None
    """Of two shots: true if they can be nothing else, for things are in other places, or the cameras' clocks say so."""
    seconds_apart: float | None = None
    """Between the EXIF times of the two shots."""
    indirect: bool | None = None
    """True if the second photo was not recognised in the first, but both in another one of the group."""
    note: str = ""
    """One short clause for people, such as "same pixels" or "aligned blocks differ in 4 of 64"."""

    def swapped(self) -> "Evidence":
        """The same for the two photos in the other order."""
        return replace(
            self,
            turn=_INVERSE_TURNS.get(self.turn, self.turn),
            boxed=None if self.boxed is None else 1 - self.boxed,
            grey=None if self.grey is None else 1 - self.grey,
            lighter=None if self.lighter is None else -self.lighter,
        )


class Undecided(Enum):
    """Says that the full frames alone do not decide the verdict on two photos."""

    UNDECIDED = "undecided"


UNDECIDED = Undecided.UNDECIDED
PairVerdict = tuple[Verdict, Evidence] | None
"""The verdict on two photos and its evidence; None for a non-match."""
FullFrameVerdict = PairVerdict | Undecided


@dataclass(frozen=True, slots=True)
class Photo:
    """One file of a library, with its sidecars."""

    path: bytes
    stamp: Stamp
    digest: bytes
    """SHA-256 of the content, 32 bytes."""
    info: PictureInfo
    sidecars: tuple[bytes, ...] = ()
    """Paths of the files that belong to it: the video of a Live Photo, a RAW, XMP, AAE and JSON files."""


class StayKind(Enum):
    """What sort of reason keeps a file that another one is kept for."""

    EDITED = "edited"
    """It is an edit, which nobody asked to remove."""
    HAS_MORE = "has more"
    """It has something that the kept one lacks."""
    BETTER = "better"
    """It is the better copy."""
    IN_DOUBT = "in doubt"
    """It may be the better copy: a person can tell."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class StayReason:
    """Why a file is not proposed for removal."""

    words: str
    """They follow the file's name, or are a clause of their own."""
    kind: StayKind = StayKind.OTHER


@dataclass(frozen=True, slots=True)
class ShotCopy:
    """Of which shot a photo is a copy, where another shot is kept."""

    digest: bytes
    """SHA-256 of that shot."""
    verdict: Verdict
    """Against that shot."""


@dataclass(frozen=True, slots=True)
class Member:
    """One photo of a group."""

    photo: Photo
    verdict: Verdict | None
    """Against the keeper; None for the keeper itself."""
    evidence: Evidence
    reason: str
    """Why it is kept, or, of another one than the keeper, why not it is."""
    details: Details | None = None
    """What its file tells of its quality, and what the file contains; None if it was not read."""
    stay_reason: StayReason | None = StayReason("its contents are not known")
    """Why it is not proposed for removal, see `vtsfind.act.removal`; None if it is. Of no meaning for the keeper."""
    copy_of: ShotCopy | None = None
    """The other shot in the group that it is a copy of; None if it is one itself, or a copy of the keeper."""

    @property
    def explanation(self) -> str:
        """Why it is kept, may go, or stays, in one line for people."""
        if self.verdict is None:
            return f"kept: {self.reason}"
        if not self.stay_reason:
            return f"may go: {self.reason}"
        shot = f"; {self.reason}" if self.verdict is Verdict.BURST and self.reason else ""
        return f"stays: {self.stay_reason.words}{shot}"

    @property
    def may_go(self) -> bool:
        """Whether it is proposed for removal."""
        return self.verdict is not None and self.stay_reason is None

    @property
    def is_other_shot(self) -> bool:
        """Whether it is another shot than the keeper, and no copy of one."""
        return self.verdict is Verdict.BURST and self.copy_of is None

    @property
    def is_kept_edit(self) -> bool:
        """Whether it stays since nobody asked to remove edits."""
        return self.stay_reason is not None and self.stay_reason.kind is StayKind.EDITED

    @property
    def stay_words(self) -> str | None:
        """Why it stays though another one is kept, in words; empty if it may go, None for the keeper itself."""
        if self.verdict is None:
            return None
        return self.stay_reason.words if self.stay_reason else ""


@dataclass(frozen=True, slots=True)
class Group:
    """A keeper and its duplicates: each was compared with the keeper and is its copy, or, `indirect`, a copy of another one of them."""

    number: int
    """1 and up, in the order shown."""
    members: tuple[Member, ...]
    """The keeper first, then by strength of verdict and path."""
    tied: bool = False
    """Whether only the paths decide between the keeper and the next photo, or there is a doubt."""
    doubt: str = ""
    """Why another photo may be the one to keep, in a few words; empty if there is no doubt."""
    decided: bool = False
    """Whether a person accepted or refused it in the review."""

    @property
    def doubt_words(self) -> str:
        """What is in doubt about which photo to keep, in a few words; empty if nothing is."""
        if self.tied:
            return self.doubt or "only the paths differ"
        return "a copy stays for a doubt" if self.needs_look else ""

    @property
    def needs_look(self) -> bool:
        """Whether a person should look at it: what is proposed may be the wrong one, or a copy stays for a doubt."""
        if self.doubt:
            return True
        for member in self.members:  # a loop, as there are 100,000 groups
            if member.stay_reason is None:
                if self.tied and member.verdict is not None:
                    return True
            elif member.stay_reason.kind is StayKind.IN_DOUBT:
                return True
        return False

    @property
    def keeper(self) -> Photo:
        """The photo to keep."""
        return self.members[0].photo

    @property
    def proposed(self) -> tuple[Member, ...]:
        """The photos that are proposed for removal."""
        return tuple(member for member in self.members if member.may_go)

    @property
    def gain(self) -> int:
        """Bytes that are freed by what is proposed."""
        return sum([member.photo.stamp.size for member in self.members if member.may_go])
