"""Retrieval metrics of codes, from the numbers of images at each Hamming distance of a query.

A retrieved image is relevant when it shares a label with the query. Everything here except the ranks of one given order
follows from two histograms for each query over the distances 0 to k: all images, and relevant images (`Histograms`).

**Average precision.** Of the first `top` images, with hits at positions P_1 < P_2 < ... < P_n, it is the mean of i / P_i.
The hashing literature divides by n, the hits among the first `top` (0 if there are none): `map_hash`. The textbook
divides by min(`top`, relevant images in the database): `map_ir`. Without a `top` the two are equal.

**Ties.** Codes of k bits have k + 1 distances, so most images are tied with others, and their order, which depends on nothing
in the codes, changes the result by points. Reported are the exact expectation over all orders, and the
best and the worst order. With s images and R relevant ones before a bucket of m images, r of them relevant, of which the
first t are within `top`, x of these t being relevant, and dH = 1/(s+1) + ... + 1/(s+t), the bucket adds to the sum of i / P_i

    expected    (x / t) * ((R + 1) * dH + (x - 1) / (t - 1) * (t - (s + 1) * dH))
    best        x - (s - R) * (1/(s+1) + ... + 1/(s+x))
    worst       x - (s + t - x - R) * (1/(s+t-x+1) + ... + 1/(s+t))

A bucket that lies within `top` has t = m and x = r. In the one that `top` cuts, x is hypergeometric, and `map_hash` divides
by R + x, so that the mean over x is taken of the whole quotient.

All computations are NumPy on packed codes and labels, for a few queries at a time, so that memory does not grow with
their number. Axis letters: q queries, n images of the database, k bits, c labels, b bytes, w words, v words of labels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vtsfind.base import bits as code_bits
from vtsfind.base.errors import UsageError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Divisor = Literal["hits", "possible"]
"""What the sum of i / P_i is divided by: the hits found (`map_hash`), or those that could be (`map_ir`)."""

TieOrder = Literal["row", "numpy"]
"""One order of tied images, see `ranked_precision`."""

_PAIRS_PER_BLOCK = 1 << 18
_MAX_TABULATED = 16


@dataclass(frozen=True, slots=True)
class LabelledCodes:
    """Codes and labels of some images, packed."""

    planes: npt.NDArray[np.uint64]
    """(w, n), see `vtsfind.base.bits`."""
    labels: npt.NDArray[np.uint64]
    """(v, n): labels, laid out as codes are."""
    bits: int
    classes: int

    def __len__(self) -> int:
        """Return the number of images."""
        return int(self.planes.shape[1])


def labelled_codes(codes: npt.NDArray[np.uint8], labels: npt.ArrayLike, *, bits: int) -> LabelledCodes:
    """Put codes and labels together for the measures of this module.

    Parameters
    ----------
    codes
        (n, b) uint8, packed.
    labels
        (n, c): above 0 where the image is of the class.
    bits
        k.

    Raises
    ------
    UsageError
        When there are no images, or the shapes do not fit.
    """
    table = np.asarray(labels)
    if codes.ndim != 2 or table.ndim != 2 or len(codes) != len(table) or codes.shape[1] != -(-bits // 8):
        raise UsageError(
            f"Codes of shape {codes.shape} and labels of shape {table.shape} do not fit {bits} bits.",
            "Give one packed code and one row of labels for each image.",
        )
    if not len(codes):
        raise UsageError("There are no images to measure.", "Give queries and a database.")
    packed = np.packbits(table > 0, axis=1)
    return LabelledCodes(code_bits.planes(codes), code_bits.planes(packed), bits, table.shape[1])


@dataclass(frozen=True, slots=True)
class Histograms:
    """What lies at each distance of each query."""

    items: Integers
    """(q, k + 1): images."""
    relevant: Integers
    """(q, k + 1): relevant images among them."""

    @property
    def size(self) -> int:
        """Images of the database."""
        return int(self.items[0].sum())


def histograms(queries: LabelledCodes, database: LabelledCodes) -> Histograms:
    """Count images and relevant images at each distance of each query.

    Raises
    ------
    UsageError
        When the bits or the labels of queries and database differ.
    """
    bins = 2 * (queries.bits + 1)
    counts = np.empty((len(queries), bins), np.int64)
    for first, distances, relevant in _blocks(queries, database):
        keys = 2 * distances.astype(np.int64) + relevant
        keys += bins * np.arange(len(keys))[:, None]
        counts[first : first + len(keys)] = np.bincount(keys.ravel(), minlength=bins * len(keys)).reshape(
            -1, bins
        )
    relevant_counts = counts[:, 1::2].copy()
    return Histograms(counts[:, ::2] + relevant_counts, relevant_counts)


def _blocks(
    queries: LabelledCodes, database: LabelledCodes
) -> Iterator[tuple[int, npt.NDArray[np.uint16], npt.NDArray[np.bool_]]]:
    """Yield the place, the distances and the relevances of a few queries at a time, (some, n)."""
    if (queries.bits, queries.classes) != (database.bits, database.classes):
        raise UsageError(
            f"The queries have {queries.bits} bits and {queries.classes} labels, the database "
            f"{database.bits} and {database.classes}.",
            "Take both from one model and one data set.",
        )
    step = max(1, _PAIRS_PER_BLOCK // len(database))
    for first in range(0, len(queries), step):
        block = slice(first, first + step)
        shape = queries.planes[0, block].size, len(database)
        distances, relevant = np.zeros(shape, np.uint16), np.zeros(shape, np.bool_)
        for query_word, database_word in zip(queries.planes, database.planes, strict=True):
            distances += np.bitwise_count(query_word[block, None] ^ database_word)
        for query_word, database_word in zip(queries.labels, database.labels, strict=True):
            relevant |= (query_word[block, None] & database_word) != 0
        yield first, distances, relevant


@dataclass(frozen=True, slots=True)
class AveragePrecisions:
    """Average precision of each query over all orders of tied images, each (q,)."""

    expected: Floats
    best: Floats
    worst: Floats


def average_precision(
    counts: Histograms, *, top: int | None = None, divisor: Divisor = "hits"
) -> AveragePrecisions:
    """Return the average precision of each query: expectation, best and worst over the orders of tied images.

    Parameters
    ----------
    counts
        See `histograms`.
    top
        How many images count; all by default.
    divisor
        See `Divisor`.

    Raises
    ------
    UsageError
        When `top` is not positive.
    """
    top = _effective_top(top, counts.size)
    whole = _whole_buckets(counts)
    inside = np.cumsum(counts.items, axis=1) <= top
    sums = [np.where(inside, sum_, 0.0).sum(axis=1) for sum_ in whole]
    hits = np.where(inside, counts.relevant, 0).sum(axis=1)
    possible = np.minimum(counts.relevant.sum(axis=1), top)
    results = np.empty((3, len(hits)))
    for query, bucket in enumerate(inside.sum(axis=1)):
        so_far = np.array([sum_[query] for sum_ in sums])
        cut = _cut_bucket(counts, query, int(bucket), top)
        divisors = cut.found + hits[query] if divisor == "hits" else np.full(1, possible[query])
        quotients = (so_far[:, None] + cut.sums) / np.maximum(divisors, 1)
        results[:, query] = quotients[0] @ cut.probabilities, quotients[1].max(), quotients[2].min()
    return AveragePrecisions(*results)


def map_hash(counts: Histograms, top: int | None = None) -> tuple[float, float, float]:
    """Mean average precision as the hashing literature has it: expected, best and worst, in 0..1."""
    return _mean_scores(average_precision(counts, top=top, divisor="hits"))


def map_ir(counts: Histograms, top: int | None = None) -> tuple[float, float, float]:
    """Mean average precision as textbooks have it: expected, best and worst, in 0..1."""
    return _mean_scores(average_precision(counts, top=top, divisor="possible"))


def _mean_scores(tied: AveragePrecisions) -> tuple[float, float, float]:
    return float(tied.expected.mean()), float(tied.best.mean()), float(tied.worst.mean())


def _effective_top(top: int | None, size: int) -> int:
    if top is not None and top < 1:
        raise UsageError(f"The first {top} images cannot be measured.", "Give a number of at least 1.")
    return size if top is None else min(top, size)


def _whole_buckets(counts: Histograms) -> tuple[Floats, Floats, Floats]:
    """Return what each bucket, taken whole, adds to the sum of i / P_i: expected, best, worst, each (q, k + 1)."""
    before = np.cumsum(counts.items, axis=1) - counts.items
    relevant_before = np.cumsum(counts.relevant, axis=1) - counts.relevant
    return _bucket_sums(before, relevant_before, counts.items, counts.relevant)


def _bucket_sums(
    s: Integers, relevant_before: Integers, t: Integers, x: Integers
) -> tuple[Floats, Floats, Floats]:
    """Return the three sums of the module's text, for arrays of one shape; `relevant_before` is R."""
    gap = _harmonic_gap(s, t)
    pairs = np.where(t > 1, (x - 1) / np.maximum(t - 1, 1), 0.0)
    expected = x / np.maximum(t, 1) * ((relevant_before + 1) * gap + pairs * (t - (s + 1) * gap))
    best = x - (s - relevant_before) * _harmonic_gap(s, x)
    worst = x - (s + t - x - relevant_before) * _harmonic_gap(s + t - x, x)
    return expected, best, worst


