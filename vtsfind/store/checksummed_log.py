r"""Append-only files of checksummed lines, for records that are written once and must survive a crash.

Format
------
A file is UTF-8 text of lines that end in ``\n``. Each line is::

    CRC PAYLOAD

CRC
    Eight lower-case hexadecimal digits: the CRC-32 (as in zlib) of the payload's bytes. One blank follows.
PAYLOAD
    One JSON object without line breaks, keys in any order. Bytes that are not valid UTF-8 are stored in base 64, under a
    key that ends in ``_b64``.

The payload of the first line is the header, ``{"format": KIND, "version": N}``. Every other line is one record; its
fields depend on the kind. Lines are only ever appended. A line is valid once its line break is written, so a killed
writer leaves at most a torn last line: text without a line break or, after a power cut, a line with a wrong checksum.
Readers ignore a torn last line, and the next writer truncates it. A wrong checksum anywhere else is damage: the line is
reported as damaged, and all other lines are valid. `set_damage_aside` writes a file of those, and keeps the damaged one.

Readers and writers refuse a later version of a kind.
"""

import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtsfind.base.errors import StorageError
from vtsfind.base.files import MAX_LINES_BYTES, read_bounded
from vtsfind.store.atomic import fsync_folder, make_private_folder, replace_file
from vtsfind.store.errors import system_error

_CRC_DIGITS = 8

Record = Mapping[str, Any]


def line_of(record: Record) -> bytes:
    r"""Encode a record as a line, with its line break.

    >>> line_of({"a": 1})
    b'561bacaf {"a":1}\n'
    """
    payload = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(payload), payload)


def record_of(line: bytes) -> dict[str, Any] | None:
    r"""Decode a line without its line break; None if its checksum is wrong.

    >>> record_of(b'561bacaf {"a":1}')
    {'a': 1}
    >>> record_of(b'561bacaf {"a":2}') is None
    True
    """
    crc, blank, payload = line[:_CRC_DIGITS], line[_CRC_DIGITS : _CRC_DIGITS + 1], line[_CRC_DIGITS + 1 :]
    if blank != b" " or crc != b"%08x" % zlib.crc32(payload):
        return None
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError):  # it has its checksum, and was never written by vtsfind
        return None
    return record if isinstance(record, dict) else None


@dataclass(frozen=True, slots=True)
class LineFileContent:
    """The content of a file of lines."""

    records: tuple[dict[str, Any], ...] = ()
    """All intact records, without the header, in the order in which they were written."""
    damaged: tuple[int, ...] = ()
    """Numbers, from 1, of lines with a wrong checksum; a torn last line is not one of them."""
    has_broken_end: bool = False
    """Whether the torn last line ends in a line break, so that it may have been valid once."""
    size: int = 0
    """Bytes up to the torn last line, or of the whole file if there is none."""


def read_lines(path: Path, kind: str, version: int) -> LineFileContent:
    """Read a file of lines; a missing file, or one whose header is torn, is empty.

    Parameters
    ----------
    path
        The file.
    kind
        The kind that the header must name.
    version
        The latest version that the caller understands.

    Raises
    ------
    StorageError
        If the file cannot be read, is of another kind or of a later version.
    """
    with named_storage_errors(path, "read"):
        try:
            content = read_bounded(path, MAX_LINES_BYTES)
        except FileNotFoundError:
            return LineFileContent()
    lines = content.split(b"\n")
    torn = lines.pop()
    parsed = [record_of(line) for line in lines]
    has_broken_end = bool(parsed) and parsed[-1] is None
    if has_broken_end:
        torn = lines.pop() + b"\n" + torn
        parsed.pop()
    if parsed:
        _check_header(path, parsed[0], kind, version)
    damaged = tuple(number for number, record in enumerate(parsed, 1) if record is None)
    if not parsed and not _is_torn_header(torn, kind, version):
        damaged = (1,)
    records = tuple(r for r in parsed[1:] if r is not None)
    return LineFileContent(records, damaged, has_broken_end, len(content) - len(torn))


def _is_torn_header(torn: bytes, kind: str, version: int) -> bool:
    """Whether a writer may have been killed when it had written so much of a new file."""
    return any(line_of({"format": kind, "version": v}).startswith(torn) for v in range(1, version + 1))


def set_damage_aside(path: Path, kind: str, version: int, records: Iterable[Record]) -> Path:
    """Replace a damaged file by one with some records; gives the name under which the damaged one is kept.

    Raises
    ------
    DiskFull, StorageError
        If that cannot be written; the damaged one is still in place then.
    """
    aside = next(
        name for i in range(1, 10_000) if not (name := path.with_name(f"{path.name}.damaged-{i}")).exists()
    )
    with named_storage_errors(aside, "written"):
        replace_file(aside, read_bounded(path, MAX_LINES_BYTES))
        header = line_of({"format": kind, "version": version})
        replace_file(path, header + b"".join(map(line_of, records)))
    return aside


def _check_header(path: Path, header: dict[str, Any] | None, kind: str, version: int) -> None:
    if (
        header is None
    ):  # the records have checksums of their own, so a damaged header is no reason to refuse them
        return
    if header.get("format") != kind or not isinstance(header.get("version"), int):
        raise StorageError(f"{path} is not a '{kind}' file.", "Move it away, or choose another place.")
    if header["version"] > version:
        raise StorageError(
            f"{path} was written by a newer vtsfind (version {header['version']}; this one knows {version}).",
            "Update vtsfind.",
        )


class LineFile(AbstractContextManager["LineFile"]):
    """A file of lines, open for appending; created if it is missing, with a torn last line truncated.

    The caller makes sure that no other process appends at the same time (see `vtsfind.store.partial_file.exclusive_lock`).

    Parameters
    ----------
    path
        The file; its folder is created if necessary.
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
        if existing.damaged and not existing.size:
            raise StorageError(
                f"No line of {path} is as it was written.",
                "Run `vtsfind doctor --repair`, which keeps a copy of it and begins a new file.",
            )
        with named_storage_errors(path, "written"):
            make_private_folder(path.parent)
            fresh = not path.exists()
            self._descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600
            )
        self._size = existing.size
        try:
            with named_storage_errors(path, "written"):
                if os.fstat(self._descriptor).st_size > existing.size:
                    os.ftruncate(self._descriptor, existing.size)
            if not existing.size:
                self.append({"format": kind, "version": version})
            if fresh:
                with named_storage_errors(path, "written"):
                    fsync_folder(path.parent)
        except BaseException:
            self.close()
            raise

    def append(self, *records: Record, durable: bool = True) -> None:
        """Append records, all or none of them.

        Parameters
        ----------
        records
            One line each.
        durable
            Whether to wait until they would survive a power cut. Otherwise they survive the end of this process.

        Raises
        ------
        DiskFull
            If there is no room or no permission; the file is unchanged.
        StorageError
            If the disk fails.
        """
        data = b"".join(map(line_of, records))
        try:
            with named_storage_errors(self.path, "written"):
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
        """Truncate what a failed append left; if the disk does not allow that, the next opening does it."""
        with named_storage_errors(self.path, "written"):
            os.ftruncate(self._descriptor, self._size)

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def named_storage_errors(path: Path, verb: str) -> Iterator[None]:
    """Turn errors of the system into a `StorageError` that names the file."""
    try:
        yield
    except OSError as error:
        raise system_error(error, path, verb=verb) from error
