"""Undo records as JSON, in the journal."""

import base64
from collections.abc import Mapping
from typing import Any

from vtsfind.base.operations import Metadata, UndoRecord
from vtsfind.base.paths import exact_path_fields, path_from_fields

_PATH_FIELDS = ("place", "record", "place_mount", "aside", "back")


def undo_record_to_json(undo_record: UndoRecord) -> dict[str, Any]:
    """Encode the non-empty fields of an undo record."""
    record: dict[str, Any] = {
        "inode": undo_record.inode,
        **exact_path_fields(undo_record.mount, "mount"),
        "volume": undo_record.volume,
    }
    for name in _PATH_FIELDS:
        path = getattr(undo_record, name)
        record |= {} if path is None else exact_path_fields(path, name)
    if undo_record.place_volume:
        record["place_volume"] = undo_record.place_volume
    if undo_record.made:
        record["made"] = [exact_path_fields(path) for path in undo_record.made]
    if undo_record.metadata is not None:
        record["metadata"] = _metadata_record(undo_record.metadata)
    return record


def undo_record_from_json(record: Mapping[str, Any]) -> UndoRecord:
    """Decode what `undo_record_to_json` encoded.

    Raises
    ------
    KeyError, ValueError, TypeError
        For anything else.
    """
    return UndoRecord(
        int(record["inode"]),
        path_from_fields(record, "mount") or b"",
        int(record["volume"]),
        path_from_fields(record, "place"),
        path_from_fields(record, "record"),
        path_from_fields(record, "place_mount"),
        int(record.get("place_volume", 0)),
        path_from_fields(record, "aside"),
        tuple(path for part in record.get("made", ()) if (path := path_from_fields(part)) is not None),
        path_from_fields(record, "back"),
        _metadata_of(record["metadata"]) if "metadata" in record else None,
    )


def _metadata_record(metadata: Metadata) -> dict[str, Any]:
    return {
        "mode": metadata.mode,
        "uid": metadata.uid,
        "gid": metadata.gid,
        "atime_ns": metadata.atime_ns,
        "mtime_ns": metadata.mtime_ns,
        "attributes_b64": {
            name: base64.b64encode(value).decode() for name, value in metadata.attributes.items()
        },
    }


def _metadata_of(record: Mapping[str, Any]) -> Metadata:
    mode, uid, gid, atime_ns, mtime_ns = (
        int(record[name]) for name in ("mode", "uid", "gid", "atime_ns", "mtime_ns")
    )
    attributes = {
        str(name): base64.b64decode(value) for name, value in record.get("attributes_b64", {}).items()
    }
    return Metadata(mode, uid, gid, atime_ns, mtime_ns, attributes)
