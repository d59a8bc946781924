"""Measure the false-match rate and the recall of each radius on the library's own photos.

Three things are measured. How near the codes of different photos are: those of a sample are compared with all. Which of the
near pairs are copies, which are no false matches: two shots at different times are no copies, and of the other pairs some
are drawn from each range of distances and verified. Blank frames are left out, since they match by their pixels only,
whatever the radius. How far edits are from their original: photos of the sample are edited, encoded with the library's
model and compared with the library's codes.
"""

import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from vtsfind.base import bits
from vtsfind.base.addresses import Place
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import COPIES
from vtsfind.base.progress import Phase
from vtsfind.base.records import Failure
from vtsfind.base.settings import Settings
from vtsfind.engine.calibration.bounds import lower_share, running_max, upper_rate, upper_share
from vtsfind.engine.context import Context
from vtsfind.engine.decoding import extract_features, job_for, work_pool
from vtsfind.engine.library.access import card_of, open_library
from vtsfind.engine.library.curve import Curve, read_curve, write_curve
from vtsfind.engine.library.heads import COPY_HEAD, copy_head
from vtsfind.find.candidates.hash_codes import MAX_RADIUS_SHARE
from vtsfind.find.hamming.distance import Integers
from vtsfind.find.hamming.distance_histogram import (
    DistanceHistogram,
    Strata,
    TimeRelation,
    distance_histogram,
)
from vtsfind.find.threads import SINGLE_THREADED_BLAS
from vtsfind.find.verification.verify import verify
from vtsfind.media.calibration_edits import MakeEdits
from vtsfind.media.pool import Job, WorkPool
from vtsfind.store.library import Library
from vtsfind.store.rows import FileRecord

DEFAULT_SAMPLE: Final = 2000
DEFAULT_EDITED: Final = 200
MILD_STRENGTH: Final = 0.4
HARD_STRENGTH: Final = 1.0
EDITS_PER_STRENGTH: Final = 3
"""Edits of a photo, of each of the two strengths."""
STRATUM_BITS: Final = 8
PAIRS_PER_STRATUM: Final = 24
"""Pairs of each range of distances, and each kind, that are verified."""
_SEED: Final = 20_26
_MIN_EVENTS_FOR_VARIANCE: Final = 10
"""Events from which on their variance says something."""

NonMatchShares = dict[tuple[TimeRelation, int], tuple[float, float]]
"""Kind and stratum to the share of its pairs that are different photos: as estimated, and at most."""


@dataclass(slots=True)
class Calibration:
    """What was measured, and what could not be read for it."""

    library: Place
    """Where it is."""
    curve: Curve
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _EditDistances:
    photos: int
    mild: npt.NDArray[np.int64]
    """(photos, edits) distances."""
    hard: npt.NDArray[np.int64]


def calibrate(context: Context, *, sample: int = DEFAULT_SAMPLE, edited: int = DEFAULT_EDITED) -> Calibration:
    """Measure the curve of the library that the settings name, and keep it in the library's folder.

    Parameters
    ----------
    context
        Its settings name the library.
    sample
        Photos that are compared with all others; more of them show lower rates.
    edited
        Photos that are edited and encoded.

    Raises
    ------
    UsageError
        If the library's model makes no copy codes, or there are too few photos.
    StorageError
        If the library, its model or its folder cannot be used.
    Cancelled
        If it was stopped; an earlier curve stays.
    """
    if sample < 2 or edited < 1:
        raise UsageError("The samples are too small.", "Compare at least 2 photos, and edit at least 1.")
    with open_library(context.settings) as index:
        work = _CalibrationRun(index, context)
        curve = work.measure(sample, edited)
        write_curve(index.folder, curve)
        return Calibration(index.place, curve, work.failures)


def last_curve(settings: Settings) -> tuple[Place, Curve]:
    """The folder of the library that the settings name, and what was measured there last.

    Raises
    ------
    UsageError
        If the library was not calibrated with its model.
    StorageError
        If the library cannot be used.
    """
    with open_library(settings) as index:
        curve = read_curve(index.folder, index.signature)
        if curve is None:
            raise UsageError(
                f"The library {index.place} has no calibration.", "Run `vtsfind calibrate`, without --show."
            )
        return index.place, curve