@dataclass(frozen=True, slots=True)
class _CutBucket:
    """The bucket that the end of the ranking cuts, for each number of relevant images before the cut."""

    found: Integers
    """(x,): numbers of relevant images that can be before the cut."""
    probabilities: Floats
    """(x,): their probabilities."""
    sums: Floats
    """(3, x): expected, best and worst sum of i / P_i."""


def _cut_bucket(counts: Histograms, query: int, bucket: int, top: int) -> _CutBucket:
    s, relevant_before = (int(of[query, :bucket].sum()) for of in (counts.items, counts.relevant))
    t = top - s
    if t == 0:
        return _CutBucket(np.zeros(1, np.int64), np.ones(1), np.zeros((3, 1)))
    m, r = int(counts.items[query, bucket]), int(counts.relevant[query, bucket])
    found = np.arange(max(0, t - (m - r)), min(t, r) + 1)
    same = np.ones_like(found)
    return _CutBucket(
        found,
        _hypergeometric(found, m, r, t),
        np.stack(_bucket_sums(s * same, relevant_before * same, t * same, found)),
    )


def _hypergeometric(x: Integers, m: int, r: int, t: int) -> Floats:
    """Return the chances that t of m images, r of them relevant, hold x relevant ones, for all possible x in order."""
    # From the likeliest x outwards, chances only shrink, so that rounding does not add up.
    middle = int(np.clip((t + 1) * (r + 1) // (m + 2), x[0], x[-1])) - int(x[0])
    lower = x[:-1].astype(np.float64)
    ratios = (r - lower) * (t - lower) / ((lower + 1) * (m - r - t + lower + 1))
    up = np.cumprod(ratios[middle:])
    down = np.cumprod(1 / ratios[:middle][::-1])[::-1]
    probabilities: Floats = np.concatenate([down, [1.0], up])
    probabilities /= probabilities.sum()
    return probabilities


def _harmonic_gap(s: Integers, x: Integers) -> Floats:
    """Give 1/(s+1) + ... + 1/(s+x) to full relative precision, where the difference of harmonic numbers loses it."""
    table = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, _MAX_TABULATED + 1))])
    end = s + x
    a, b = (np.maximum(of, _MAX_TABULATED).astype(np.float64) for of in (s, end))
    tabled = table[np.minimum(end, _MAX_TABULATED)] - table[np.minimum(s, _MAX_TABULATED)]
    # Euler and Maclaurin: H(n) = log n + constant + 1/2n - 1/12n^2 + 1/120n^4 - ...
    rest: Floats = np.log1p((b - a) / a) + (1 / b - 1 / a) / 2
    for power, term in (
        (2, -1 / 12),
        (4, 1 / 120),
        (6, -1 / 252),
        (8, 1 / 240),
        (10, -1 / 132),
        (12, 691 / 32760),
    ):
        rest += term * (b**-power - a**-power)
    rest += tabled
    return rest


