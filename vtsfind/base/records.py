"""The frozen values that cross layers. Paths are the system's bytes; text is made of them only for show."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

from vtsfind.base.paths import show_path

PIXEL_LIMIT = 300_000_000
"""The default limit of pixels of a picture."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What `stat` says of a file; as long as it is unchanged, the content counts as unchanged."""

    size: int
    """Bytes."""
    mtime_ns: int
    """Time of the last change, in nanoseconds since 1970."""
    inode: int
    """The file system's number of the file; 0 where it has none."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that the scanner found; it was not opened yet."""

    path: bytes
    """Absolute path."""
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Claim:
    """Which of some files a run of `index` reads, where several runs fill one library."""

    own: Sequence[Found]
    """Those that this run reads."""
    others: Sequence[Found] = ()
    """Those that another run is reading now."""


class Reason(StrEnum):
    """Why a file could not be used. The value is stored, written to JSON, and shown behind a path."""

    UNREADABLE = "cannot be read"
    VANISHED = "is gone"
    CHANGED = "changed while it was read"
    NOT_A_PICTURE = "is not a picture of a known kind"
    DAMAGED = "is damaged or cut short"
    TOO_LARGE = "has too many pixels"
    TIMEOUT = "took too long to decode"
    MEMORY = "needs too much memory to decode"
    CRASHED = "crashed the decoder"

    @property
    def label(self) -> str:
        """The reason as a heading of several files."""
        return _REASON_LABELS[self]

    @property
    def remedy(self) -> str:
        """What to do about one file or several, so that `vtsfind index` reads them; sentences."""
        return _REMEDIES[self]


_REASON_LABELS = {
    Reason.UNREADABLE: "no access, or a read error",
    Reason.VANISHED: "no longer there",
    Reason.CHANGED: "changed while being read",
    Reason.NOT_A_PICTURE: "unknown format",
    Reason.DAMAGED: "damaged or incomplete",
    Reason.TOO_LARGE: "too many pixels",
    Reason.TIMEOUT: "decoding takes too long",
    Reason.MEMORY: "decoding needs too much memory",
    Reason.CRASHED: "the decoder crashed",
}
_REMEDIES = {
    Reason.UNREADABLE: "Check permissions and drive, then run `vtsfind index`.",
    Reason.VANISHED: "Give the new place of what was moved.",
    Reason.CHANGED: "Wait until no other program writes there, then run `vtsfind index`.",
    Reason.NOT_A_PICTURE: "What another program can open, save there as JPEG or PNG; skip the rest with `vtsfind index --exclude`.",
    Reason.DAMAGED: "Restore from a backup, then run `vtsfind index`; without one, see what another program can still open.",
    Reason.TOO_LARGE: "Raise the setting `pixel_limit`, then run `vtsfind index --retry-failed`.",
    Reason.TIMEOUT: "Raise the setting `decode_timeout_s`, then run `vtsfind index --retry-failed`.",
    Reason.MEMORY: "Raise the setting `decode_memory_mb`, then run `vtsfind index --retry-failed`.",
    Reason.CRASHED: "Restore from a backup, or save anew from a program that can open it, then run `vtsfind index`.",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One file, or folder, that could not be used, and why."""

    path: bytes
    reason: Reason
    detail: str = ""
    """The message of the system or the decoder."""
    stamp: Stamp | None = None
    """The file's stamp at that time, so that it is not tried again before it changes."""

    def __str__(self) -> str:
        return f"{show_path(self.path)} {self.reason.value}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Head:
    """One named hash head of a model."""

    name: str
    bits: int


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture becomes the input of a model; belongs to the weights."""

    size: int
    """Side of the square input, in pixels."""
    fit: Literal["squash", "crop"] = "squash"
    """`squash` resizes the whole picture to the square; `crop` resizes the short side and takes the middle."""
    resize: int = 0
    """Short side before the middle is taken, in pixels; only for `crop`."""
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    """Subtracted from values in 0..1, by channel (red, green, blue)."""
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    """Divides after `mean`, by channel."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The model that made a set of codes. Codes of different signatures are never compared."""

    model: str
    """The model's name in the registry."""
    fingerprint: str
    """SHA-256, in hexadecimal, of the weights and everything else that the codes depend on."""
    heads: tuple[Head, ...]

    def makes_codes_of(self, other: "Signature") -> bool:
        """Whether both make the same codes, whatever the models are called."""
        return (self.fingerprint, self.heads) == (other.fingerprint, other.heads)


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """Facts about a picture besides its pixels."""

    width: int
    """Pixels, as shown: after the EXIF orientation is applied."""
    height: int
    orientation: int = 1
    """The EXIF orientation as it stood in the file, 1 to 8."""
    taken: str | None = None
    """EXIF time of the shot, `YYYY-MM-DD HH:MM:SS` by the camera's clock."""
    format: str = ""
    """The decoder's name of the format, such as `JPEG`."""
    camera: str | None = None
    """The camera, such as `Canon EOS 5D`; empty if the file names none, None if nobody has looked."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One photo of the index."""

    path: bytes
    stamp: Stamp
    digest: bytes
    """SHA-256 of the file's content, 32 bytes."""
    info: PictureInfo | None = None
    """None when the content is known to the index already."""
    codes: dict[str, npt.NDArray[np.uint8]] | None = None
    """Head name to packed code, (w,) uint8; None when the content is known to the index already."""