class _CalibrationRun:
    """One calibration of an open library."""

    def __init__(self, index: Library, context: Context) -> None:
        self._index = index
        self._context = context
        self._model = context.model_of(index)
        self._bits = copy_head(index.signature).bits
        self._planes = index.planes(COPY_HEAD)
        self._files = index.files_of_rows(self._planes.rows)
        self._verified_pairs = 0
        self._unreadable_pairs = 0
        self.failures: list[Failure] = []

    def measure(self, sample: int, edited: int) -> Curve:
        n = len(self._planes.rows)
        if n < 2:
            raise UsageError(
                f"The library {self._index.place} has too few photos to calibrate: {n}.",
                "Index more photos first: vtsfind index FOLDER",
            )
        card_of(self._index)  # raises before the work if the model is gone
        rng = np.random.default_rng(_SEED)
        chosen = np.sort(rng.choice(n, min(n, sample), replace=False))
        self._context.progress.start(Phase.COMPARE, len(chosen))
        histogram = distance_histogram(
            self._planes.words,
            chosen,
            shot_times_s(self._files),
            limit=min(self._bits, round(MAX_RADIUS_SHARE * self._bits)),
            strata=Strata(STRATUM_BITS, PAIRS_PER_STRATUM, _SEED),
            monitor=self._context,
        )
        with work_pool(self._context.settings) as workers:
            shares = self._non_match_shares(histogram, workers)
            some = np.sort(rng.permutation(chosen)[:edited])
            edits = self._edit_distances(some, workers)
        return self._curve(histogram, shares, edits, len(chosen))

    def _non_match_shares(self, histogram: DistanceHistogram, workers: WorkPool) -> NonMatchShares:
        """Verify the drawn pairs: which share of each stratum are different photos."""
        self._context.progress.start(Phase.CHECK, sum(map(len, histogram.sampled_pairs.values())))
        shares: NonMatchShares = {}
        for key, pairs in histogram.sampled_pairs.items():
            if not len(pairs):
                continue
            unrelated = self._unrelated(pairs, workers)
            share = sum(unrelated) / len(pairs)
            # A stratum that was verified in full leaves nothing open.
            whole = len(pairs) == histogram.sizes[key]
            shares[key] = share, share if whole else upper_share(share, len(pairs))
            self._context.progress.advance(len(pairs))
        return shares

    def _unrelated(self, pairs: Integers, workers: WorkPool) -> list[bool]:
        """Whether each pair (p, 2) is of different photos, none of them blank; one that cannot be read counts as such."""
        columns = [int(column) for column in np.unique(pairs)]
        paths = [self._path(column) for column in columns]
        features_by_column = dict(
            zip(columns, extract_features(workers, paths, self._context.cancel), strict=True)
        )
        unrelated = []
        for first, second in pairs.tolist():
            extracted_pair = features_by_column[first], features_by_column[second]
            if isinstance(extracted_pair[0], Failure) or isinstance(extracted_pair[1], Failure):
                self._unreadable_pairs += 1
                unrelated.append(True)
                continue
            self._verified_pairs += 1
            one, other = extracted_pair[0][0], extracted_pair[1][0]
            with SINGLE_THREADED_BLAS:
                found = verify(one, other)
            blank = one.features.flat or other.features.flat
            unrelated.append(not blank and (found is None or found[0] not in COPIES))
        self.failures += [each for each in features_by_column.values() if isinstance(each, Failure)]
        return unrelated

    def _path(self, column: int) -> bytes:
        """A file of a content: one that is there, if there is any."""
        paths = [record.path for record in self._files[column]]
        return next(filter(os.path.isfile, paths), next(iter(paths), b""))

    def _edit_distances(self, columns: Integers, workers: WorkPool) -> _EditDistances:
        """Edit photos, encode the results, and give how far their codes are from the library's."""
        strengths = (MILD_STRENGTH,) * EDITS_PER_STRENGTH + (HARD_STRENGTH,) * EDITS_PER_STRENGTH
        preprocessing = self._model.preprocessing
        encoder = self._model.encoder(len(columns) * len(strengths))
        self._index.require(encoder.signature)
        self._context.progress.start(Phase.ENCODE, len(columns))
        jobs: list[tuple[int, Job]] = []
        for column in columns.tolist():
            path = self._path(column)
            wanted = job_for(path, MakeEdits(preprocessing, zlib.crc32(path), strengths))
            if isinstance(wanted, Failure):
                self.failures.append(wanted)
            else:
                jobs.append((column, wanted))
        distances = []
        done = workers.done((each for _, each in jobs), self._context.cancel)
        for (column, _), result in zip(jobs, done, strict=True):
            self._context.progress.advance()
            if isinstance(result, Failure):
                self.failures.append(result)
                continue
            assert result.data is not None
            side = preprocessing.size
            codes = encoder.encode(np.frombuffer(result.data, np.uint8).reshape(-1, side, side, 3))
            own = np.ascontiguousarray(self._planes.words[:, column])
            differing = np.bitwise_count(bits.words(codes[COPY_HEAD]) ^ own)
            distances.append(differing.sum(axis=1, dtype=np.int64))
        every = np.array(distances, np.int64).reshape(-1, 2 * EDITS_PER_STRENGTH)
        return _EditDistances(len(every), every[:, :EDITS_PER_STRENGTH], every[:, EDITS_PER_STRENGTH:])

    def _curve(
        self, histogram: DistanceHistogram, shares: NonMatchShares, edits: _EditDistances, sample: int
    ) -> Curve:
        rate, at_most = false_rates(histogram, shares)
        bursts = histogram.counts[TimeRelation.BURST].sum(axis=0).cumsum() / max(histogram.bursts, 1)
        radii = range(histogram.counts.shape[2])
        mild, mild_least = _recall(edits.mild, radii)
        hard, hard_least = _recall(edits.hard, radii)
        return Curve(
            fingerprint=self._index.signature.fingerprint,
            head=COPY_HEAD,
            bits=self._bits,
            made=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            photos=len(self._planes.rows),
            sample=sample,
            pairs=round(histogram.pairs * histogram.distinct_share),
            near_in_time=round(histogram.bursts * histogram.distinct_share),
            looked=self._verified_pairs,
            unseen=self._unreadable_pairs,
            edited=edits.photos,
            edits=EDITS_PER_STRENGTH,
            rate=rate,
            at_most=at_most,
            bursts=tuple(map(float, bursts)),
            mild=mild,
            mild_at_least=mild_least,
            hard=hard,
            hard_at_least=hard_least,
        )


