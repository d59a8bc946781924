"""What a decoding process makes of a file's content: any `ContentProcessor`, of which the model's input is one."""

from dataclasses import dataclass
from typing import BinaryIO, Protocol

from vtsfind.base.records import PictureInfo, Preprocessing
from vtsfind.media.decode import decode, needed_side, prepare

Content = bytes | BinaryIO


@dataclass(frozen=True, slots=True)
class Setup:
    """What holds for all files that a process reads."""

    pixel_limit: int
    memory_bytes: int
    """What the process may take more than it has at its start."""
    timeout_s: float
    """How long the parent lets one file take."""


@dataclass(frozen=True, slots=True)
class ProcessedContent:
    """What was made of a picture."""

    info: PictureInfo
    data: bytes
    """What it is, and how it is read, is the work's own affair."""


class ContentProcessor(Protocol):
    """Something to be done with the content of a file: a function of a module, or a small record that can be called.

    It is pickled for the process, which imports the module that it comes from: not more than decoding needs.
    """

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """Do it.

        Raises
        ------
        vtsfind.media.decode.DecodeError
            When the content is no picture, or a damaged one.
        OSError
            When the file itself cannot be read.
        """


@dataclass(frozen=True, slots=True)
class PreparePhoto:
    """Decode a photo and make the model's input of it, (size, size, 3) uint8."""

    preprocessing: Preprocessing

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """Do it; see `ContentProcessor`."""
        # Twice as many pixels as are needed, so that no trace of reducing while decoding is left.
        pixels, info = decode(
            content,
            shortest=2 * needed_side(self.preprocessing),
            pixel_limit=setup.pixel_limit,
            memory_bytes=setup.memory_bytes,
        )
        return ProcessedContent(info, prepare(pixels, self.preprocessing).tobytes())
