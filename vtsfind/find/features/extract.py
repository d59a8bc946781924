"""Extract from one read of a photo all that verification and the keep policy need; done by a worker process.

The result is bytes: the length of the quality details, uint32; the details as JSON; the features.
"""

import json
import struct
from dataclasses import dataclass

from vtsfind.base.quality import Details
from vtsfind.find.features.features import Features, features, features_without_local
from vtsfind.media.quality import examine
from vtsfind.media.work import Content, ProcessedContent, Setup

MIN_SIDE_PX = 384
"""Pixels of the shorter side that are decoded: more than the features are computed on, whatever the picture's shape."""
_DETAILS_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class ExtractFeatures:
    """Extract the features and quality details of a photo; see `vtsfind.media.work.ContentProcessor` and `unpack`."""

    full: bool = False
    """Whether to decode at full size, for the digest of the pixels and for signs of an enlarged picture."""
    local: bool = True
    """Whether to extract its local features at once."""

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """Do it."""
        examined = examine(content, setup, shortest=MIN_SIDE_PX, full=self.full)
        found = features(examined.pixels) if self.local else features_without_local(examined.pixels)
        return ProcessedContent(examined.info, pack(examined.details, found))


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
