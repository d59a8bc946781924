"""What a decoding process does with the content of a file: the protocol `ContentProcessor`, and the one for model inputs.

Decoders are imported when they run, since the parent, which only says what is to be done, needs none.
"""

import io
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from vtsfind.base.records import PictureInfo, Preprocessing

Content = bytes | BinaryIO


@dataclass(frozen=True, slots=True)
class Setup:
    """The settings of a decoding process, for all files."""

    pixel_limit: int
    """Photos of more pixels are not decoded."""
    memory_bytes: int
    """Memory limit, in addition to the memory of the process at its start."""
    timeout_s: float
    """Time limit for one file."""


@dataclass(frozen=True, slots=True)
class ProcessedContent:
    """The result of a `ContentProcessor`."""

    info: PictureInfo | None
    """None where the processor looks at something else."""
    data: bytes
    """In a format of the processor."""


class ContentProcessor(Protocol):
    """A function of the content of a file: a module-level function or a small callable dataclass.

    It is pickled for the process, which imports its module; that module must not import more than decoding needs.
    """

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """Process the content of one file.

        Raises
        ------
        vtsfind.media.decode.DecodeError
            When the content is not a picture, or damaged.
        OSError
            When the file itself cannot be read.
        """


@dataclass(frozen=True, slots=True)
class PreparePhoto:
    """Decode a photo and prepare it as a model's input, (size, size, 3) uint8."""

    preprocessing: Preprocessing

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """See `ContentProcessor`."""
        from vtsfind.media.decode import decode_image, needed_side, prepare

        # Twice the pixels that are needed, so that reducing in the decoder leaves no artefacts.
        image, info = decode_image(
            content,
            shortest=2 * needed_side(self.preprocessing),
            pixel_limit=setup.pixel_limit,
            memory_bytes=setup.memory_bytes,
        )
        return ProcessedContent(info, prepare(image, self.preprocessing).tobytes())


def camera_of_photo(content: Content, setup: Setup) -> ProcessedContent:
    """Read the name of the camera, as UTF-8; see `ContentProcessor`."""
    from vtsfind.media.decode import read_camera

    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    return ProcessedContent(None, read_camera(stream, pixel_limit=setup.pixel_limit).encode())