def ranked_precision(
    queries: LabelledCodes,
    database: LabelledCodes,
    *,
    top: int | None = None,
    ties: TieOrder = "row",
    divisor: Divisor = "hits",
) -> Floats:
    """Return the average precision of each query in one order of tied images.

    Parameters
    ----------
    queries, database
        See `labelled_codes`.
    top
        How many images count; all by default.
    ties
        `row` puts tied images in the database's order, as searching does. `numpy` sorts as the published code does,
        with NumPy's default sort of float32 distances, whose order of ties depends on NumPy and the processor.
    divisor
        See `Divisor`.

    Returns
    -------
    (q,) float64.
    """
    top = _effective_top(top, len(database))
    result = np.zeros(len(queries))
    for first, distances, relevant in _blocks(queries, database):
        for place, (of_query, wanted) in enumerate(zip(distances, relevant, strict=True)):
            if ties == "row":
                order = np.argsort(of_query, kind="stable")
            else:
                order = np.argsort(of_query.astype(np.float32))
            positions = np.flatnonzero(wanted[order[:top]]) + 1
            found = len(positions)
            divided_by = found if divisor == "hits" else min(top, int(wanted.sum()))
            if found:
                result[first + place] = (np.arange(1, found + 1) / positions).sum() / divided_by
    return result


