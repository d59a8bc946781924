"""Groups of duplicates of a library, from a snapshot of the disk to the photos to keep. Read this file first.

    snapshot -> hash candidates -> features -> full-frame sets -> representatives -> verify
                  -> local candidates -> verify -> cluster -> choose best shots -> check at full size -> choose keepers

Each stage is a function of values, in a file of its own: `collection`, `candidates`, `full_frame`, `verification`, `clustering`,
`best_shots`, `full_size`, `keepers`. Photos are read and compared in one place, the `feature_cache`, which stages ask through a `verifier`.

Near hash codes and local features in common only propose a pair; a verdict comes from comparing the two photos. The features of a photo
without any candidate by hash code are not extracted, so it has no candidates by local features either.
"""

from dataclasses import replace

import numpy as np

from vtsfind.base.groups import Group, Verdict
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.candidates import OpenPairs, propose_by_hash, propose_by_local_features
from vtsfind.engine.duplicates.clustering import cluster
from vtsfind.engine.duplicates.collection import Collection, read_collection
from vtsfind.engine.duplicates.feature_cache import FeatureCache, with_feature_cache
from vtsfind.engine.duplicates.full_frame import FullFrameSets, find_full_frame_sets
from vtsfind.engine.duplicates.full_size import check_at_full_size
from vtsfind.engine.duplicates.keeper_ranking import RankedFiles
from vtsfind.engine.duplicates.keepers import choose_keepers
from vtsfind.engine.duplicates.options import DedupOptions, Rules, require_consistent, rules_for
from vtsfind.engine.duplicates.results import DedupStats, Duplicates
from vtsfind.engine.duplicates.searched import Searched, keep_search, last_search, search_key
from vtsfind.engine.duplicates.verification import VerifiedPairs, verify_candidates
from vtsfind.engine.duplicates.verifier import CodeVerifier, PhotoVerifier, Verifier
from vtsfind.engine.library.access import open_library
from vtsfind.engine.library.radius import radius_for
from vtsfind.engine.library.sidecars import Sidecars
from vtsfind.engine.library.snapshot import with_sidecars
from vtsfind.find.candidates.hash_codes import HashCandidates
from vtsfind.find.hamming.distance import Integers
from vtsfind.find.pairs import CandidatePairs
from vtsfind.find.versions import verdicts_version

_FULL_DECODE_MAX_SHARE = 0.1
"""Share of the bits in which the codes of a pair differ, up to which it may have the same pixels: both photos are decoded at
full size."""


def duplicates(context: Context, options: DedupOptions) -> Duplicates:
    """Find groups of copies in the library that the settings name.

    What was computed is kept also if the search is stopped.

    Parameters
    ----------
    context
        Its settings name the library, and the limits of decoding.
    options
        What is asked for.

    Raises
    ------
    UsageError
        If the options contradict each other, or name a folder without photos of the library.
    StorageError
        If the library cannot be used.
    Cancelled
        If the context says so.
    """
    require_consistent(options)
    with open_library(context.settings) as index:
        rules = rules_for(options, index)
        radius = options.radius
        if options.max_false_match is not None:
            radius = radius_for(index.folder, index.signature, options.max_false_match)
        collection = read_collection(index, rules.scope, context)

        def search(cache: FeatureCache) -> Duplicates:
            stages = _Search(collection, rules, options, radius=radius, cache=cache, context=context)
            cache.take_verdicts(index.verdicts(verdicts_version()))
            searched = stages.searched()
            groups = stages.group(searched.verified)
            not_shared = index.share_verdicts(cache.own_verdicts())
            return Duplicates(
                library=index.place,
                model=index.signature.model,
                head=collection.head,
                radius=searched.radius,
                complete=searched.complete,
                verified=options.verify,
                groups=groups,
                roots=tuple(index.roots()),
                failures=(*collection.snapshot.failures, *cache.failures),
                absent=collection.snapshot.absent,
                stats=_stats(collection, searched, cache),
                cache_problem=cache.problem or not_shared,
            )

        found, was_damaged = with_feature_cache(index.folder, context, search)
        return replace(found, cache_was_damaged=was_damaged)


