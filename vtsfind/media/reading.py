"""Reading one file once: its stamp, the hash of its content, and the result of a `ContentProcessor`.

Only regular files are opened, so no pipe or device can block the reader. The file is examined before and after: if it
changed in between, the result is discarded.
"""

import hashlib
import os
import stat
from dataclasses import replace
from io import BufferedReader

from vtsfind.base.records import Reason
from vtsfind.media.answers import ReadResult
from vtsfind.media.decode import DecodeError
from vtsfind.media.formats import HEAD_BYTES, sniff
from vtsfind.media.scan import IRREGULAR, failure_of, stamp_of
from vtsfind.media.work import ContentProcessor, Setup

# Larger files are not read into memory as a whole.
_IN_MEMORY_BYTES = 256 << 20
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that takes the file's place does not block the opening
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


def read(
    path: bytes, known: frozenset[bytes], work: ContentProcessor, setup: Setup, digest: bytes | None = None
) -> ReadResult:
    """Read one file; a failure is a value, not an exception.

    Parameters
    ----------
    path
        The file.
    known
        Digests of contents that need not be processed.
    work
        The processor for other contents.
    setup
        The settings for all files.
    digest
        SHA-256 of the content, where the caller knows it by the file's stamp: no more of the file is read then than the
        processor needs.
    """
    try:
        descriptor = _open_regular(path)
        if descriptor is None:
            return ReadResult(reason=Reason.UNREADABLE, detail=IRREGULAR)
        with os.fdopen(descriptor, "rb") as file:
            before = stamp_of(os.fstat(descriptor))
            result = replace(_read_opened(file, before.size, known, work, setup, digest=digest), stamp=before)
            unchanged = stamp_of(os.fstat(descriptor)) == before
    except OSError as error:
        failure = failure_of(path, error)
        return ReadResult(reason=failure.reason, detail=failure.detail)
    return result if unchanged else ReadResult(before, Reason.CHANGED)


def _open_regular(path: bytes) -> int | None:
    """Open a regular file; None for anything else, which is not opened if that can be told before."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    descriptor = os.open(path, _OPEN_FLAGS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _read_opened(
    file: BufferedReader,
    size: int,
    known: frozenset[bytes],
    work: ContentProcessor,
    setup: Setup,
    *,
    digest: bytes | None,
) -> ReadResult:
    try:
        head = file.read(HEAD_BYTES)
        if head and sniff(head) is None:  # a video, for example: reading all of it would take long
            return ReadResult(reason=Reason.NOT_A_PICTURE)
        file.seek(0)
        content: bytes | BufferedReader = file
        if digest is None:
            content, digest = _hashed(file, size)
        if isinstance(content, bytes) and len(content) != size:
            return ReadResult(reason=Reason.CHANGED)
        if digest in known:
            return ReadResult(digest=digest)
        made = work(content, setup)
        return ReadResult(digest=digest, info=made.info, data=made.data)
    except DecodeError as error:
        return ReadResult(reason=error.reason, detail=error.detail)
    except MemoryError:
        return ReadResult(reason=Reason.MEMORY)


def _hashed(file: BufferedReader, size: int) -> tuple[bytes | BufferedReader, bytes]:
    """The content, in memory unless it is large, and its SHA-256."""
    if size > _IN_MEMORY_BYTES:
        return file, hashlib.file_digest(file, "sha256").digest()
    content = file.read(size + 1)
    return content, hashlib.sha256(content).digest()
