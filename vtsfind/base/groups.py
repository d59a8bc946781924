"""Duplicates as every layer sees them: what a pair is, what shows it, and the groups that come of it."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from vtsfind.base.records import PictureInfo, Stamp


class Verdict(StrEnum):
    """What two photos are to each other, strongest first."""

    BYTES = "bytes"
    """The same content, byte for byte."""
    PIXELS = "pixels"
    """The same pixels in another file, or with other metadata."""
    RESAVE = "resave"
    """Encoded again or resized, otherwise the same picture."""
    TURNED = "turned"
    """Mirrored or turned by quarters."""
    EDIT = "edit"
    """One is made of the other: a crop, a turn, a border, an overlay, a screenshot, other colours."""
    BURST = "burst"
    """The same scene in another shot: two photos."""
    SIMILAR = "similar"
    """Alike to the codes, and no more is known."""

    @property
    def rank(self) -> int:
        """0 for the strongest."""
        return list(Verdict).index(self)

    @property
    def label(self) -> str:
        """The verdict in the words of people."""
        return _VERDICT_LABELS[self]


_VERDICT_LABELS = {
    Verdict.BYTES: "exact copy",
    Verdict.PIXELS: "same pixels",
    Verdict.RESAVE: "re-encoded or resized",
    Verdict.TURNED: "rotated or mirrored",
    Verdict.EDIT: "edited",
    Verdict.BURST: "other shot",
    Verdict.SIMILAR: "similar",
}

COPIES = (Verdict.BYTES, Verdict.PIXELS, Verdict.RESAVE, Verdict.TURNED, Verdict.EDIT)
"""The verdicts that make two files copies of one photo."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, in fractions (0 to 1) of its width and height as shown, from the top left."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen when two photos were compared. None stands for what was not looked at."""

    distance: int | None = None
    """Bits in which the copy codes differ."""
    bits: int | None = None
    """Length of those codes."""
    turn: int = 1
    """The EXIF orientation (1 to 8) that brings the second picture onto the first; 1 is none."""
    inliers: int | None = None
    """Local features that one affine map carries from one picture to the other."""
    agreement: float | None = None
    """How alike the aligned pictures are, 0 to 1, in the part where they overlap."""
    box: Box | None = None
    """The part of the wider picture that the narrower one shows."""
    boxed: int | None = None
    """Which picture `box` lies in: 0 for the first, 1 for the second."""
    broken_off: float | None = None
    """Share, 0 to 1, of the lines across the edges of `box` that change there, on the edge where it is least."""
    certain: bool | None = None
    """Of two shots: true if they can be nothing else, for things are in other places, or the cameras' clocks say so."""
    seconds_apart: int | None = None
    """Between the EXIF times of the two shots."""
    note: str = ""
    """One short clause for people, such as "same pixels" or "aligned blocks differ in 4 of 64"."""


class Undecided(Enum):
    """What is said of two photos that were only glanced at, if that does not tell what they are."""

    UNDECIDED = "undecided"


UNDECIDED = Undecided.UNDECIDED
PairVerdict = tuple[Verdict, Evidence] | None
"""What two photos are to each other, and what shows it; None for strangers."""
FullFrameVerdict = PairVerdict | Undecided


@dataclass(frozen=True, slots=True)
class Photo:
    """One file of a library as duplicates are judged: with the files that travel with it."""

    path: bytes
    stamp: Stamp
    digest: bytes
    """SHA-256 of the content, 32 bytes."""
    info: PictureInfo
    sidecars: tuple[bytes, ...] = ()
    """Paths of the files that are one unit with it: a Live Photo's film, a RAW, XMP, AAE and JSON side-cars."""


@dataclass(frozen=True, slots=True)
class Member:
    """One photo of a group."""

    photo: Photo
    verdict: Verdict | None
    """Against the keeper; None for the keeper itself."""
    evidence: Evidence
    reason: str
    """Why it is kept, or why the keeper is kept in its place, in words."""


@dataclass(frozen=True, slots=True)
class Group:
    """A keeper and its copies: each was compared with the keeper, none is there through another."""

    number: int
    """1 and up, in the order shown."""
    members: tuple[Member, ...]
    """The keeper first, then by strength of verdict and path."""
    tied: bool = False
    """Whether the keep policy found nothing but the path to tell the keeper from the next, or there is a doubt."""
    doubt: str = ""
    """Why the pictures do not tell whether another should be kept, in a few words; empty if they do."""

    @property
    def keeper(self) -> Photo:
        """The photo that the policy keeps."""
        return self.members[0].photo

    @property
    def gain(self) -> int:
        """Bytes that go when all but the keeper go."""
        return sum(member.photo.stamp.size for member in self.members[1:])