class _Search:
    """The stages from features on, which compare photos."""

    def __init__(
        self,
        collection: Collection,
        rules: Rules,
        options: DedupOptions,
        *,
        radius: int | None,
        cache: FeatureCache,
        context: Context,
    ) -> None:
        self._collection = collection
        self._rules = rules
        self._radius = radius
        self._limits_radius = options.limits_radius
        self._cache = cache
        self._context = context
        self._photos = PhotoVerifier(collection, cache) if options.verify else None
        self._verifier: Verifier = self._photos or CodeVerifier(collection, options.radius or 0)
        self._local_candidates = 0

    def searched(self) -> Searched:
        """The copies, as the last search found them if nothing that decides has changed since."""
        if self._rules.kinds <= {Verdict.BYTES}:
            return Searched()  # identical files need no search
        key = search_key(self._collection, self._rules, self._radius)
        known = (
            last_search(key, self._collection, self._rules, self._cache, self._photos)
            if self._photos
            else None
        )
        if known is not None:
            return known
        proposed = propose_by_hash(
            self._collection,
            self._collection.scope_filter(self._rules.scope),
            self._radius,
            self._context,
        )
        searched = Searched(
            self.verify(proposed),
            proposed.radius,
            proposed.complete,
            candidates=len(proposed),
            dropped=proposed.within - len(proposed),
            local_candidates=self._local_candidates,
        )
        if self._photos:
            keep_search(key, searched, self._cache)
        return searched

    def verify(self, proposed: HashCandidates) -> VerifiedPairs:
        """Features, full-frame sets, representatives, verification; local candidates, and verification again.

        A radius that was asked for is kept: then there are no pairs but those within it.
        """
        if self._photos is None:
            return self._verify(proposed, VerifiedPairs())
        numbers = self._extract_features(proposed)
        sets = FullFrameSets()
        if not self._limits_radius and not self._rules.scope.folders:
            sets = find_full_frame_sets(
                self._collection, proposed, self._photos, self._rules, self._context.progress
            )
        represented = proposed.represented(sets.representative_of, len(self._collection))
        verified = self._verify(represented, VerifiedPairs(sets.copies))
        if self._limits_radius:
            return verified
        further = propose_by_local_features(
            self._collection,
            np.setdiff1d(numbers, list(sets.representative_of)),
            OpenPairs.after(
                represented,
                verified.copies,
                self._collection.scope_filter(self._rules.scope),
                len(self._collection),
            ),
            self._cache,
            self._context,
        )
        self._local_candidates = len(further)
        return self._verify(further, verified)

    def _extract_features(self, proposed: HashCandidates) -> Integers:
        """Extract the features of all candidates, (m,), and decode those at full size that may have the same pixels."""
        contents = self._collection.contents
        near = proposed.take(proposed.distances <= _FULL_DECODE_MAX_SHARE * self._collection.head.bits)
        numbers = np.unique(np.concatenate([proposed.firsts, proposed.seconds]))
        full_decode = frozenset(contents[n].digest for n in {*near.firsts.tolist(), *near.seconds.tolist()})
        self._cache.extract([contents[n] for n in numbers], full_decode)
        return numbers

    def _verify(self, proposed: CandidatePairs, known: VerifiedPairs) -> VerifiedPairs:
        return verify_candidates(
            proposed,
            known,
            self._collection,
            self._verifier,
            rules=self._rules,
            progress=self._context.progress,
        )

    def group(self, verified: VerifiedPairs) -> tuple[Group, ...]:
        """Cluster, choose the best shots, check at full size, and choose keepers."""
        sidecars = Sidecars()
        concerned = {number for pair in verified.copies for number in pair}
        concerned |= {n for n, content in enumerate(self._collection.contents) if len(content.photos) > 1}
        contents = {n: with_sidecars(self._collection.contents[n], sidecars) for n in sorted(concerned)}
        files = RankedFiles(contents, self._cache.details, self._rules.policy, verified.copies)
        clusters = cluster(contents, files, verified, self._verifier, self._rules)
        if self._photos and Verdict.BURST in self._rules.kinds:
            from vtsfind.engine.duplicates.best_shots import choose_best_shots

            clusters = choose_best_shots(
                clusters,
                contents,
                files,
                verifier=self._photos,
                rate=self._cache.shot_qualities,
                rules=self._rules,
            )
        checked = check_at_full_size(clusters, contents, self._cache, self._rules)
        measured = [each.with_distances(self._collection) for each in checked]
        return choose_keepers(measured, contents, files, self._rules)


def _stats(collection: Collection, searched: Searched, cache: FeatureCache) -> DedupStats:
    return DedupStats(
        photos=sum(len(content.photos) for content in collection.contents),
        aliases=collection.snapshot.aliases,
        candidates=searched.candidates,
        dropped=searched.dropped,
        local_candidates=searched.local_candidates,
        extracted=cache.extracted,
        compared=cache.compared,
    )
