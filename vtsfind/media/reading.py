"""Read one file once: what it is, the hash of its content, and what a `ContentProcessor` makes of it.

Only regular files are opened, so no pipe or device can hold the reader up. The file is looked at before and after: if
it changed meanwhile, nothing of what was read counts.
"""

import hashlib
import os
import stat
from dataclasses import dataclass, replace
from io import BufferedReader

from vtsfind.base.records import PictureInfo, Reason, Stamp
from vtsfind.media.decode import DecodeError
from vtsfind.media.formats import HEAD_BYTES, sniff
from vtsfind.media.scan import IRREGULAR, failure_of, stamp_of
from vtsfind.media.work import ContentProcessor, Setup

# Larger files are hashed and decoded piece by piece.
_IN_MEMORY_BYTES = 256 << 20
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that takes the file's place does not block the opening
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What came of reading a file: a reason why not, or a digest, or that and what was made of a picture."""

    stamp: Stamp | None = None
    """What the file was when it was read; None if it could not be opened."""
    reason: Reason | None = None
    detail: str = ""
    digest: bytes | None = None
    """SHA-256, 32 bytes."""
    info: PictureInfo | None = None
    """None if the content is known already."""
    data: bytes | bytearray | None = None
    """What the work made; None if the content is known already."""


def read(path: bytes, known: frozenset[bytes], work: ContentProcessor, setup: Setup) -> ReadResult:
    """Read one file; whatever is wrong with it is told in the result.

    Parameters
    ----------
    path
        The file.
    known
        Digests of contents that need no work.
    work
        What to do with other contents.
    setup
        What holds for all files.
    """
    try:
        descriptor = _open_regular(path)
        if descriptor is None:
            return ReadResult(reason=Reason.UNREADABLE, detail=IRREGULAR)
        with os.fdopen(descriptor, "rb") as file:
            before = stamp_of(os.fstat(descriptor))
            result = replace(_read_opened(file, before.size, known, work, setup), stamp=before)
            unchanged = stamp_of(os.fstat(descriptor)) == before
    except OSError as error:
        failure = failure_of(path, error)
        return ReadResult(reason=failure.reason, detail=failure.detail)
    return result if unchanged else ReadResult(before, Reason.CHANGED)


def _open_regular(path: bytes) -> int | None:
    """Open a regular file; None for anything else, which is not even touched where that can be helped."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    descriptor = os.open(path, _OPEN_FLAGS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _read_opened(
    file: BufferedReader, size: int, known: frozenset[bytes], work: ContentProcessor, setup: Setup
) -> ReadResult:
    try:
        head = file.read(HEAD_BYTES)
        if head and sniff(head) is None:  # a video, say: reading all of it would take long
            return ReadResult(reason=Reason.NOT_A_PICTURE)
        file.seek(0)
        content: bytes | BufferedReader = file
        if size <= _IN_MEMORY_BYTES:
            content = file.read(size + 1)
            if len(content) != size:
                return ReadResult(reason=Reason.CHANGED)
            digest = hashlib.sha256(content).digest()
        else:
            digest = hashlib.file_digest(file, "sha256").digest()
        if digest in known:
            return ReadResult(digest=digest)
        made = work(content, setup)
        return ReadResult(digest=digest, info=made.info, data=made.data)
    except DecodeError as error:
        return ReadResult(reason=error.reason, detail=error.detail)
    except MemoryError:
        return ReadResult(reason=Reason.MEMORY)
