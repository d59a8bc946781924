"""How values become columns of the database and come back."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base.records import Head, PictureInfo, Reason, Signature, Stamp
from vtsfind.store.planes import code_bytes

_TWO_POW_64 = 1 << 64


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that the library holds a code of."""

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
    """Undo `signature_text`; None for anything else."""
    try:
        stored = json.loads(text)
        heads = tuple(Head(str(head["name"]), int(head["bits"])) for head in stored["heads"])
        return Signature(str(stored["model"]), str(stored["fingerprint"]), heads)
    except (TypeError, ValueError, KeyError):
        return None


def signed(number: int) -> int:
    """An integer modulo 2^64 as SQLite holds it: -2^63 to 2^63 - 1."""
    number %= _TWO_POW_64
    return number - _TWO_POW_64 if number >= _TWO_POW_64 // 2 else number


def unsigned(number: int) -> int:
    """Undo `signed` for a number that was not negative."""
    return number % _TWO_POW_64


def text(value: str) -> str:
    """Text that any database takes: what is no Unicode text is written as escapes."""
    return value.encode("utf-8", "backslashreplace").decode()


def row_crc(digest: bytes, codes: bytes) -> int:
    """The checksum of a row of `contents`."""
    return zlib.crc32(codes, zlib.crc32(digest))


def is_content_intact(digest: object, codes: object, crc: object, length: int) -> bool:
    """Whether a row of `contents` has codes of that length and its checksum."""
    if not isinstance(digest, bytes) or not isinstance(codes, bytes):
        return False
    return len(codes) == length and row_crc(digest, codes) == crc


def join_codes(heads: Iterable[Head], codes: dict[str, npt.NDArray[np.uint8]]) -> bytes:
    """Put the packed codes of all heads side by side, as they are stored.

    Raises
    ------
    ValueError
        If a head is missing or its code has another shape or type than the model says.
    """
    parts = []
    for head in heads:
        code = codes.get(head.name)
        if code is None or code.dtype != np.uint8 or code.shape != (code_bytes(head),):
            raise ValueError(f"head {head.name!r} needs a code of shape ({code_bytes(head)},) and type uint8")
        parts.append(code.tobytes())
    return b"".join(parts)


def split_codes(heads: Iterable[Head], codes: bytes) -> dict[str, npt.NDArray[np.uint8]]:
    """Undo `join_codes`; the arrays are read-only."""
    split = {}
    start = 0
    for head in heads:
        split[head.name] = np.frombuffer(codes, np.uint8, code_bytes(head), start)
        start += code_bytes(head)
    return split


def reason_of(stored: str) -> Reason:
    """A reason as it is stored; one that this version does not know is `UNREADABLE`."""
    try:
        return Reason(stored)
    except ValueError:
        return Reason.UNREADABLE


def stamp_of(size: int | None, mtime_ns: int | None, inode: int | None) -> Stamp | None:
    """The stamp in a row of `files`, None if none was seen."""
    if size is None or mtime_ns is None or inode is None:
        return None
    return Stamp(size, mtime_ns, unsigned(inode))