def false_rates(
    histogram: DistanceHistogram, shares: NonMatchShares
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The share of the pairs of different photos within each radius, as estimated, and its upper bound.

    Pairs that share a photo are not independent: a photo of a blank wall is near to many. So the counts of the single
    photos show how much more they vary than independent ones would, and the bound is as much wider.
    """
    radii = histogram.counts.shape[2]
    weights = np.ones((2, len(TimeRelation), radii))
    for (kind, stratum), (share, most) in shares.items():
        span = slice(stratum * STRATUM_BITS, (stratum + 1) * STRATUM_BITS)
        weights[0, kind, span], weights[1, kind, span] = share, most
    by_photo = np.einsum("ksd,kd->sd", histogram.counts, weights[0]).cumsum(axis=1)
    most = np.einsum("ksd,kd->d", histogram.counts, weights[1]).cumsum() * histogram.distinct_share
    trials = histogram.pairs * histogram.distinct_share
    inflation = _inflation(by_photo)
    rate = by_photo.sum(axis=0) * histogram.distinct_share / max(trials, 1)
    at_most = [upper_rate(float(most[r]), trials, float(inflation[r])) for r in range(radii)]
    return tuple(map(float, rate)), running_max(at_most)


def _inflation(by_photo: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How many times the counts (s, d) of single photos vary as much as independent events would, at least once.

    Where there are too few events, as for the next larger radius with enough.
    """
    events, mean = by_photo.sum(axis=0), by_photo.mean(axis=0)
    ratio: npt.NDArray[np.float64] = np.maximum(1.0, by_photo.var(axis=0) / np.where(mean > 0, mean, 1.0))
    enough = np.flatnonzero(events >= _MIN_EVENTS_FOR_VARIANCE)
    if len(enough):
        ratio[: enough[0]] = ratio[enough[0]]
    return ratio


def _recall(
    distances: npt.NDArray[np.int64], radii: Sequence[int]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The part of edits within each radius, and its lower bound, for which the edits of one photo count as one."""
    photos = len(distances)
    shares = [float((distances <= radius).mean()) if photos else 0.0 for radius in radii]
    return tuple(shares), tuple(lower_share(share, photos) for share in shares)


def shot_times_s(files: Sequence[Sequence[FileRecord]]) -> npt.NDArray[np.int64]:
    """The time of the shot of each content, in seconds on one scale; -1 where it is unknown."""

    @cache
    def seconds(taken: str) -> int:
        return int(datetime.fromisoformat(taken).replace(tzinfo=UTC).timestamp()) + (1 << 40)

    taken = [records[0].info.taken if records else None for records in files]
    return np.array([seconds(each) if each else -1 for each in taken], np.int64)
