"""Pairs of photos compared by their cached features: in this process, or in others where there is enough to do.

What compares them is imported when there is something to compare.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vtsfind.base.groups import FullFrameVerdict, PairVerdict
from vtsfind.engine.context import Context
from vtsfind.engine.library.snapshot import Content
from vtsfind.engine.work.workplace import PhotoRefPair, Verification
from vtsfind.find.versions import features_version
from vtsfind.store.evidence import EvidenceStore

if TYPE_CHECKING:
    from vtsfind.engine.work.verification_pool import RecentFeatures
    from vtsfind.find.features.features import Features
    from vtsfind.find.verification.verify import PhotoFeatures

MIN_PAIRS_FOR_POOL = 128
"""Pairs from which on processes are worth their start, which takes as long as about 30 pairs each."""
_PAST_WEIGHT = 1 / 2
"""What counts towards that of pairs which were compared without processes. Where a few come at a time, as after small changes of a
library, as many are likely to come as came before, which are not worth the start yet."""
_FIRST_LOOK_EFFORT = 1 / 8
"""What matching full frames takes of the time of comparing a pair by local features."""
MIN_PHOTOS_FOR_POOL = 64
"""Photos whose local features are to be extracted, from which on they are."""
_MIN_PHOTOS_IF_RUNNING = 4
"""The same once the processes are there."""
_MAX_CACHED_PHOTOS = 128
"""Photos whose features are held in memory, see `vtsfind.engine.work.verification_pool`."""

ContentPair = tuple[Content, Content]


class PairMatcher:
    """Compares photos whose features are cached.

    Parameters
    ----------
    folder
        The library's, from which other processes read the features.
    store
        Has them.
    context
        Says where the work runs, and when to stop.

    Where other processes end, the rest is done in this one.
    """

    def __init__(self, folder: Path, store: EvidenceStore, context: Context) -> None:
        self._folder = folder
        self._store = store
        self._context = context
        self._own_effort = 0.0
        """What this process has compared without others, in pairs by local features."""

    @cached_property
    def _recent_features(self) -> "RecentFeatures":
        from vtsfind.engine.work.verification_pool import RecentFeatures

        return RecentFeatures(self._store, _MAX_CACHED_PHOTOS)

    @cached_property
    def _verification(self) -> Verification:
        context = self._context
        return context.workplace.verification(self._folder, features_version(), context.settings)

    def end_processes(self) -> None:
        """End what compares photos, whose memory is needed otherwise; it starts again for the next pairs."""
        if "_verification" in self.__dict__:
            self._verification.__exit__(None, None, None)
            del self._verification

    def full_frame_verdicts(self, pairs: Sequence[ContentPair]) -> Iterator[FullFrameVerdict]:
        """Say of each pair what is seen without local features."""
        from vtsfind.find.verification.verify import match_full_frame

        done = 0
        if self._is_pool_worthwhile(_FIRST_LOOK_EFFORT * len(pairs)):
            for found in self._verification.full_frame_verdicts(_known(pairs), self._context.cancel):
                done += 1
                yield found
        for first, second in pairs[done:]:
            self._context.cancel.check()
            self._own_effort += _FIRST_LOOK_EFFORT
            yield match_full_frame(self.features(first), self.features(second))

    def local_feature_verdicts(self, pairs: Sequence[ContentPair]) -> Iterator[PairVerdict]:
        """Say what each pair is, of photos whose local features are cached."""
        from vtsfind.find.verification.verify import match_local_features

        done = 0
        if self._is_pool_worthwhile(len(pairs)):
            for found in self._verification.local_feature_verdicts(_known(pairs), self._context.cancel):
                done += 1
                yield found
        for first, second in pairs[done:]:
            self._context.cancel.check()
            self._own_effort += 1
            yield match_local_features(self._with_local_features(first), self._with_local_features(second))

    def _is_pool_worthwhile(self, effort: float) -> bool:
        """Whether processes should do so much, in pairs by local features."""
        foreseen = effort + _PAST_WEIGHT * self._own_effort
        is_worthwhile = self._verification.is_running or foreseen >= MIN_PAIRS_FOR_POOL
        return is_worthwhile and not self._store.problem

    def features(self, content: Content) -> "PhotoFeatures":
        """The features of a photo."""
        return self._recent_features.of(content.digest, content.info)

    def has_local_features(self, content: Content) -> bool:
        """Whether local features are among them."""
        return self._with_local_features(content).features.found is not None

    def local_features(self, contents: Sequence[Content]) -> "Iterator[Features]":
        """Extract the local features of photos: the features of each with them."""
        done = 0
        min_photos = _MIN_PHOTOS_IF_RUNNING if self._verification.is_running else MIN_PHOTOS_FOR_POOL
        if len(contents) >= min_photos and not self._store.problem:
            known = [(each.digest, each.info) for each in contents]
            for found in self._verification.features(known, self._context.cancel):
                done += 1
                yield found
        for content in contents[done:]:
            self._context.cancel.check()
            yield self.features(content).features.with_local()

    def _with_local_features(self, content: Content) -> "PhotoFeatures":
        """A photo's features, as they are now that its local features may have been extracted."""
        return self._recent_features.of(content.digest, content.info, with_local=True)


def _known(pairs: Sequence[ContentPair]) -> list[PhotoRefPair]:
    return [((a.digest, a.info), (b.digest, b.info)) for a, b in pairs]
