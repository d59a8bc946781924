"""Quality details and features of a photo as the bytes that are cached of it.

They are the length of the details, uint32; the details as JSON; the features.
"""

import json
import struct

from vtsfind.base.quality import Details
from vtsfind.find.features.features import Features

_DETAILS_LENGTH = struct.Struct("<I")


def pack(details: Details, found: Features) -> bytes:
    """Write details and features as bytes."""
    text = json.dumps(details.to_record()).encode()
    return _DETAILS_LENGTH.pack(len(text)) + text + found.to_bytes()


def unpack(data: bytes | bytearray) -> tuple[Details, Features]:
    """Undo `pack`.

    Raises
    ------
    ValueError
        If it is anything else, or of another version.
    """
    return details_of(data), Features.from_bytes(bytes(data[_features_start(data) :]))


def details_of(data: bytes | bytearray) -> Details:
    """The details alone, see `unpack`."""
    record = json.loads(bytes(data[_DETAILS_LENGTH.size : _features_start(data)]))
    return Details.from_record(record)


def _features_start(data: bytes | bytearray) -> int:
    if len(data) < _DETAILS_LENGTH.size:
        raise ValueError("the features are cut short")
    length: int = _DETAILS_LENGTH.unpack_from(data)[0]
    return _DETAILS_LENGTH.size + length
