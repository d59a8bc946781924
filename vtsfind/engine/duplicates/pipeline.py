"""Which photos of a library are copies of each other: candidates by code, decided by looking, grouped around what to keep.

Photos that were looked at are also compared if they show the same details, however far their codes are apart: a photo and a
collage with it, say. Photos whose codes have no candidate at all are not looked at, so nothing more is known of them.
A photo that was found to be another shot of several copies of one picture is not compared with further ones of them.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vtsfind.act.policy import DEFAULT_RULES, policy
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import COPIES, UNDECIDED, Evidence, Group, PairVerdict, Verdict
from vtsfind.base.progress import CancelToken, Phase, Progress, SilentProgress
from vtsfind.base.records import Failure, Head
from vtsfind.base.settings import Settings
from vtsfind.engine.calibration.curve import radius_for
from vtsfind.engine.duplicates.feature_cache import FeatureCache
from vtsfind.engine.duplicates.grouping import Grouping, Rules
from vtsfind.engine.library.access import open_library
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.folders import library_folders
from vtsfind.engine.library.scope import scope
from vtsfind.engine.library.sidecars import Sidecars
from vtsfind.engine.library.snapshot import Content, Snapshot, take_snapshot, with_sidecars
from vtsfind.find.candidates.hash_codes import HashCandidates, hash_candidates
from vtsfind.find.candidates.local_features import LocalCandidates, local_candidates
from vtsfind.find.clustering.representatives import representatives
from vtsfind.find.clustering.union_find import OtherShots, UnionFind
from vtsfind.find.hamming.distance import Integers, count_bits
from vtsfind.find.pairs import Pair
from vtsfind.find.versions import candidates_version
from vtsfind.store.index import Index, Planes

HEAD = "copy"
"""The head whose codes say whether it is the same picture."""
FULL_DECODE_MAX_SHARE = 0.1
"""Share of the bits up to which two photos may be one and the same in another file: these are decoded in full."""
_FULL_FRAME_MAX_SHARE = 0.25
"""Share of the bits up to which it is tried whether two photos show the same in full."""
_MIXED_FOLDERS = -1
_PAIRS_PER_BATCH = 4096
"""Pairs that are compared between two words to the watcher."""


@dataclass(frozen=True, slots=True)
class DedupOptions:
    """What is wanted of a search for duplicates. Folders are as the user calls them."""

    kinds: frozenset[Verdict] = frozenset(COPIES)
    """The verdicts that make two photos members of one group."""
    radius: int | None = None
    """Look at pairs at most so many bits apart; None for what fits the library."""
    verify: bool = True
    """Whether to look at the photos at all: if not, what is near by code is grouped as `similar`, and no more is known."""
    max_false_match: float | None = None
    """The radius is to be such that at most this share of pairs of strangers is within; by `vtsfind calibrate`."""
    between: tuple[str | bytes, ...] = ()
    """Only pairs with one photo in one of these folders and the other in another."""
    within: tuple[str | bytes, ...] = ()
    """Only pairs with both photos in the same of these folders."""
    reference: tuple[str | bytes, ...] = ()
    """Folders whose photos are kept whatever the rules say, and never proposed to go."""
    prefer: tuple[str | bytes, ...] = ()
    """Folders whose photos are rather kept, the most preferred first."""
    rules: tuple[str, ...] = DEFAULT_RULES
    """What decides which photo of a group is kept; see `vtsfind.act.policy`."""

    def with_keep_rules(self, rules: Sequence[str]) -> "DedupOptions":
        """The same wish with other keep rules."""
        return replace(self, rules=tuple(rule.strip() for rule in rules))


@dataclass(frozen=True, slots=True)
class DedupStats:
    """How much was done."""

    photos: int = 0
    """Files that were there."""
    aliases: int = 0
    """Paths that lead to a file which is there by another path already."""
    candidates: int = 0
    """Pairs whose codes were near."""
    dropped: int = 0
    """Pairs within the radius that were left out, since their photos have nearer ones."""
    sighted: int = 0
    """Further pairs whose photos have details in common."""
    looked: int = 0
    """Photos that were read; others were looked at in an earlier run, or have nothing near them."""
    compared: int = 0
    """Pairs that were compared; others were in an earlier run."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The groups, and what they rest on."""

    library: Path
    model: str
    head: Head
    """The head whose codes proposed the pairs."""
    radius: int | None
    """In bits; None if no codes were compared."""
    complete: int | None
    """Within which all pairs were found: less than `radius` if there are very many photos. None with it."""
    verified: bool
    """Whether the photos were looked at. If not, the groups are candidates, and nothing may be done by them."""
    groups: tuple[Group, ...]
    failures: tuple[Failure, ...] = ()
    """Photos that could not be judged: gone, changed since they were indexed, unreadable."""
    absent: dict[bytes, int] = field(default_factory=dict)
    """Folders of the library that are missing or empty, and how many photos the library has there."""
    stats: DedupStats = DedupStats()
    cache_problem: str = ""
    """Why a second run will be no quicker; empty if it will."""


