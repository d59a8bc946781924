"""What is asked about pairs of contents, which are called by their number in a collection."""

from collections.abc import Callable, Sequence
from typing import Protocol

from vtsfind.base.groups import Evidence, FullFrameVerdict, PairVerdict, Verdict
from vtsfind.engine.duplicates.collection import Collection
from vtsfind.engine.duplicates.feature_cache import FeatureCache
from vtsfind.engine.duplicates.pair_matcher import ContentPair
from vtsfind.find.pairs import Pair

Advance = Callable[[int], None]
"""Is told how many more pairs are done, from time to time."""


class Verifier(Protocol):
    """Says what pairs are to each other."""

    def verdicts(self, pairs: Sequence[Pair], advance: Advance = ...) -> list[PairVerdict]:
        """The verdict on each pair and its evidence, for the content with the smaller digest coming first."""


class PhotoVerifier:
    """Compares the photos.

    Parameters
    ----------
    collection
        Whose numbers pairs are of.
    cache
        Has the photos' features.
    """

    def __init__(self, collection: Collection, cache: FeatureCache) -> None:
        self._contents = collection.contents
        self._cache = cache

    def verdicts(self, pairs: Sequence[Pair], advance: Advance = lambda _: None) -> list[PairVerdict]:
        """See `Verifier`; None also where a photo could not be read."""
        return self._cache.compare([self._smaller_digest_first(each) for each in pairs], advance)

    def full_frame_verdicts(self, pairs: Sequence[Pair]) -> list[FullFrameVerdict]:
        """The same as far as it is known, or seen without local features."""
        return self._cache.match_full_frame([self._smaller_digest_first(each) for each in pairs])

    def detail(self, number: int) -> int:
        """How much there is to be seen in a photo: the bytes that its small picture takes."""
        return self._cache.detail(self._contents[number])

    def _smaller_digest_first(self, pair: Pair) -> ContentPair:
        first, second = (self._contents[number] for number in pair)
        return (first, second) if first.digest < second.digest else (second, first)


class CodeVerifier:
    """Takes every pair within a radius for similar, and looks at no photo.

    Parameters
    ----------
    collection
        Whose numbers pairs are of.
    radius
        In bits of the codes.
    """

    def __init__(self, collection: Collection, radius: int) -> None:
        self._collection = collection
        self._radius = radius

    def verdicts(self, pairs: Sequence[Pair], advance: Advance = lambda _: None) -> list[PairVerdict]:
        """See `Verifier`."""
        advance(len(pairs))
        similar = Verdict.SIMILAR, Evidence(note="similar codes; the photos were not compared")
        return [similar if self._collection.distance(each) <= self._radius else None for each in pairs]
