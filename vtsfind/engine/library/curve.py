"""The false-match curve of one library: what a radius costs and finds, as `vtsfind calibrate` measured it.

The curve lies in the library's folder as `calibration.json`: one JSON object with `format` ("vtsfind calibration"),
`version` (1) and the fields of `Curve`; a list has one number for each radius from 0. It is derived: `vtsfind calibrate`
makes it again. A curve of another model than the library's does not count.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vtsfind.base.errors import UsageError
from vtsfind.base.files import MAX_SETTINGS_BYTES, read_bounded
from vtsfind.base.records import Signature
from vtsfind.base.words import counted
from vtsfind.store.atomic import replace_file
from vtsfind.store.errors import storage_errors

NAME: Final = "calibration.json"
FORMAT: Final = "vtsfind calibration"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Curve:
    """What was measured on one library. Bounds are one-sided, of 95 % each."""

    fingerprint: str
    """Of the model whose codes were compared."""
    head: str
    bits: int
    made: str
    """When, in UTC, `YYYY-MM-DDTHH:MM:SSZ`."""
    photos: int
    """Contents of the library at that time."""
    sample: int
    """Photos that were compared with all."""
    pairs: int
    """Pairs of photos that were compared."""
    near_in_time: int
    """Pairs of those that were taken within an hour of each other."""
    looked: int
    """Pairs that were verified, to tell copies from different photos."""
    unseen: int
    """Pairs to be verified whose files could not be read: counted as different photos."""
    edited: int
    """Photos that were edited."""
    edits: int
    """Edits of each photo, of each of the two kinds."""
    rate: tuple[float, ...]
    """Share of the pairs of different photos within the radius: the false-match rate of codes alone."""
    at_most: tuple[float, ...]
    """The upper bound of `rate`."""
    bursts: tuple[float, ...]
    """Of pairs taken within an hour of each other, the part within the radius."""
    mild: tuple[float, ...]
    """Of mild edits, the part within the radius of their original."""
    mild_at_least: tuple[float, ...]
    hard: tuple[float, ...]
    hard_at_least: tuple[float, ...]

    def radius_for(self, false_match_rate: float) -> int:
        """The largest radius whose rate is, with 95 % confidence, no higher than asked.

        Raises
        ------
        UsageError
            If the sample is too small to promise that rate for any radius.
        """
        fitting = [radius for radius, bound in enumerate(self.at_most) if bound <= false_match_rate]
        if fitting:
            return fitting[-1]
        raise UsageError(
            f"By {counted(self.pairs, 'pair')} of photos no rate of {false_match_rate:g} can be promised:"
            f" the lowest rate that they can show is {self.at_most[0]:.2g}.",
            "Ask for a higher rate, or calibrate with more photos (--sample)."
            if self.sample < self.photos
            else "Ask for a higher rate; only a larger library can show a lower one.",
        )


def write_curve(folder: Path, curve: Curve) -> None:
    """Put a curve into a library's folder, in place of an earlier one.

    Raises
    ------
    DiskFull, StorageError
        If it cannot be written; the earlier one stays.
    """
    document = {"format": FORMAT, "version": VERSION, **asdict(curve)}
    rounded = {
        name: [float(f"{each:.9g}") for each in value] if isinstance(value, tuple) else value
        for name, value in document.items()
    }
    with storage_errors(folder):
        replace_file(folder / NAME, json.dumps(rounded).encode() + b"\n")


def read_curve(folder: Path, signature: Signature) -> Curve | None:
    """The curve of a library with codes of that model; None if there is none, or it cannot be read."""
    try:
        document = json.loads(read_bounded(folder / NAME, MAX_SETTINGS_BYTES))
        if document.pop("format") != FORMAT or document.pop("version") != VERSION:
            return None
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}
        curve = Curve(**fields)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    sound = curve.fingerprint == signature.fingerprint and len(curve.rate) == len(curve.at_most) > 0
    return curve if sound else None
