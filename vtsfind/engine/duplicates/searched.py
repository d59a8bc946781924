"""What the last search found, used again as long as nothing that decides has changed.

Only which pairs are copies is kept, which were skipped, and which are other shots; verdicts are kept one by one (`vtsfind.store.evidence`). The key is a digest of
all that the stages up to verification are given: a new, changed or missing content, a decision, another scope or radius, and another
version of the code each make another key. A run in which a photo could not be read keeps nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from vtsfind.base.groups import Evidence, Verdict
from vtsfind.engine.duplicates.collection import Collection
from vtsfind.engine.duplicates.feature_cache import FeatureCache
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verification import VerifiedPairs
from vtsfind.engine.duplicates.verifier import Verifier
from vtsfind.find.pairs import Pair
from vtsfind.find.versions import search_version

COPIES_STAGE = "search"
SHOTS_STAGE = "shots"
"""Of what the last search for copies found, and the last one for other shots."""
_HEAD = 7
"""Numbers before the pairs."""


@dataclass(frozen=True, slots=True)
class Searched:
    """The copies in a collection, and how much was compared to find them."""

    verified: VerifiedPairs = field(default_factory=VerifiedPairs)
    radius: int | None = None
    """In bits; None, as for `complete`, if no codes were compared."""
    complete: int | None = None
    """The radius within which all pairs were found."""
    candidates: int = 0
    """Pairs that hash codes proposed."""
    dropped: int = 0
    """Pairs within the radius that are no candidates."""
    local_candidates: int = 0
    """Pairs that local features proposed."""

    def to_bytes(self) -> bytes:
        """Pack for a cache, as little-endian int64: five numbers, how many copies and skipped pairs there are; these; the other shots."""
        copies, skipped, shots = self.verified.copies, self.verified.skipped, self.verified.other_shots
        numbers = [self.radius, self.complete, self.candidates, self.dropped, self.local_candidates]
        head = [*(-1 if each is None else each for each in numbers), len(copies), len(skipped)]
        rows = chain(copies, skipped, ((*pair, certain) for pair, certain in shots.items()))
        return np.array([*head, *chain.from_iterable(rows)], "<i8").tobytes()


def search_key(
    collection: Collection,
    rules: Rules,
    radius: int | None,
    representative_of: Mapping[int, int] | None = None,
) -> bytes:
    """SHA-256 of all that decides which pairs are copies.

    `radius` is the one that was asked for, `representative_of` the photos that stand for others if that was given.
    """
    scope = collection.scope_filter(rules.scope)
    arrays = (collection.words, collection.second_words, scope.folders if scope else None)
    given = (
        search_version(),
        collection.head,
        radius,
        sorted(rules.kinds),
        scope.across if scope else None,
        sorted(each.pair for each in rules.decisions),
        [content.info for content in collection.contents],
        representative_of and sorted(representative_of.items()),
    )
    key = hashlib.sha256(repr(given).encode())
    for content in collection.contents:
        key.update(content.digest)
    for array in arrays:
        key.update(b"none" if array is None else repr(array.shape).encode() + array.tobytes())
    return key.digest()


def last_search(
    key: bytes, collection: Collection, rules: Rules, cache: FeatureCache, verifier: Verifier, *, stage: str
) -> Searched | None:
    """What the last search found if it had this key; None also if a copy's features or verdict are not there any more."""
    stored = cache.stage_result(stage, key)
    if stored is None:
        return None
    numbers = np.frombuffer(stored, "<i8")
    (*radii, candidates, dropped, local, copies, skipped), rows = numbers[:_HEAD].tolist(), numbers[_HEAD:]
    pairs, shots = np.split(rows, [2 * (copies + skipped)])
    compared = [(a, b) for a, b in pairs.reshape(-1, 2).tolist()]
    found = _with_verdicts(compared[:copies], collection, rules, cache, verifier)
    if len(found) < copies:
        return None
    other_shots = {(a, b): bool(certain) for a, b, certain in shots.reshape(-1, 3).tolist()}
    radius, complete = (None if each < 0 else each for each in radii)
    verified = VerifiedPairs(found, tuple(compared[copies:]), other_shots)
    return Searched(verified, radius, complete, candidates, dropped, local)


def keep_search(key: bytes, searched: Searched, cache: FeatureCache, *, stage: str) -> None:
    """Keep what this search found, unless a photo could not be read."""
    if not cache.failures:
        cache.save_stage_result(stage, key, searched.to_bytes())


def _with_verdicts(
    pairs: Sequence[Pair], collection: Collection, rules: Rules, cache: FeatureCache, verifier: Verifier
) -> dict[Pair, tuple[Verdict, Evidence]]:
    """Copies with their verdicts, but those of which something is missing."""
    contents = collection.contents
    there = [pair for pair in pairs if all(cache.has_details(contents[number]) for number in pair)]
    return {
        pair: found
        for pair, found in zip(there, verifier.verdicts(there), strict=True)
        if found is not None and rules.joins(contents[pair[0]], contents[pair[1]], found)
    }
