"""What a decoding process answers, and how that crosses to its parent, which decodes nothing itself and loads no decoder.

An answer consists of two little-endian 32-bit numbers, the lengths of a JSON object and of the data, and then these two. Answers are
not pickled, because a process that decodes hostile files must not create objects in the parent.
"""

import json
import struct
from dataclasses import asdict, astuple, dataclass
from typing import Any, BinaryIO

from vtsfind.base.records import PictureInfo, Reason, Stamp

ANSWER_HEADER = struct.Struct("<II")
"""The lengths of the JSON object and of the data."""


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The result of reading a file: the reason of a failure, or a digest, with the result of the processor if it is new."""

    stamp: Stamp | None = None
    """Of the file when it was read; None if it could not be opened."""
    reason: Reason | None = None
    detail: str = ""
    digest: bytes | None = None
    """SHA-256, 32 bytes."""
    info: PictureInfo | None = None
    """None if the content was known."""
    data: bytes | bytearray | None = None
    """The result of the processor; None if the content was known."""


def send(stream: BinaryIO, message: dict[str, Any], payload: bytes | bytearray) -> None:
    """Write one answer."""
    text = json.dumps(message).encode()
    data = memoryview(ANSWER_HEADER.pack(len(text), len(payload)) + text + payload)
    while data:
        data = data[stream.write(data) :]


def as_json(reading: ReadResult) -> dict[str, Any]:
    """Encode everything of a result except its data."""
    return {
        "stamp": reading.stamp and astuple(reading.stamp),
        "reason": reading.reason,
        "detail": reading.detail,
        "digest": reading.digest and reading.digest.hex(),
        "info": reading.info and asdict(reading.info),
    }


def from_json(message: dict[str, Any], payload: bytearray | None) -> ReadResult:
    """Decode what `as_json` encoded."""
    stamp, reason, digest, info = (message[key] for key in ("stamp", "reason", "digest", "info"))
    return ReadResult(
        stamp=Stamp(*stamp) if stamp else None,
        reason=Reason(reason) if reason else None,
        detail=str(message["detail"]),
        digest=bytes.fromhex(digest) if digest else None,
        info=PictureInfo(**info) if info else None,
        data=payload,
    )