def published_top(top: int, size: int) -> int:
    """Return how many images count in the published code when it is told `top`: its -1, for all, drops the last one."""
    return size - 1 if top == -1 else top


def precision_recall(counts: Histograms, cutoffs: Sequence[int]) -> tuple[Floats, Floats]:
    """Return the expected precision and recall among the first images, averaged over all queries.

    A query without any relevant image counts 0 in both.

    Parameters
    ----------
    counts
        See `histograms`.
    cutoffs
        How many of the first images, for each point; more than there are count as all.

    Returns
    -------
    Precision and recall, each (len(tops),).
    """
    after = np.cumsum(counts.items, axis=1)
    total = np.maximum(counts.relevant.sum(axis=1), 1)
    points = []
    for wanted in cutoffs:
        top = _effective_top(wanted, counts.size)
        within = np.clip(top - (after - counts.items), 0, counts.items)
        hits = (counts.relevant * within / np.maximum(counts.items, 1)).sum(axis=1)
        points.append(((hits / top).mean(), (hits / total).mean()))
    precision, recall = np.array(points).reshape(-1, 2).T
    return precision, recall


@dataclass(frozen=True, slots=True)
class ScoresByRadius:
    """Means over all queries of what lies within each radius 0 to k, each (k + 1,)."""

    precision: Floats
    """Relevant images among those within the radius; 0 for a query with none there."""
    recall: Floats
    """Relevant images within the radius among all relevant ones; 0 for a query without any."""
    map: Floats
    """Average precision of the images within the radius, expected over ties, per hit; 0 without a hit."""


def within_radius(counts: Histograms) -> ScoresByRadius:
    """Return precision, recall and mean average precision within every Hamming radius, the radius included."""
    items, hits = (np.cumsum(of, axis=1) for of in (counts.items, counts.relevant))
    sums = np.cumsum(_whole_buckets(counts)[0], axis=1)
    return ScoresByRadius(
        precision=(hits / np.maximum(items, 1)).mean(axis=0),
        recall=(hits / np.maximum(hits[:, -1:], 1)).mean(axis=0),
        map=(sums / np.maximum(hits, 1)).mean(axis=0),
    )
