"""Features of photos and verdicts on pairs, each computed once: what is found is cached beside the library, by content.

Pairs without a verdict are compared by `vtsfind.engine.duplicates.pair_matcher`. What computes features is imported when
there is something to compute: a run with nothing new takes no longer for it.
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from vtsfind.base.groups import UNDECIDED, Difference, Evidence, FullFrameVerdict, PairVerdict
from vtsfind.base.paths import show_path
from vtsfind.base.progress import Phase
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure, Found, Reason
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.pair_matcher import ContentPair, PairMatcher
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.features.packed import details_of, pack
from vtsfind.find.threads import SINGLE_THREADED_BLAS
from vtsfind.find.versions import candidates_version, features_version, verdicts_version
from vtsfind.store.evidence import EvidenceStore
from vtsfind.store.evidence_file import KEY_BYTES, CacheDamaged, Row, discard

if TYPE_CHECKING:
    from vtsfind.engine.decoding import FullSizePair
    from vtsfind.find.candidates import visual_words
    from vtsfind.find.features.features import Features
    from vtsfind.media.pool import Job, JobResult
    from vtsfind.media.shot_quality import ShotQuality

COMMIT_EVERY_S = 2.0
"""Seconds of work that a killed run may lose."""
T = TypeVar("T", PairVerdict, FullFrameVerdict)
Result = TypeVar("Result")


class FeatureCache(AbstractContextManager["FeatureCache"]):
    """Features and verdicts of the photos of one library.

    Parameters
    ----------
    folder
        The library's, where the cache lies.
    context
        Its settings are the limits of decoding.

    Every method raises `vtsfind.store.evidence_file.CacheDamaged` when the cache is not as it was written; see
    `with_feature_cache`.
    """

    def __init__(self, folder: Path, context: Context) -> None:
        self.failures: list[Failure] = []
        """Photos that could not be read."""
        self.extracted = 0
        """Photos that were read in this run."""
        self._shared: set[Row] = set()
        """The pairs whose verdicts others have, by the keys of both contents."""
        self.compared = 0
        """Pairs that were compared in this run."""
        self._store = EvidenceStore(folder, features_version(), verdicts_version(), candidates_version())
        self._context = context
        self._matcher = PairMatcher(folder, self._store, context)
        self._last_commit_s = time.monotonic()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.commit()
        self.end_processes()
        if kind is None and self._store.has_news:
            self._store.trim()
        self._store.close()

    @cached_property
    def _known(self) -> dict[bytes, bool]:
        """See `EvidenceStore.known_features`; a search with nothing new does not ask for it."""
        return self._store.known_features()

    def end_processes(self) -> None:
        """End what compares photos, whose memory is needed otherwise; it starts again for the next pairs."""
        self._matcher.end_processes()

    @property
    def problem(self) -> str:
        """Why nothing of this run will be known the next time; empty if it will."""
        return self._store.problem

    def take_verdicts(self, rows: Iterable[Row]) -> None:
        """Take over the verdicts that others who share the library have found."""
        others = list(rows)
        self._shared = {row[:2] for row in others}
        self._store.save_verdict_rows(others)
        self._store.commit()

    def own_verdicts(self) -> Iterator[Row]:
        """The verdicts that `take_verdicts` did not give, for others who share the library."""
        for row in self._store.verdict_rows():
            if row[:2] not in self._shared:
                yield row

    def extract(self, contents: Sequence[Content], full_decode_digests: frozenset[bytes]) -> None:
        """Extract the features of all photos that have none yet.

        Parameters
        ----------
        contents
            The photos. Of one that has several files, the first is read, and the others if that fails.
        full_decode_digests
            Digests of those that are to be decoded at full size, too.
        """
        left = [
            each for each in contents if not self.has_features(each, full=each.digest in full_decode_digests)
        ]
        self._context.progress.start(Phase.EXTRACT_FEATURES, len(left))
        attempt = 0
        while left:
            left = self._read(left, full_decode_digests, attempt)
            attempt += 1
        self._store.commit()

    def has_features(self, content: Content, *, full: bool = False) -> bool:
        """Whether the features of a photo are known, and from its full size if that is asked."""
        known = self._known.get(content.digest[:KEY_BYTES])
        return known is not None and (known or not full)

    def has_details(self, content: Content) -> bool:
        """Whether the quality details of a photo are known. Unlike `has_features`, it does not list all photos at the first call."""
        return self._store.has_features(content.digest)

    def _read(
        self, contents: list[Content], full_decode_digests: frozenset[bytes], attempt: int
    ) -> list[Content]:
        """Read one file of each photo; gives the photos that failed and have another file."""
        from vtsfind.find.features.extract import ExtractFeatures
        from vtsfind.media.pool import Job

        jobs = (
            Job(
                Found(each.photos[attempt].path, each.photos[attempt].stamp),
                ExtractFeatures(each.digest in full_decode_digests),
            )
            for each in contents
        )
        to_retry = []
        with closing(self._read_jobs(jobs, len(contents))) as results:
            for content, result in zip(contents, results, strict=True):
                path = content.photos[attempt].path
                failure = result if isinstance(result, Failure) else None
                if failure is None and not isinstance(result, Failure):
                    if result.digest == content.digest and result.data is not None:
                        self._store_features(content, result.data, full=content.digest in full_decode_digests)
                    else:
                        failure = Failure(path, Reason.CHANGED, "since it was indexed", result.found.stamp)
                if failure is not None:
                    self.failures.append(failure)
                    if attempt + 1 < len(content.photos):
                        to_retry.append(content)
                        continue
                self._context.progress.advance(1, show_path(path.rpartition(b"/")[2]))
        return to_retry

    def _read_jobs(self, jobs: "Iterable[Job]", count: int) -> "Generator[JobResult | Failure]":
        """Read `count` files, at most, where the work runs."""
        context = self._context
        return context.workplace.read(jobs, count, context.settings, context.cancel)

    def _store_features(self, content: Content, data: bytes | bytearray, *, full: bool) -> None:
        self._store.save_features(content.digest, data, full=full)
        self._known[content.digest[:KEY_BYTES]] = full
        self.extracted += 1
        self._commit_periodically()

    def _commit_periodically(self) -> None:
        if self._is_commit_due():
            self._commit()

    def _is_commit_due(self) -> bool:
        return time.monotonic() - self._last_commit_s > COMMIT_EVERY_S

    def _commit(self) -> None:
        self._store.commit()
        self._last_commit_s = time.monotonic()

    def details(self, content: Content) -> Details:
        """The quality details of a photo; the defaults if it was not read."""
        stored = self._store.features(content.digest)
        return Details() if stored is None else details_of(stored)

    def detail(self, content: Content) -> int:
        """The bytes that the small picture of a photo that has features takes."""
        return len(self._matcher.features(content).features.encoded)

    def points(self, content: Content) -> "visual_words.Points":
        """The local features of a photo that has features, as points."""
        from vtsfind.find.candidates import visual_words

        stored = self._store.points(content.digest)
        if stored is None:
            with SINGLE_THREADED_BLAS:
                stored = visual_words.points(self._matcher.features(content).features.coarse).tobytes()
            self._store.save_points(content.digest, stored)
            self._commit_periodically()
        return visual_words.from_bytes(stored)

    def stage_result(self, stage: str, key: bytes) -> bytes | None:
        """What a stage of the last search gave, if that had the same key."""
        return self._store.stage_result(stage, key)

    def save_stage_result(self, stage: str, key: bytes, result: bytes) -> None:
        """Keep what a stage gave, in place of what it gave before."""
        self._store.save_stage_result(stage, key, result)

    def compare(
        self, pairs: Sequence[ContentPair], advance: Callable[[int], None] = lambda _: None
    ) -> list[PairVerdict]:
        """Say what each pair is.

        Parameters
        ----------
        pairs
            Each with the smaller digest first.
        advance
            Is told how many more are done, from time to time.

        Returns
        -------
        For each pair the verdict and its evidence; None for a non-match, and where a photo could not be read.
        """
        result: list[PairVerdict] = []
        step = self._context.workplace.pairs_per_batch
        for start in range(0, len(pairs), step):
            some = pairs[start : start + step]
            full_frame = self.match_full_frame(some, advance)
            left = [pair for pair, found in zip(some, full_frame, strict=True) if found is UNDECIDED]
            if left:
                self._extract_local_features(
                    {content.digest: content for pair in left for content in pair}.values()
                )
            found = self._storing_verdicts(left, self._matcher.local_feature_verdicts(left), advance)
            result += [next(found) if each is UNDECIDED else each for each in full_frame]
        return result

    def match_full_frame(
        self, pairs: Sequence[ContentPair], advance: Callable[[int], None] = lambda _: None
    ) -> list[FullFrameVerdict]:
        """Say what each pair is as far as that is known, or seen without local features; see `compare`."""
        keys = [(first.digest, second.digest) for first, second in pairs]
        known = self._store.verdicts(keys)
        left = [
            pair
            for pair, key in zip(pairs, keys, strict=True)
            if key not in known and all(map(self.has_features, pair))
        ]
        advance(sum(known.get(key) is not UNDECIDED for key in keys) - len(left))
        found = self._storing_verdicts(left, self._matcher.full_frame_verdicts(left), advance)
        known |= {
            (first.digest, second.digest): each for (first, second), each in zip(left, found, strict=True)
        }
        return [known.get(key) for key in keys]

    def compare_in_full(self, pairs: Sequence[tuple[Content, Content, int]]) -> list[Difference | None]:
        """Compare pairs that lie frame on frame, at full size.

        Parameters
        ----------
        pairs
            Two photos, and the EXIF orientation that aligns the second with the first.

        Returns
        -------
        For each pair what it differs in; None if it could not be read.
        """
        ordered = [_full_size_pair(*each) for each in pairs]
        known = {each: self._store.full_size((each.digest, each.other_digest)) for each in ordered}
        left = [each for each in known if known[each] is None]
        if left:
            known |= self._compared_in_full(left)
        return [known[each] for each in ordered]

    def _compared_in_full(self, left: "Sequence[FullSizePair]") -> "dict[FullSizePair, Difference]":
        """What pairs differ in; without those that could not be read."""
        from vtsfind.engine.decoding import compare_in_full

        known = {}
        self._context.progress.start(Phase.VERIFY, len(left))
        for each, found in zip(left, compare_in_full(self._read_jobs, left), strict=True):
            if isinstance(found, Failure):
                self.failures.append(found)
            else:
                known[each] = found
                self._store.save_full_size((each.digest, each.other_digest), found)
                self._commit_periodically()
            self._context.progress.advance(1)
        return known

    def shot_qualities(self, contents: Sequence[Content]) -> "list[ShotQuality | None]":
        """Rate shots by sharpness and exposure; None for one that could not be read."""
        from vtsfind.engine.decoding import job_for
        from vtsfind.media.shot_quality import RateShot, ShotQuality

        stored = {content.digest: self._store.shot(content.digest) for content in contents}
        left = [content for content in contents if stored[content.digest] is None]
        self._context.progress.start(Phase.RATE, len(left))
        jobs = [job_for(content.photos[0].path, RateShot()) for content in left]
        readable = (each for each in jobs if not isinstance(each, Failure))
        with closing(self._read_jobs(readable, len(jobs))) as done:
            for content, job in zip(left, jobs, strict=True):
                result = job if isinstance(job, Failure) else next(done)
                if not isinstance(result, Failure) and result.digest == content.digest and result.data:
                    stored[content.digest] = bytes(result.data)
                    self._store.save_shot(content.digest, result.data)
                    self._commit_periodically()
                self._context.progress.advance(1)
        rated = (stored[content.digest] for content in contents)
        return [None if each is None else ShotQuality.from_bytes(each) for each in rated]

    def _storing_verdicts(
        self, pairs: Sequence[ContentPair], found: Iterator[T], advance: Callable[[int], None]
    ) -> Iterator[T]:
        if not pairs:
            return
        unsaved: list[tuple[tuple[bytes, bytes], T]] = []
        try:
            with SINGLE_THREADED_BLAS:
                for (first, second), pair_verdict in zip(pairs, found, strict=True):
                    unsaved.append(((first.digest, second.digest), pair_verdict))
                    if self._is_commit_due():
                        self._store.save_verdicts(unsaved)
                        unsaved.clear()
                        self._commit()
                    if pair_verdict is not UNDECIDED:
                        self.compared += 1
                        advance(1)
                    yield pair_verdict
        finally:
            self._store.save_verdicts(unsaved)

    def _extract_local_features(self, contents: Iterable[Content]) -> None:
        """Extract the local features of photos that have none yet."""
        left = [each for each in contents if not self._matcher.has_local_features(each)]
        for content, found in zip(left, self._matcher.local_features(left), strict=True):
            self._store_local_features(content, found)
        self._store.commit()

    def _store_local_features(self, content: Content, found: "Features") -> None:
        packed = pack(self.details(content), found)
        self._store.save_features(content.digest, packed, full=self._known[content.digest[:KEY_BYTES]])
        self._commit_periodically()


def with_feature_cache(
    folder: Path, context: Context, work: Callable[[FeatureCache], Result]
) -> tuple[Result, bool]:
    """Do something with the cache of a library. A damaged one is discarded, and the work begins anew.

    Parameters
    ----------
    folder, context
        As for `FeatureCache`.
    work
        Is given the cache.

    Returns
    -------
    What `work` gives, and whether the cache was damaged.

    Raises
    ------
    CacheDamaged
        If the new cache is damaged as well.
    """
    try:
        with FeatureCache(folder, context) as cache:
            return work(cache), False
    except CacheDamaged:
        discard(folder)
    with FeatureCache(folder, context) as cache:
        return work(cache), True


def _full_size_pair(first: Content, second: Content, turn: int) -> "FullSizePair":
    """The pair in an order that does not depend on which comes first."""
    from vtsfind.engine.decoding import FullSizePair

    if second.digest < first.digest:
        first, second, turn = second, first, Evidence(turn=turn).swapped().turn
    return FullSizePair(first.photos[0].path, first.digest, second.photos[0].path, second.digest, turn)
