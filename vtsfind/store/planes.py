"""The planes file: all codes of a library, laid out for scanning, made from its database and memory-mapped.

It is derived data: a lost file is written again from the database. This text specifies its bytes, as a part of version 1 of
the library format (`vtsfind.store.schema`).

Little-endian. A header of 128 bytes, a table with 64 bytes for each of the h heads, then consecutive sections that begin
at multiples of 64 bytes and are zero-padded to such a multiple; the last section ends the file. n is the number of contents
that have a file.

====== ==== ====== ===============================================================================================
offset size type   header
0      8    bytes  "VTSPLANE"
8      4    uint32 version of this file's format, 1
12     4    uint32 h
16     8    uint64 n
24     8    uint64 offset of the section of rows
32     4    uint32 CRC-32 of the section of rows, padding included
36     4    uint32 CRC-32 of header and table, with these four bytes zero
40     16   bytes  `state` of the database that the file was made from
56     8    bytes  zero
64     64   ASCII  the model's fingerprint, zero-padded
====== ==== ====== ===============================================================================================

====== ==== ====== ===============================================================================================
offset size type   table entry, one a head, in the order of the signature
0      32   UTF-8  name, zero-padded
32     4    uint32 bits
36     4    uint32 CRC-32 of the head's section, padding included
40     8    uint64 offset of the head's section
48     16   bytes  zero
====== ==== ====== ===============================================================================================

The section of rows is n uint32: the content ids, ascending. A head's section is w = ceil(bits / 64) planes of n uint64:
plane j holds word j of each code in the order of the rows, a word being bytes 8j to 8j+7 of the packed code, zero-padded.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vtsfind.base import bits
from vtsfind.base.addresses import Place
from vtsfind.base.errors import ModelMismatch, UsageError
from vtsfind.base.records import Head, Signature
from vtsfind.store.atomic import atomic_replace

NAME = "planes.vtp"
MAGIC = b"VTSPLANE"
VERSION = 1
ALIGNMENT = 64
"""Sections begin at multiples of so many bytes: a cache line."""
STATE_BYTES = 16
FINGERPRINT_BYTES = 64
HEAD_NAME_BYTES = 32

_HEADER = np.dtype(
    [
        ("magic", "S8"),
        ("version", "<u4"),
        ("heads", "<u4"),
        ("photos", "<u8"),
        ("rows_at", "<u8"),
        ("rows_crc", "<u4"),
        ("header_crc", "<u4"),
        ("state", f"V{STATE_BYTES}"),
        ("zero", "V8"),
        ("fingerprint", f"S{FINGERPRINT_BYTES}"),
    ]
)
_HEAD = np.dtype(
    [
        ("name", f"S{HEAD_NAME_BYTES}"),
        ("bits", "<u4"),
        ("crc", "<u4"),
        ("at", "<u8"),
        ("zero", "V16"),
    ]
)
_HEADER_CRC_OFFSET = 36


@dataclass(frozen=True, slots=True)
class Planes:
    """The codes of one head for all photos of a library. Ties between photos are broken by column number."""

    head: str
    bits: int
    words: npt.NDArray[np.uint64]
    """(w, n), read-only: plane w holds 64-bit word w of every code, see `vtsfind.base.bits`."""
    rows: npt.NDArray[np.uint32]
    """(n,), ascending: the content ids of the columns, for `Index.files_of_rows`."""

    def of_rows(self, rows: npt.NDArray[np.uint32]) -> "Planes":
        """The columns of some content ids (m,), in any order; of those that are there, ascending."""
        wanted = np.unique(rows)
        columns = np.minimum(np.searchsorted(self.rows, wanted), len(self.rows) - 1)
        columns = columns[self.rows[columns] == wanted] if len(self.rows) else columns[:0]
        return replace(self, words=np.ascontiguousarray(self.words[:, columns]), rows=self.rows[columns])


class PlanesUnusable(Exception):
    """The planes file is missing, out of date or damaged; the message says which. It never leaves the store."""


class PlanesStale(PlanesUnusable):
    """The planes file is intact but belongs to another state of the database."""


def build(
    heads: Sequence[Head], rows: npt.NDArray[np.uint32], codes: npt.NDArray[np.uint8]
) -> dict[str, Planes]:
    """Lay codes out as planes.

    Parameters
    ----------
    heads
        In the order in which their codes are concatenated.
    rows
        (n,) content ids, ascending.
    codes
        (n, b) uint8, the packed codes of all heads, concatenated.
    """
    built = {}
    start = 0
    for head in heads:
        end = start + code_bytes(head)
        words = bits.planes(codes[:, start:end])
        words.flags.writeable = False
        built[head.name] = Planes(head.name, head.bits, words, rows)
        start = end
    return built


def require_codes_of(place: Place, own: Signature, wanted: Signature) -> None:
    """Check that a library whose codes are of a model has those of another.

    Raises
    ------
    ModelMismatch
    """
    if not own.makes_codes_of(wanted):
        raise ModelMismatch(
            f"The library {place} holds codes of the model {own.model} ({own.fingerprint[:12]}),"
            f" not of {wanted.model} ({wanted.fingerprint[:12]}).",
            "Choose the library's model with --model, or another library with --library.",
        )


def check_signature(signature: Signature) -> None:
    """Check that a signature fits into the header of a planes file.

    Raises
    ------
    UsageError
    """
    names = [head.name for head in signature.heads]
    if (
        not names
        or len(set(names)) < len(names)
        or any(not 0 < len(name.encode()) <= HEAD_NAME_BYTES or "\0" in name for name in names)
        or any(head.bits < 1 for head in signature.heads)
        or len(signature.fingerprint.encode()) > FINGERPRINT_BYTES
    ):
        raise UsageError(
            f"The model {signature.model} cannot be used for a library: {signature} does not fit the format."
        )


def code_bytes(head: Head) -> int:
    """Bytes of one packed code."""
    return -(-head.bits // 8)


def write(path: Path, built: dict[str, Planes], state: bytes, signature: Signature) -> None:
    """Replace the planes file atomically by `built`, which belongs to `state` of the database.

    Raises
    ------
    OSError
        If there is no space or no permission; the old file is unchanged.
    """
    rows = built[signature.heads[0].name].rows
    sections = [_padded(rows.astype("<u4").tobytes())]
    sections += [_padded(built[head.name].words.astype("<u8").tobytes()) for head in signature.heads]
    starts = np.cumsum([_header_bytes(len(signature.heads)), *map(len, sections)])
    header = np.zeros(1, _HEADER)
    header["magic"] = MAGIC
    header["version"] = VERSION
    header["heads"] = len(signature.heads)
    header["photos"] = len(rows)
    header["rows_at"] = starts[0]
    header["rows_crc"] = zlib.crc32(sections[0])
    header["state"] = np.void(state)
    header["fingerprint"] = signature.fingerprint.encode()
    table = np.zeros(len(signature.heads), _HEAD)
    for i, head in enumerate(signature.heads):
        table[i] = (head.name.encode(), head.bits, zlib.crc32(sections[i + 1]), starts[i + 1], b"")
    header["header_crc"] = zlib.crc32(header.tobytes() + table.tobytes())
    with atomic_replace(path) as temporary, temporary.open("wb") as file:
        file.writelines([header.tobytes(), table.tobytes(), *sections])


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def _header_bytes(heads: int) -> int:
    return _HEADER.itemsize + heads * _HEAD.itemsize


def file_bytes(heads: Sequence[Head], n: int) -> int:
    """Size of a planes file of n photos, in bytes."""
    sections = [4 * n, *(8 * n * word_count(head) for head in heads)]
    return _header_bytes(len(heads)) + sum(length + -length % ALIGNMENT for length in sections)


def read(path: Path, head: Head, state: bytes, signature: Signature) -> Planes:
    """Map the planes of one head, after checking header, sizes and checksums.

    Raises
    ------
    PlanesUnusable
        If the file is missing, damaged, of another format or model, or (`PlanesStale`) of another state.
    """
    data, header, table = _map_checked(path)
    if header["state"].tobytes() != state:
        raise PlanesStale(f"{path} is out of date")
    index = signature.heads.index(head)
    listed = [(entry["name"].decode(errors="replace"), int(entry["bits"])) for entry in table]
    if listed != [(known.name, known.bits) for known in signature.heads]:
        raise PlanesUnusable(f"{path} belongs to another model")
    n = int(header["photos"])
    if len(data) != file_bytes(signature.heads, n):
        raise PlanesUnusable(f"{path} has a wrong size")
    entry = table[index]
    rows = _section(path, data, int(header["rows_at"]), 4 * n, int(header["rows_crc"]))
    words = _section(path, data, int(entry["at"]), 8 * n * word_count(head), int(entry["crc"]))
    return Planes(
        head.name,
        head.bits,
        words.view("<u8").astype(np.uint64, copy=False).reshape(word_count(head), n),
        rows.view("<u4").astype(np.uint32, copy=False),
    )


def word_count(head: Head) -> int:
    """64-bit words of one code."""
    return -(-head.bits // bits.WORD_BITS)


def _map_checked(path: Path) -> tuple[npt.NDArray[np.uint8], np.void, npt.NDArray[np.void]]:
    """Map the file and check its header: (bytes, header, table of heads)."""
    try:
        data: npt.NDArray[np.uint8] = np.memmap(path, np.uint8, mode="r")
    except (OSError, ValueError) as error:
        raise PlanesUnusable(f"{path} cannot be read: {error}") from error
    if len(data) < _HEADER.itemsize:
        raise PlanesUnusable(f"{path} is truncated")
    header = data[: _HEADER.itemsize].view(_HEADER)[0]
    if header["magic"] != MAGIC or header["version"] != VERSION:
        raise PlanesUnusable(f"{path} has another format")
    end = _header_bytes(int(header["heads"]))
    if len(data) < end:
        raise PlanesUnusable(f"{path} is truncated")
    without_crc = data[:end].copy()
    without_crc[_HEADER_CRC_OFFSET : _HEADER_CRC_OFFSET + 4] = 0
    if zlib.crc32(without_crc.data) != header["header_crc"]:
        raise PlanesUnusable(f"the header of {path} has a wrong checksum")
    return data, header, data[_HEADER.itemsize : end].view(_HEAD)


def _section(
    path: Path, data: npt.NDArray[np.uint8], start: int, length: int, crc: int
) -> npt.NDArray[np.uint8]:
    """The first `length` bytes of a section; its checksum covers the padding as well."""
    end = start + length + -length % ALIGNMENT
    if end > len(data):
        raise PlanesUnusable(f"{path} is truncated")
    if zlib.crc32(data[start:end].data) != crc:
        raise PlanesUnusable(f"the data of {path} have a wrong checksum")
    return data[start : start + length]
