r"""Append-only files of checksummed lines, for what is written once and must outlive everything else.

Format
------
A file is UTF-8 text of lines that end in ``\n``. Each line is::

    CRC PAYLOAD

CRC
    Eight lower-case hexadecimal digits: the CRC-32 (as in zlib) of the payload's bytes. One blank follows.
PAYLOAD
    One JSON object without line breaks, keys in any order. Bytes that are not text are in it in base 64, under a name
    that ends in ``_b64``.

The payload of the first line is the header, ``{"format": KIND, "version": N}``. Every other line is one record; what is
in it is the business of the kind. Lines are only ever added. A line counts once its line break is written, so a writer
that is killed leaves at most a torn last line: text without a line break, or, after a power cut, one whose checksum is
wrong. Readers pass over a torn last line, and the next writer cuts it off. A wrong checksum anywhere else is damage: the
line is counted as damaged, and all others stand.

A later version of a kind is refused by readers and writers alike.
"""

import base64
import errno
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtsfind.base.errors import DiskFull, StorageError
from vtsfind.store.atomic import fsync_folder

_CRC_DIGITS = 8
_DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PERMISSION_ERRNOS = {errno.EROFS, errno.EACCES, errno.EPERM}

Record = Mapping[str, Any]


def line_of(record: Record) -> bytes:
    r"""The line that holds a record, with its line break.

    >>> line_of({"a": 1})
    b'561bacaf {"a":1}\n'
    """
    payload = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(payload), payload)


def record_of(line: bytes) -> dict[str, Any] | None:
    r"""The record of a line without its line break; None if it is not as it was written.

    >>> record_of(b'561bacaf {"a":1}')
    {'a': 1}
    >>> record_of(b'561bacaf {"a":2}') is None
    True
    """
    crc, blank, payload = line[:_CRC_DIGITS], line[_CRC_DIGITS : _CRC_DIGITS + 1], line[_CRC_DIGITS + 1 :]
    if blank != b" " or crc != b"%08x" % zlib.crc32(payload):
        return None
    record = json.loads(payload)
    return record if isinstance(record, dict) else None


def path_record(path: bytes, name: str = "path") -> dict[str, str]:
    r"""The part of a record that holds a path: as text if it is UTF-8, else in base 64.

    >>> path_record(b"a\xff.jpg"), path_record(b"b.jpg", "keeper")
    ({'path_b64': 'Yf8uanBn'}, {'keeper': 'b.jpg'})
    """
    try:
        return {name: path.decode()}
    except UnicodeDecodeError:
        return {f"{name}_b64": base64.b64encode(path).decode()}


def path_of(record: Record, name: str = "path") -> bytes | None:
    r"""The path that `path_record` put into a record, None if there is none.

    >>> path_of({"path_b64": "Yf8uanBn"}), path_of({}, "keeper")
    (b'a\xff.jpg', None)
    """
    if name in record:
        return str(record[name]).encode()
    return base64.b64decode(record[f"{name}_b64"]) if f"{name}_b64" in record else None


@dataclass(frozen=True, slots=True)
class LineFileContent:
    """What is in a file of lines."""

    records: tuple[dict[str, Any], ...] = ()
    """All whole records, without the header, in the order in which they were written."""
    damaged: tuple[int, ...] = ()
    """Numbers, from 1, of lines that are not as they were written; not a torn last one."""
    size: int = 0
    """Bytes up to the torn last line, or of the whole file if there is none."""


def read_lines(path: Path, kind: str, version: int) -> LineFileContent:
    """Read a file of lines; one that is missing, or whose header was never finished, is empty.

    Parameters
    ----------
    path
        The file.
    kind
        What the header must call it.
    version
        The latest version that the caller understands.

    Raises
    ------
    StorageError
        If the file cannot be read, is of another kind or of a later version.
    """
    with _named_storage_errors(path, "read"):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return LineFileContent()
    lines = content.split(b"\n")
    torn = lines.pop()
    parsed = [record_of(line) for line in lines]
    if parsed and parsed[-1] is None:
        torn = lines.pop() + b"\n" + torn
        parsed.pop()
    if parsed:
        _check_header(path, parsed[0], kind, version)
    damaged = tuple(number for number, record in enumerate(parsed, 1) if record is None)
    return LineFileContent(tuple(r for r in parsed[1:] if r is not None), damaged, len(content) - len(torn))


def _check_header(path: Path, header: dict[str, Any] | None, kind: str, version: int) -> None:
    if header is None:  # a damaged header costs itself only: the records have checksums of their own
        return
    if header.get("format") != kind or not isinstance(header.get("version"), int):
        raise StorageError(f"{path} is not a file of '{kind}'.", "Move it away, or choose another place.")
    if header["version"] > version:
        raise StorageError(
            f"{path} was written by a newer vtsfind (version {header['version']}; this one knows {version}).",
            "Update vtsfind.",
        )


class LineFile(AbstractContextManager["LineFile"]):
    """A file of lines, open for adding to it; made if it is missing, with a torn last line cut off.

    The caller sees to it that no one else adds to the file meanwhile (`vtsfind.store.partial_file.exclusive_lock` can do that).

    Parameters
    ----------
    path
        The file; its folder is made if need be.
    kind, version
        Of the header.

    Raises
    ------
    DiskFull
        If there is no room or no permission to write.
    StorageError
        As `read_lines` does.
    """

    def __init__(self, path: Path, kind: str, version: int) -> None:
        self.path = path
        existing = read_lines(path, kind, version)
        with _named_storage_errors(path, "written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not path.exists()
            self._descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600
            )
        self._size = existing.size
        try:
            with _named_storage_errors(path, "written"):
                if os.fstat(self._descriptor).st_size > existing.size:
                    os.ftruncate(self._descriptor, existing.size)
            if not existing.size:
                self.append({"format": kind, "version": version})
            if fresh:
                with _named_storage_errors(path, "written"):
                    fsync_folder(path.parent)
        except BaseException:
            self.close()
            raise

    def append(self, *records: Record, durable: bool = True) -> None:
        """Add records, all or none of them.

        Parameters
        ----------
        records
            What to add, a line each.
        durable
            Whether to wait until they would survive a power cut. If not, they survive the end of this process.

        Raises
        ------
        DiskFull
            If there is no room or no permission; the file is as it was.
        StorageError
            If the disk fails.
        """
        data = b"".join(map(line_of, records))
        try:
            with _named_storage_errors(self.path, "written"):
                written = 0
                while written < len(data):
                    written += os.write(self._descriptor, data[written:])
                if durable:
                    os.fsync(self._descriptor)
        except BaseException:
            self._truncate_failed_append()
            raise
        self._size += len(data)

    def _truncate_failed_append(self) -> None:
        """Cut off what a failed append left, as far as the disk allows; the next opening does it otherwise."""
        with _named_storage_errors(self.path, "written"):
            os.ftruncate(self._descriptor, self._size)

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _named_storage_errors(path: Path, what: str) -> Iterator[None]:
    """Turn the system's errors into ones that name the file."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL_ERRNOS:
            raise DiskFull(f"There is no room to write {path}.", "Make room on that disk.") from error
        if error.errno in _PERMISSION_ERRNOS:
            raise DiskFull(
                f"{path} cannot be {what}: {error.strerror}.", "Change the permissions of its folder."
            ) from error
        raise StorageError(
            f"{path} cannot be {what}: {error.strerror or error}.", "Look whether the disk is failing."
        ) from error
