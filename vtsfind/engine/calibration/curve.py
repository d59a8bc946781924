"""What a radius costs and finds in one library: the measured curve, its confidence bounds, and the radius for a rate.

The curve lies in the library's folder as `calibration.json`: one JSON object with `format` ("vtsfind calibration"),
`version` (1) and the fields of `Curve`; a list has one number for each radius from 0. It is derived: `vtsfind calibrate`
makes it again. A curve of another model than the library's does not count.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Signature
from vtsfind.store.atomic import replace_file
from vtsfind.store.errors import storage_errors
from vtsfind.store.index import Index

NAME: Final = "calibration.json"
FORMAT: Final = "vtsfind calibration"
VERSION: Final = 1
COPY_HEAD: Final = "copy"
"""The head whose codes propose duplicates."""

# Of pairs of different photos, and the radius (in bits of 256) within which no more of them lie: the default model on
# photos that it was not trained on, the smaller of the two halves; docs/results/model.json.
_DEFAULT_MODEL_RADII_BITS: Final = {1e-2: 97, 1e-3: 80, 1e-4: 64}
_DEFAULT_MODEL_BITS: Final = 256
DEFAULT_FALSE_MATCH_RATE: Final = 1e-4
"""False merges in pairs of different photos that a radius may cost if nothing else is asked."""
_Z95: Final = 1.6449
"""Of a normal distribution, 95 % lie below so many deviations."""


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
    """Pairs that were looked at, to tell copies from different photos."""
    unseen: int
    """Pairs drawn for a look whose files could not be read: taken for different photos."""
    edited: int
    """Photos that were edited."""
    edits: int
    """Edits of each photo, of each of the two kinds."""
    rate: tuple[float, ...]
    """Of pairs of different photos, the part within the radius: the false merges if nothing looked at them."""
    at_most: tuple[float, ...]
    """The upper bound of `rate`."""
    bursts: tuple[float, ...]
    """Of pairs taken within an hour of each other, the part within the radius."""
    mild: tuple[float, ...]
    """Of mild edits, the part within the radius of their original."""
    mild_at_least: tuple[float, ...]
    hard: tuple[float, ...]
    hard_at_least: tuple[float, ...]

    def radius_for(self, max_false_match: float) -> int:
        """The largest radius whose rate is, with 95 % confidence, no higher than asked.

        Raises
        ------
        UsageError
            If the sample is too small to promise any radius that rate.
        """
        fitting = [radius for radius, bound in enumerate(self.at_most) if bound <= max_false_match]
        if fitting:
            return fitting[-1]
        raise UsageError(
            f"{self.pairs:,} pairs of photos are too few to promise a rate of {max_false_match:g}:"
            f" the lowest that they can show is {self.at_most[0]:.2g}.",
            "Ask for a higher rate, or calibrate with more photos (--sample)."
            if self.sample < self.photos
            else "Ask for a higher rate: only a larger library can show a lower one.",
        )


def upper_rate(events: float, trials: float, inflation: float = 1.0) -> float:
    """The 95 % upper bound of the rate of rare events.

    Parameters
    ----------
    events
        How many there were; need not be whole.
    trials
        Of how many.
    inflation
        How many times larger the variance of `events` is than if they were independent: pairs that share a photo are
        not. So many trials count as one.

    The bound of a Poisson count by the approximation of Wilson and Hilferty (1931), which is within 1 % from no event
    on: 2.97 where the exact bound is 3.00.

    >>> round(upper_rate(0, 1_000_000) * 1_000_000, 2)
    2.97
    """
    if trials <= 0:
        return 1.0
    count = max(events / inflation, 0.0) + 1
    bound = count * (1 - 1 / (9 * count) + _Z95 / (3 * math.sqrt(count))) ** 3
    return min(1.0, bound * inflation / trials)


def upper_share(share: float, trials: float) -> float:
    """The 95 % upper bound of a share, by the score interval of Wilson (1927); 1 if there were no trials.

    >>> round(upper_share(0.0, 32), 3)
    0.078
    """
    if trials <= 0:
        return 1.0
    spread = _Z95**2 / trials
    root = math.sqrt(spread * (share * (1 - share) + spread / 4))
    return min(1.0, (share + spread / 2 + root) / (1 + spread))


def lower_share(share: float, trials: float) -> float:
    """The 95 % lower bound of a share, see `upper_share`; 0 if there were no trials."""
    return max(0.0, 1 - upper_share(1 - share, trials))


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
        document = json.loads((folder / NAME).read_bytes())
        if document.pop("format") != FORMAT or document.pop("version") != VERSION:
            return None
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}
        curve = Curve(**fields)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    sound = curve.fingerprint == signature.fingerprint and len(curve.rate) == len(curve.at_most) > 0
    return curve if sound else None


def radius_for(
    library_folder: Path, max_false_match: float | None = None, *, signature: Signature | None = None
) -> int:
    """The radius within which at most that part of the pairs of different photos lies.

    Measured on the library itself if it is calibrated, else as measured on other photos with the default model.

    Parameters
    ----------
    library_folder
        Of the library.
    max_false_match
        False merges in pairs of different photos, if nothing looked at them; `DEFAULT_FALSE_MATCH_RATE` if left out.
    signature
        Of the library's model; read from the library if left out.

    Returns
    -------
    Bits of the copy code.

    Raises
    ------
    UsageError
        If the rate is no rate, or lower than what was measured can promise; says what can be done.
    LibraryMissing, LibraryDamaged, LibraryTooNew
        If the library has to be opened and cannot.
    """
    rate = DEFAULT_FALSE_MATCH_RATE if max_false_match is None else max_false_match
    if not 0 < rate <= 1:
        raise UsageError(f"{rate:g} is no rate of false merges.", "Give a number such as 1e-5.")
    if signature is None:
        with Index.open(library_folder) as index:
            signature = index.signature
    curve = read_curve(library_folder, signature)
    if curve:
        return curve.radius_for(rate)
    fitting = [radius for measured, radius in _DEFAULT_MODEL_RADII_BITS.items() if measured <= rate]
    if not fitting:
        raise UsageError(
            f"Without a calibration, no radius can promise a rate of {rate:g}.",
            "Run `vtsfind calibrate`, or ask for 1e-4 or more.",
        )
    return max(fitting) * copy_bits(signature) // _DEFAULT_MODEL_BITS


def copy_bits(signature: Signature) -> int:
    """The length of a model's copy codes.

    Raises
    ------
    UsageError
        If it makes none.
    """
    for head in signature.heads:
        if head.name == COPY_HEAD:
            return head.bits
    raise UsageError(
        f"The model '{signature.model}' of this library makes no codes '{COPY_HEAD}'.",
        "Make a library with the default model: vtsfind index FOLDER --library NAME",
    )


def running_max(values: Sequence[float]) -> tuple[float, ...]:
    """Each value, or an earlier one that is higher: what holds within a radius cannot be less within a larger one."""
    most, result = 0.0, []
    for value in values:
        most = max(most, value)
        result.append(most)
    return tuple(result)
