"""Candidate pairs of a collection: by hash codes, and, among photos whose features are known, by local features."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vtsfind.base.progress import Monitor
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.collection import Collection, ScopeFilter
from vtsfind.engine.duplicates.feature_cache import FeatureCache
from vtsfind.find.candidates.hash_codes import HashCandidates, hash_candidates
from vtsfind.find.candidates.local_features import LocalCandidates, local_candidates
from vtsfind.find.clustering.union_find import UnionFind
from vtsfind.find.hamming.all_pairs import FindPairs
from vtsfind.find.hamming.chunk_pairs import PairOptions
from vtsfind.find.hamming.distance import Integers, Words
from vtsfind.find.hamming.known_pairs import KnownPairs, carried_over, known_anew
from vtsfind.find.hamming.mih import EXHAUSTIVE, Substring
from vtsfind.find.pairs import CandidatePairs, Pair
from vtsfind.find.versions import candidates_version, search_version

_STAGE = "local candidates"
_NEAR_CODES_STAGE = "near codes"
_MANY_PHOTOS = 30_000
"""Photos from which on their points take so much memory, 100 MB and more, that the processes that compare photos end before: to start them
again takes as long as some hundred pairs."""


def propose_by_hash(
    collection: Collection,
    scope_filter: ScopeFilter | None,
    radius: int | None,
    cache: FeatureCache,
    context: Context,
) -> HashCandidates:
    """The pairs whose copy codes are near.

    Parameters
    ----------
    collection
        The contents and their codes.
    scope_filter
        The pairs that are asked about; None for all.
    radius
        In bits; None for what fits the collection.
    cache
        Has the near codes of the last search.
    context
        Its progress counts codes times substrings.
    """
    return hash_candidates(
        collection.words,
        radius=radius,
        other=collection.second_words,
        wanted=scope_filter,
        monitor=context,
        finder=_comparing_what_is_new(cache, context.workplace.find_pairs),
    )


def _comparing_what_is_new(cache: FeatureCache, finder: FindPairs) -> FindPairs:
    """A finder of pairs that compares only codes which the last search did not have, where that had few others."""
    key = hashlib.sha256(search_version().encode()).digest()

    def find(
        planes: Words, substrings: Sequence[Substring], options: PairOptions, monitor: Monitor
    ) -> Integers:
        if substrings != EXHAUSTIVE or options.nearest is None:
            return finder(planes, substrings, options, monitor)
        codes = np.ascontiguousarray(planes.T)
        stored = cache.stage_result(_NEAR_CODES_STAGE, key)
        known = stored and carried_over(KnownPairs.from_bytes(stored), codes, options.radius, options.nearest)
        if not known:
            known = known_anew(
                codes,
                options.radius,
                options.nearest,
                lambda radius, nearest: finder(
                    planes, substrings, replace(options, radius=radius, nearest=nearest), monitor
                ),
            )
        cache.save_stage_result(_NEAR_CODES_STAGE, key, known.to_bytes())
        return known.nearest(options.radius, options.nearest)

    return find


@dataclass(frozen=True, slots=True, eq=False)
class OpenPairs:
    """The pairs that are still open: not proposed before, not connected by copies, and within the scope."""

    proposed: Integers
    """Proposed pairs as `first * n + second`, rising, with a larger number at the end."""
    components: Integers
    """(n,) the connected component of each content, see `UnionFind`."""
    scope_filter: ScopeFilter | None

    @classmethod
    def after(
        cls, proposed: CandidatePairs, copies: Iterable[Pair], scope_filter: ScopeFilter | None, n: int
    ) -> "OpenPairs":
        """What is open among n contents when these pairs were proposed, and these found to be copies."""
        connected = UnionFind(copies)
        components = np.array([connected.of(number) for number in range(n)], np.int64)
        pairs = np.append(proposed.firsts * n + proposed.seconds, n**2)
        return cls(pairs, components, scope_filter)

    def __call__(self, firsts: Integers, seconds: Integers) -> npt.NDArray[np.bool_]:
        """Of pairs (p,), (p,), which are open, (p,) bool."""
        pairs = firsts * len(self.components) + seconds
        is_open: npt.NDArray[np.bool_] = self.proposed[np.searchsorted(self.proposed, pairs)] != pairs
        is_open &= self.components[firsts] != self.components[seconds]
        return is_open & self.scope_filter(firsts, seconds) if self.scope_filter else is_open

    def digest(self) -> bytes:
        """SHA-256 of what is open."""
        scope = self.scope_filter
        parts = [
            self.proposed,
            self.components,
            *((scope.folders, np.array([scope.across])) if scope else ()),
        ]
        return hashlib.sha256(b"|".join(np.asarray(part, np.int64).tobytes() for part in parts)).digest()


def propose_by_local_features(
    collection: Collection, numbers: Integers, open_pairs: OpenPairs, cache: FeatureCache, monitor: Monitor
) -> LocalCandidates:
    """Further pairs, of photos with local features in common.

    A photo without candidates by hash codes has no features extracted, so it is in no pair here either.

    Parameters
    ----------
    collection
        The contents.
    numbers
        (m,) those to be paired; those without features are left out.
    open_pairs
        The pairs that are of interest.
    cache
        Has the features, and the result of the last search.
    monitor
        Its progress counts photos.
    """
    chosen = np.array([n for n in numbers.tolist() if cache.has_features(collection.contents[n])], np.int64)
    contents = [collection.contents[n] for n in chosen]
    digests = [content.digest for content in contents]
    key = hashlib.sha256(candidates_version().encode() + open_pairs.digest())
    key.update(chosen.tobytes() + b"".join(digests))
    stored = cache.stage_result(_STAGE, key.digest())
    if stored is not None:
        found = LocalCandidates.from_bytes(stored)
    else:
        if len(chosen) >= _MANY_PHOTOS:
            cache.end_processes()
        found = local_candidates(
            digests,
            lambda place: cache.points(contents[place]),
            wanted=lambda firsts, seconds: open_pairs(chosen[firsts], chosen[seconds]),
            monitor=monitor,
        )
        cache.save_stage_result(_STAGE, key.digest(), found.to_bytes())
    return replace(found, firsts=chosen[found.firsts], seconds=chosen[found.seconds])
