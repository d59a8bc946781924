"""Decode two photos at full size and say what they differ in; done by a worker process."""

from dataclasses import dataclass, field

from vtsfind.base.records import Reason
from vtsfind.find.verification.explained import FullPicture
from vtsfind.find.verification.full_size import difference
from vtsfind.media.decode import DecodeError, decode
from vtsfind.media.jpeg_compression import jpeg_compression
from vtsfind.media.pixels_digest import FULL_SIZE
from vtsfind.media.reading import read
from vtsfind.media.work import Content, ProcessedContent, Setup


@dataclass(frozen=True, slots=True)
class CompareInFull:
    """Compare a photo with another one; see `vtsfind.media.work.ContentProcessor`. Gives the number of a `Difference`, one byte."""

    other: bytes
    """Path of the other photo."""
    other_digest: bytes
    """SHA-256 of its content: with another one there is no answer."""
    turn: int
    """The EXIF orientation that aligns the other photo with this one."""

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """Do it."""
        decoded = _AllPixels()
        info = decoded(content, setup).info
        other = _AllPixels()
        result = read(self.other, frozenset(), other, setup)
        if result.reason is not None or result.digest != self.other_digest:
            raise DecodeError(result.reason or Reason.CHANGED, result.detail)
        found = difference(decoded.pictures[0], other.pictures[0], self.turn)
        return ProcessedContent(info, bytes([found]))


@dataclass(slots=True)
class _AllPixels:
    """Decode a photo at full size, and keep it."""

    pictures: list[FullPicture] = field(default_factory=list)

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        pixels, info = decode(
            content, shortest=FULL_SIZE, pixel_limit=setup.pixel_limit, memory_bytes=setup.memory_bytes
        )
        compression = jpeg_compression(content) if info.format == "JPEG" else None
        self.pictures.append(FullPicture(pixels, compression, info.orientation))
        return ProcessedContent(info, b"")
