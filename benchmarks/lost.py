"""At which stage of `vtsfind dupes` a version is lost from the group of its photo.

The stages, in their order: it is proposed with its photo, by codes or by local features; a first look at coarse local features
finds a map that carries one onto the other; all local features do; what then lies on each other is accepted; the group holds
together. A version that the verifier would accept but that was never proposed is told from one that is lost in any case.
"""

from collections import Counter, defaultdict
from collections.abc import Collection as Container
from pathlib import Path

import numpy as np

from vtsfind.base.groups import UNDECIDED
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.candidates import OpenPairs, propose_by_hash, propose_by_local_features
from vtsfind.engine.duplicates.collection import Collection, read_collection
from vtsfind.engine.duplicates.feature_cache import FeatureCache
from vtsfind.engine.library.access import open_library
from vtsfind.engine.library.scope import Scope
from vtsfind.engine.library.snapshot import Content
from vtsfind.engine.work.verification_pool import RecentFeatures
from vtsfind.find.pairs import Pair, ordered_pair
from vtsfind.find.verification.close_calls import steady_score
from vtsfind.find.verification.comparison import compare
from vtsfind.find.verification.decision import MIN_SCORE, reject_reason, version_score
from vtsfind.find.verification.enlarged import enlarged
from vtsfind.find.verification.registration import align
from vtsfind.find.verification.verify import PhotoFeatures, match_full_frame
from vtsfind.find.versions import candidates_version, features_version, verdicts_version
from vtsfind.store.evidence import EvidenceStore
from vtsfind.store.evidence_file import KEY_BYTES

_CACHED_PHOTOS = 64
ACCEPTED = "in the group"
Lost = dict[str, dict[str, int]]
"""Version to where how many of it were lost."""


def lost(library: Path, pairs: Container[tuple[str, str, str]]) -> Lost:
    """Where versions were lost in a library that `vtsfind dupes` has searched.

    Parameters
    ----------
    library
        Its folder.
    pairs
        Names of files: a photo, a version of it that is not in its group, and the kind of the version.
    """
    context = Context(Settings(library=str(library)))
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with open_library(context.settings) as index, FeatureCache(index.folder, context) as cache:
        collection = read_collection(index, Scope(), context)
        numbers = {
            Path(photo.path.decode()).name: number
            for number, content in enumerate(collection.contents)
            for photo in content.photos
        }
        proposed = _proposed(collection, cache, context)
        features = _FeaturesOf(index.folder)
        for photo, version, kind in pairs:
            pair = ordered_pair(numbers[photo], numbers[version])
            stage = _stage(*(features(collection.contents[number]) for number in pair))
            if pair not in proposed:
                stage = "not proposed" if stage == ACCEPTED else f"not proposed, and {stage}"
            found[kind][stage if stage != ACCEPTED else "in grouping"] += 1
    return {kind: dict(stages.most_common()) for kind, stages in sorted(found.items())}


def _proposed(collection: Collection, cache: FeatureCache, context: Context) -> set[Pair]:
    """All pairs that are proposed when none is connected by copies."""
    by_hash = propose_by_hash(collection, None, None, cache, context)
    numbers = np.unique(np.concatenate([by_hash.firsts, by_hash.seconds]))
    near = by_hash.near(collection.head.bits)
    still_open = OpenPairs.after(near, (), None, len(collection))
    by_features = propose_by_local_features(collection, numbers, still_open, cache, context)
    return {
        pair
        for each in (near, by_features)
        for pair in zip(each.firsts.tolist(), each.seconds.tolist(), strict=True)
    }


class _FeaturesOf:
    """The features that a library's cache has of contents."""

    def __init__(self, folder: Path) -> None:
        store = EvidenceStore(folder, features_version(), verdicts_version(), candidates_version())
        self._known = store.known_features()
        self._recent = RecentFeatures(store, _CACHED_PHOTOS)

    def __call__(self, content: Content) -> PhotoFeatures | None:
        """Those of a content; None if there are none."""
        there = content.digest[:KEY_BYTES] in self._known
        return self._recent.of(content.digest, content.info) if there else None


def _stage(first: PhotoFeatures | None, second: PhotoFeatures | None) -> str:
    if first is None or second is None:
        return "without features"
    if first.features.flat or second.features.flat:
        return "flat"
    full_frame = match_full_frame(first, second)
    if full_frame is None:
        return "at the first look"
    if full_frame is not UNDECIDED:
        return ACCEPTED
    alignment = align(first.features, second.features)
    laid = enlarged(first.features, second.features, alignment) if alignment else None
    compared = compare(*laid) if laid else None
    if laid is None or compared is None:
        return "not registered"
    score = steady_score(*laid, version_score(compared.measures))
    return ACCEPTED if score >= MIN_SCORE else f"refused: {reject_reason(compared.measures)}"
