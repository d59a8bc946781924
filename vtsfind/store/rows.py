"""Conversion between values and columns of the database."""

import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base.records import Head, PictureInfo, Reason, Signature, Stamp
from vtsfind.store.planes import code_bytes

_TWO_POW_64 = 1 << 64
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
MAX_DIGESTS_OF_SIZE = 16
"""How many contents of one size are named at once. Photos of equal size are rare but in formats without compression, where
naming all of them for each file would take ever longer."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file whose codes are in the library."""

    path: bytes
    stamp: Stamp
    digest: bytes
    """SHA-256 of the content, 32 bytes."""
    info: PictureInfo


def signature_text(signature: Signature) -> str:
    """A signature as JSON."""
    heads = [{"name": head.name, "bits": head.bits} for head in signature.heads]
    return json.dumps({"model": signature.model, "fingerprint": signature.fingerprint, "heads": heads})


def signature_of(text: str) -> Signature | None:
    """Decode what `signature_text` encoded; None for anything else."""
    try:
        stored = json.loads(text)
        heads = tuple(Head(str(head["name"]), int(head["bits"])) for head in stored["heads"])
        return Signature(str(stored["model"]), str(stored["fingerprint"]), heads)
    except (TypeError, ValueError, KeyError):
        return None


def signed(number: int) -> int:
    """An integer modulo 2^64 in the range of SQLite's integers: -2^63 to 2^63 - 1."""
    number %= _TWO_POW_64
    return number - _TWO_POW_64 if number >= _TWO_POW_64 // 2 else number


def unsigned(number: int) -> int:
    """The inverse of `signed` for a number that was not negative."""
    return number % _TWO_POW_64


def text(value: str) -> str:
    """Make text valid UTF-8: lone surrogates are escaped."""
    return value.encode("utf-8", "backslashreplace").decode()


def storable(value: str) -> str:
    """Text as every kind of library can hold it: a server's cannot hold NUL."""
    return value.replace("\0", "\\x00")


Facts = tuple[int, int, int, int, str | None, str, str | None]
"""What else a row of `contents` says: size, width, height, orientation, taken, format, camera."""


def facts_of(size: int, info: PictureInfo, text: Callable[[str], str]) -> Facts:
    """The facts about a content; `text` makes text storable."""
    taken, camera = (None if each is None else text(each) for each in (info.taken, info.camera))
    return signed(size), info.width, info.height, info.orientation, taken, text(info.format), camera


def row_crc(version: int, digest: bytes, codes: bytes, facts: Facts) -> int:
    """The checksum of a row of `contents` in a database of that version."""
    crc = zlib.crc32(codes, zlib.crc32(digest))
    if version == 1:
        return crc
    # A camera that nobody has looked for leaves the checksum of format 2.
    said = facts if facts[-1] is not None else facts[:-1]
    return zlib.crc32(_ENCODE(said).encode(), crc)


def is_row_intact(version: int, digest: object, codes: object, crc: object, facts: Facts) -> bool:
    """Whether a row of `contents` has the right checksum."""
    if not isinstance(digest, bytes) or not isinstance(codes, bytes):
        return False
    try:
        return row_crc(version, digest, codes, facts) == crc
    except (TypeError, UnicodeEncodeError):  # no value that was ever written
        return False


def join_codes(heads: Iterable[Head], codes: dict[str, npt.NDArray[np.uint8]]) -> bytes:
    """Concatenate the packed codes of all heads, as they are stored.

    Raises
    ------
    ValueError
        If a head is missing, or its code has a wrong shape or type.
    """
    parts = []
    for head in heads:
        code = codes.get(head.name)
        if code is None or code.dtype != np.uint8 or code.shape != (code_bytes(head),):
            raise ValueError(f"head {head.name!r} needs a code of shape ({code_bytes(head)},) and type uint8")
        parts.append(code.tobytes())
    return b"".join(parts)


def split_codes(heads: Iterable[Head], codes: bytes) -> dict[str, npt.NDArray[np.uint8]]:
    """The inverse of `join_codes`; the arrays are read-only."""
    split = {}
    start = 0
    for head in heads:
        split[head.name] = np.frombuffer(codes, np.uint8, code_bytes(head), start)
        start += code_bytes(head)
    return split


def reason_of(stored: str) -> Reason:
    """Decode a stored reason; an unknown one becomes `UNREADABLE`."""
    try:
        return Reason(stored)
    except ValueError:
        return Reason.UNREADABLE


def stamp_of(size: int | None, mtime_ns: int | None, inode: int | None) -> Stamp | None:
    """The stamp in a row of `files`; None if the file could not be examined."""
    if size is None or mtime_ns is None or inode is None:
        return None
    return Stamp(size, mtime_ns, unsigned(inode))