def duplicates(
    settings: Settings,
    dedup_options: DedupOptions,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Duplicates:
    """Find groups of copies in the library that the settings name.

    Parameters
    ----------
    settings
        Name the library; the limits of decoding.
    dedup_options
        What is wanted.
    progress, cancel
        The watcher, and whether to stop. What was found out until then is kept.

    Raises
    ------
    UsageError
        If the wish contradicts itself.
    StorageError
        If the library cannot be used.
    Cancelled
        If `cancel` says so.
    """
    progress, cancel = progress or SilentProgress(), cancel or CancelToken()
    _require_consistent(dedup_options)
    with open_library(settings) as index:
        rules = _rules(dedup_options, index)
        search = _DuplicateSearch(
            index, settings, dedup_options, rules=rules, progress=progress, cancel=cancel
        )
        return search.result()


def _require_consistent(dedup_options: DedupOptions) -> None:
    if dedup_options.radius is None and (not dedup_options.verify or Verdict.SIMILAR in dedup_options.kinds):
        raise UsageError(
            "How alike photos must be to be similar is for you to say.", "Add --radius BITS, 24 for a start."
        )
    if dedup_options.radius is not None and dedup_options.max_false_match is not None:
        raise UsageError("--radius and --max-false-match exclude each other.", "Choose one.")
    policy(dedup_options.rules)


def _rules(dedup_options: DedupOptions, index: Index) -> Rules:
    named = (dedup_options.prefer, dedup_options.reference, dedup_options.between, dedup_options.within)
    paths = index.stamps() if any(named) else {}
    prefer, reference, between, within = (library_folders(names, paths) for names in named)
    return Rules(
        policy(dedup_options.rules, prefer=[*chain(*prefer)], reference=[*chain(*reference)]),
        dedup_options.kinds if dedup_options.verify else frozenset({Verdict.BYTES, Verdict.SIMILAR}),
        scope(between=between, within=within),
        known_decisions(),
    )


class _DuplicateSearch:
    """One search."""

    def __init__(
        self,
        index: Index,
        settings: Settings,
        dedup_options: DedupOptions,
        *,
        rules: Rules,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._index = index
        self._settings = settings
        self._options = dedup_options
        self._rules = rules
        self._progress = progress
        self._cancel = cancel
        heads = {head.name: head for head in index.signature.heads}
        self._head = heads.get(HEAD, index.signature.heads[0])
        self._others = [name for name in heads if name != self._head.name]
        self._snapshot: Snapshot = take_snapshot(index, rules.scope, cancel)
        self._planes: Planes = index.planes(self._head.name)
        self._columns = np.flatnonzero(np.isin(self._planes.rows, list(self._snapshot.contents)))
        self._contents = [self._snapshot.contents[int(row)] for row in self._planes.rows[self._columns]]
        self._words = np.ascontiguousarray(self._planes.words[:, self._columns])
        self._clusters = UnionFind()
        self._other_shots = OtherShots(self._clusters)
        self._skipped: list[Pair] = []
        """Proposed pairs that were not compared, since they hang together through others."""
        self._local_candidate_count = 0

    def result(self) -> Duplicates:
        """Do it."""
        proposed = self._find_candidates()
        with FeatureCache(self._index.folder, self._settings, self._progress, self._cancel) as feature_cache:
            found = (
                self._verify_candidates(feature_cache, proposed)
                if self._options.verify
                else self._as_similar(proposed)
            )
            groups = self._groups(feature_cache, found)
            failures = (*self._snapshot.failures, *feature_cache.failures)
            stats = DedupStats(
                photos=sum(len(content.photos) for content in self._contents),
                aliases=self._snapshot.aliases,
                candidates=len(proposed.firsts) if proposed else 0,
                dropped=proposed.within - len(proposed.firsts) if proposed else 0,
                sighted=self._local_candidate_count,
                looked=feature_cache.looked,
                compared=feature_cache.compared,
            )
        return Duplicates(
            self._index.folder,
            self._index.signature.model,
            self._head,
            proposed.radius if proposed else None,
            proposed.complete if proposed else None,
            self._options.verify,
            groups,
            failures,
            self._snapshot.absent,
            stats,
            feature_cache.cache_problem,
        )

    def _find_candidates(self) -> HashCandidates | None:
        """The pairs worth a look; None if no codes are needed."""
        if self._rules.kinds <= {Verdict.BYTES}:
            return None
        other = None
        if self._others and self._head.name == HEAD:
            other = self._index.planes(self._others[0]).words[:, self._columns]
        return hash_candidates(
            self._words,
            radius=self._radius(),
            other=other,
            wanted=self._wanted if self._rules.scope.folders else None,
            progress=self._progress,
            cancel=self._cancel,
        )

    def _radius(self) -> int | None:
        """The radius that was asked for, in bits; None if it is left to fit the library."""
        if self._options.max_false_match is None:
            return self._options.radius
        return radius_for(self._index.folder, self._options.max_false_match, signature=self._index.signature)

    def _wanted(self, firsts: Integers, seconds: Integers) -> npt.NDArray[np.bool_]:
        """Whether pairs of contents can be pairs that are asked about, by the folders that their files lie in."""
        a, b = self._folder_numbers[firsts], self._folder_numbers[seconds]
        mixed = (a == _MIXED_FOLDERS) | (b == _MIXED_FOLDERS)
        asked: npt.NDArray[np.bool_] = mixed | ((a != b) == self._rules.scope.across)
        return asked

    @cached_property
    def _folder_numbers(self) -> npt.NDArray[np.int64]:
        """(n,) the number of the folder, of those that are asked about, that all files of a content lie in, or `_MIXED_FOLDERS`."""
        scope = self._rules.scope
        held = [{scope.place(photo.path) for photo in content.photos} for content in self._contents]
        return np.array([_MIXED_FOLDERS if len(each) > 1 else each.pop() for each in held], np.int64)

    def _verify_candidates(
        self, feature_cache: FeatureCache, proposed: HashCandidates | None
    ) -> dict[Pair, PairVerdict]:
        """Look at the photos of all proposed pairs, and say which belong together; then the same for what they show in common.

        A radius that was asked for is kept: then there are no pairs but those within it.
        """
        if proposed is None:
            return {}
        near = proposed.distances <= FULL_DECODE_MAX_SHARE * self._head.bits
        full_decode_numbers = np.unique(np.concatenate([proposed.firsts[near], proposed.seconds[near]]))
        every = np.unique(np.concatenate([proposed.firsts, proposed.seconds]))
        feature_cache.look(
            [self._contents[number] for number in every],
            frozenset(self._contents[number].digest for number in full_decode_numbers),
        )
        is_unrestricted = self._options.radius is None and self._options.max_false_match is None
        found: dict[Pair, PairVerdict] = {}
        heads: dict[int, int] = {}
        if is_unrestricted and not self._rules.scope.folders:
            found, heads = self._full_frame_duplicates(
                feature_cache,
                proposed.take(proposed.distances <= _FULL_FRAME_MAX_SHARE * self._head.bits),
            )
        remaining = proposed.represented(heads, len(self._contents))
        found |= self._verify_in_rounds(feature_cache, remaining)
        if is_unrestricted:
            further = self._find_local_candidates(feature_cache, np.setdiff1d(every, list(heads)), remaining)
            self._local_candidate_count = len(further.firsts)
            found |= self._verify_in_rounds(feature_cache, further)
        return found

    def _full_frame_duplicates(
        self, feature_cache: FeatureCache, near: HashCandidates
    ) -> tuple[dict[Pair, PairVerdict], dict[int, int]]:
        """The pairs that show the same in full, and for each photo in them the best that does; see `vtsfind.find.clustering.representatives`."""
        found: dict[Pair, PairVerdict] = {}

        def same(pairs: Sequence[Pair]) -> list[bool]:
            ordered = [self._smaller_digest_first(each) for each in pairs]
            self._progress.start(Phase.VERIFY, len(pairs))
            full_frame_verdicts = zip(pairs, feature_cache.match_full_frame(ordered), strict=True)
            self._progress.advance(len(pairs))
            found.update(
                (each, pair_verdict)
                for each, pair_verdict in full_frame_verdicts
                if pair_verdict is not UNDECIDED
                and self._joins(each, pair_verdict)
                and _is_full_frame(pair_verdict)
            )
            return [each in found for each in pairs]

        pixels = [content.info.width * content.info.height for content in self._contents]
        order = np.argsort(np.argsort(-np.array(pixels, np.int64), kind="stable"), kind="stable")
        heads = representatives(near, near.distances, order, same)
        for each in found:
            self._clusters.join(*each)
        return found, heads

    def _find_local_candidates(
        self, feature_cache: FeatureCache, every: Integers, proposed: HashCandidates
    ) -> LocalCandidates:
        """Further pairs among the photos that were looked at: those that show the same details.

        A photo that has no candidate by its code is not looked at, so no pair with it is found here either.
        """
        numbers = np.array(
            [n for n in every.tolist() if feature_cache.has_features(self._contents[n])], np.int64
        )
        cluster = np.array([self._clusters.of(number) for number in range(len(self._contents))])
        known = np.append(proposed.firsts * len(cluster) + proposed.seconds, len(cluster) ** 2)  # rising

        def wanted(firsts: Integers, seconds: Integers) -> npt.NDArray[np.bool_]:
            a, b = numbers[firsts], numbers[seconds]
            pairs = a * len(cluster) + b
            fresh: npt.NDArray[np.bool_] = known[np.searchsorted(known, pairs)] != pairs
            fresh &= cluster[a] != cluster[b]
            return fresh & self._wanted(a, b) if self._rules.scope.folders else fresh

        contents = [self._contents[number] for number in numbers]
        digests = [content.digest for content in contents]

        def find() -> LocalCandidates:
            return local_candidates(
                digests,
                lambda place: feature_cache.features(contents[place]),
                wanted=wanted,
                progress=self._progress,
                cancel=self._cancel,
            )

        key = hashlib.sha256(candidates_version().encode())
        for part in (numbers, known, cluster, self._folder_numbers if self._rules.scope.folders else ()):
            key.update(np.asarray(part, np.int64).tobytes() + b"|")
        key.update(b"".join(digests) + bytes([self._rules.scope.across]))
        found = feature_cache.sighted(key.digest(), find)
        return replace(found, firsts=numbers[found.firsts], seconds=numbers[found.seconds])

    def _verify_in_rounds(
        self, feature_cache: FeatureCache, proposed: HashCandidates | LocalCandidates
    ) -> dict[Pair, PairVerdict]:
        """Compare each photo with its nearest candidate, then with the next one, and so on.

        Pairs that hang together through copies already are left out: grouping compares them with the keeper. So are those of
        a photo and a family that it is another shot of, unless other shots are asked for: nothing is said of these.
        """
        self._progress.start(Phase.VERIFY, len(proposed.firsts))
        found: dict[Pair, PairVerdict] = {}
        clusters = self._clusters
        for rank in range(int(proposed.ranks.max(initial=-1)) + 1):
            here = proposed.ranks == rank
            pairs = list(zip(proposed.firsts[here].tolist(), proposed.seconds[here].tolist(), strict=True))
            apart = [(a, b) for a, b in pairs if clusters.of(a) != clusters.of(b)]
            left = [each for each in apart if not self._other_shots.is_other_shot(*each)]
            self._skipped += [(a, b) for a, b in pairs if clusters.of(a) == clusters.of(b)]
            self._progress.advance(len(pairs) - len(left))
            for start in range(0, len(left), _PAIRS_PER_BATCH):
                some = left[start : start + _PAIRS_PER_BATCH]
                for each, pair_verdict in zip(
                    some, self._compare_pairs(feature_cache, some, self._progress.advance), strict=True
                ):
                    if self._joins(each, pair_verdict):
                        found[each] = pair_verdict
                        clusters.join(*each)
                    elif (
                        pair_verdict
                        and pair_verdict[0] is Verdict.BURST
                        and Verdict.BURST not in self._rules.kinds
                    ):
                        self._other_shots.add(*each, certain=bool(pair_verdict[1].certain))
        return found

    def _joins(self, numbers: Pair, pair_verdict: PairVerdict) -> bool:
        first, second = (self._contents[number] for number in numbers)
        return self._rules.joins(first, second, pair_verdict)

    def _compare_pairs(
        self,
        feature_cache: FeatureCache,
        pairs: Sequence[Pair],
        advance: Callable[[int], None] = lambda _: None,
    ) -> list[PairVerdict]:
        return feature_cache.compare([self._smaller_digest_first(each) for each in pairs], advance)

    def _smaller_digest_first(self, pair: Pair) -> tuple[Content, Content]:
        first, second = (self._contents[number] for number in pair)
        return (first, second) if first.digest < second.digest else (second, first)

    def _as_similar(self, proposed: HashCandidates | None) -> dict[Pair, PairVerdict]:
        """Take every proposed pair for similar."""
        if proposed is None:
            return {}
        pairs = zip(proposed.firsts.tolist(), proposed.seconds.tolist(), strict=True)
        return dict.fromkeys(pairs, (Verdict.SIMILAR, Evidence(note="near by code only")))

    def _groups(self, feature_cache: FeatureCache, found: dict[Pair, PairVerdict]) -> tuple[Group, ...]:
        sidecar_finder = Sidecars()
        concerned = {number for pair in found for number in pair}
        concerned |= {number for number, content in enumerate(self._contents) if len(content.photos) > 1}
        contents = {
            number: with_sidecars(self._contents[number], sidecar_finder) for number in sorted(concerned)
        }

        def compare(pairs: Sequence[Pair]) -> list[PairVerdict]:
            if self._options.verify:
                return self._compare_pairs(feature_cache, pairs)
            return [
                (Verdict.SIMILAR, Evidence(note="near by code only"))
                if self._distance(pair) <= (self._options.radius or 0)
                else None
                for pair in pairs
            ]

        grouping = Grouping(contents, feature_cache.details, self._rules)
        return grouping.groups(
            found,
            self._skipped,
            compare,
            lambda pair, shown: replace(shown, distance=self._distance(pair), bits=self._head.bits),
        )

    def _distance(self, pair: Pair) -> int:
        """In bits of the codes."""
        first, second = pair
        return int(count_bits(self._words[:, first] ^ self._words[:, second]))


def _is_full_frame(pair_verdict: PairVerdict) -> bool:
    """Whether two photos show the same, all of it and no more, so that one can stand for the other."""
    return pair_verdict is not None and (
        pair_verdict[0] in {Verdict.RESAVE, Verdict.TURNED} or pair_verdict[1].inliers is None
    )
