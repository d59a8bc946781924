"""Groups of duplicates of a library, from a snapshot of the disk to the photos to keep. Read this file first.

    snapshot -> hash candidates -> features -> full-frame sets -> representatives -> verify
                  -> local candidates -> verify -> cluster -> check at full size -> choose keepers

Each stage is a function of values, in a file of its own: `collection`, `candidates`, `full_frame`, `verification`, `clustering`,
`full_size`, `keepers`. Photos are read and compared in one place, the `feature_cache`, which stages ask through a `verifier`.

Who asks for other shots of a scene has them in groups of their own, `bursts`: the same search again, in which one photo stands for
all its copies, and `best_shots` says which shot is kept.

Near hash codes and local features in common only propose a pair; a verdict comes from comparing the two photos. The features of a photo
without any candidate by hash code, however far, are not extracted, so it has no candidates by local features either.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from vtsfind.base.groups import COPIES, SEEN_IN_SMALL, Group, Verdict
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.bursts import BURST_ONLY, burst_groups, led_by_photos, shots_of
from vtsfind.engine.duplicates.clustering import Cluster, cluster
from vtsfind.engine.duplicates.collection import Collection, read_collection
from vtsfind.engine.duplicates.feature_cache import FeatureCache, with_feature_cache
from vtsfind.engine.duplicates.full_frame import FullFrameSets, find_full_frame_sets
from vtsfind.engine.duplicates.full_size import cluster_at_full_size
from vtsfind.engine.duplicates.keeper_ranking import RankedFiles
from vtsfind.engine.duplicates.keepers import choose_keepers
from vtsfind.engine.duplicates.options import DedupOptions, Rules, require_consistent, rules_for
from vtsfind.engine.duplicates.results import DedupStats, Duplicates
from vtsfind.engine.duplicates.searched import (
    COPIES_STAGE,
    SHOTS_STAGE,
    Searched,
    keep_search,
    last_search,
    search_key,
)
from vtsfind.engine.duplicates.verification import VerifiedPairs, verify_candidates
from vtsfind.engine.duplicates.verifier import CodeVerifier, PhotoVerifier, Verifier
from vtsfind.engine.library.access import open_library
from vtsfind.engine.library.sidecars import Sidecars
from vtsfind.engine.library.snapshot import Content, with_sidecars
from vtsfind.find.hamming.distance import Integers
from vtsfind.find.pairs import CandidatePairs
from vtsfind.find.versions import verdicts_version

if TYPE_CHECKING:
    from vtsfind.find.candidates.hash_codes import HashCandidates

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
            from vtsfind.engine.library.radius import radius_for

            radius = radius_for(index.folder, index.signature, options.max_false_match)
        collection = read_collection(index, rules.scope, context)

        def search(cache: FeatureCache) -> Duplicates:
            stages = _Stages(collection, rules, options, radius=radius, cache=cache, context=context)
            cache.take_verdicts(index.verdicts(verdicts_version()))
            searched, groups = stages.groups()
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


class _Stages:
    """The searches that are asked for, from features to groups."""

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
        self._options = options
        self._radius = radius
        self._cache = cache
        self._context = context

    def groups(self) -> tuple[Searched, tuple[Group, ...]]:
        """The groups of copies, then those of other shots, as far as they are asked for; and how much was compared."""
        kinds = self._rules.kinds - BURST_ONLY
        search = self._search(_kinds_to_compare(kinds) or frozenset(COPIES))
        searched = search.searched()
        contents, files = self._files(searched.verified)
        clusters = cluster_at_full_size(
            contents,
            files,
            searched.verified,
            search.verifier,
            compare=self._cache.compare_in_full,
            rules=search.rules,
        )
        measured = [each.with_distances(self._collection) for each in clusters]
        asked = replace(search.rules, kinds=kinds)
        groups = choose_keepers([each.of_kinds(kinds) for each in measured], contents, files, asked)
        if self._rules.kinds >= BURST_ONLY:
            searched, bursts = self._bursts(led_by_photos(measured, contents, files), searched.verified)
            groups += tuple(replace(each, number=len(groups) + each.number) for each in bursts)
        return searched, groups

    def _bursts(self, copies: list[Cluster], verified: VerifiedPairs) -> tuple[Searched, tuple[Group, ...]]:
        """The groups of other shots, of which each copy that is kept stands for its shot."""
        from vtsfind.engine.duplicates.best_shots import choose_best_shots

        search = self._search(BURST_ONLY, shots_of(copies))
        searched = search.searched()
        contents, files = self._files(verified, searched.verified)
        clusters = choose_best_shots(
            cluster(contents, files, searched.verified, search.verifier, search.rules),
            contents,
            files,
            verifier=search.verifier,
            rate=self._cache.shot_qualities,
            rules=search.rules,
        )
        measured = [each.with_distances(self._collection) for each in clusters]
        return searched, burst_groups(measured, copies, contents, files, search.rules)

    def _search(
        self, kinds: frozenset[Verdict], representative_of: Mapping[int, int] | None = None
    ) -> "_Search":
        return _Search(
            self._collection,
            replace(self._rules, kinds=kinds),
            self._options,
            radius=self._radius,
            cache=self._cache,
            context=self._context,
            representative_of=representative_of,
        )

    def _files(
        self, copies: VerifiedPairs, *further: VerifiedPairs
    ) -> tuple[dict[int, Content], RankedFiles]:
        """The contents that pairs speak of, with their sidecars, and those with several files; and the files, ranked."""
        sidecars = Sidecars()
        concerned = {number for each in (copies, *further) for pair in each.copies for number in pair}
        concerned |= {n for n, content in enumerate(self._collection.contents) if len(content.photos) > 1}
        contents = {n: with_sidecars(self._collection.contents[n], sidecars) for n in sorted(concerned)}
        return contents, RankedFiles(contents, self._cache.details, self._rules.policy, copies.copies)


class _Search:
    """The stages from features to verified pairs, for some verdicts.

    Parameters
    ----------
    representative_of
        The photos that stand for others; None to find out which show the same in full.
    """

    def __init__(
        self,
        collection: Collection,
        rules: Rules,
        options: DedupOptions,
        *,
        radius: int | None,
        cache: FeatureCache,
        context: Context,
        representative_of: Mapping[int, int] | None = None,
    ) -> None:
        self._collection = collection
        self.rules = rules
        self._radius = radius
        self._limits_radius = options.limits_radius
        self._cache = cache
        self._context = context
        self._representative_of = representative_of
        self._photos = PhotoVerifier(collection, cache) if options.verify else None
        self.verifier: Verifier = self._photos or CodeVerifier(collection, options.radius or 0)
        self._local_candidates = 0

    def searched(self) -> Searched:
        """The copies, as the last search found them if nothing that decides has changed since."""
        if self.rules.kinds <= {Verdict.BYTES}:
            return Searched()  # identical files need no search
        stage = COPIES_STAGE if self._representative_of is None else SHOTS_STAGE
        key = search_key(self._collection, self.rules, self._radius, self._representative_of)
        known = (
            last_search(key, self._collection, self.rules, self._cache, self._photos, stage=stage)
            if self._photos
            else None
        )
        if known is not None:
            return known
        from vtsfind.engine.duplicates.candidates import propose_by_hash

        proposed = propose_by_hash(
            self._collection,
            self._collection.scope_filter(self.rules.scope),
            self._radius,
            self._cache,
            self._context,
        )
        near = proposed if self._limits_radius else proposed.near(self._collection.head.bits)
        searched = Searched(
            self.verify(near, read=np.unique([proposed.firsts, proposed.seconds])),
            proposed.radius,
            proposed.complete,
            candidates=len(near),
            dropped=proposed.within - len(near),
            local_candidates=self._local_candidates,
        )
        if self._photos:
            keep_search(key, searched, self._cache, stage=stage)
        return searched

    def verify(self, proposed: "HashCandidates", *, read: Integers) -> VerifiedPairs:
        """Features, full-frame sets, representatives, verification; local candidates, and verification again.

        A radius that was asked for is kept: then there are no pairs but those within it.

        Parameters
        ----------
        proposed
            The pairs that are compared for their codes alone.
        read
            (m,) the contents whose local features may propose others.
        """
        if self._photos is None:
            return self._verify(proposed, VerifiedPairs())
        self._extract_features(proposed, read)
        sets = FullFrameSets()
        if self._representative_of is not None:
            sets = FullFrameSets(representative_of=dict(self._representative_of))
        elif not self._limits_radius and not self.rules.scope.folders:
            sets = find_full_frame_sets(
                self._collection, proposed, self._photos, self.rules, self._context.progress
            )
        represented = proposed.represented(sets.representative_of, len(self._collection))
        verified = self._verify(represented, VerifiedPairs(sets.copies))
        if self._limits_radius:
            return verified
        from vtsfind.engine.duplicates.candidates import OpenPairs, propose_by_local_features

        further = propose_by_local_features(
            self._collection,
            np.setdiff1d(read, list(sets.representative_of)),
            OpenPairs.after(
                represented,
                verified.copies,
                self._collection.scope_filter(self.rules.scope),
                len(self._collection),
            ),
            self._cache,
            self._context,
        )
        self._local_candidates = len(further)
        return self._verify(further, verified)

    def _extract_features(self, proposed: "HashCandidates", read: Integers) -> None:
        """Extract the features of contents (m,), and decode those at full size that may have the same pixels."""
        contents = self._collection.contents
        near = proposed.take(proposed.distances <= _FULL_DECODE_MAX_SHARE * self._collection.head.bits)
        full_decode = frozenset(contents[n].digest for n in {*near.firsts.tolist(), *near.seconds.tolist()})
        self._cache.extract([contents[n] for n in read], full_decode)

    def _verify(self, proposed: CandidatePairs, known: VerifiedPairs) -> VerifiedPairs:
        return verify_candidates(
            proposed,
            known,
            self._collection,
            self.verifier,
            rules=self.rules,
            progress=self._context.progress,
        )


def _kinds_to_compare(kinds: frozenset[Verdict]) -> frozenset[Verdict]:
    """The kinds that show those that are asked for: what is the same in small pictures may be an edit at full size."""
    return kinds | SEEN_IN_SMALL if Verdict.EDIT in kinds else kinds


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
