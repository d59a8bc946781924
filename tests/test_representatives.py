"""One photo stands for all that show the same in full: the best of them, and no pair is lost by it."""

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.find.candidates.hash_codes import HashCandidates
from vtsfind.find.clustering.representatives import representatives
from vtsfind.find.clustering.union_find import UnionFind
from vtsfind.find.pairs import Pair

N = 12


def candidates(pairs: Sequence[tuple[int, int, int]]) -> HashCandidates:
    """Pairs with their distances; ranks are as listed."""
    rows = sorted({(min(a, b), max(a, b)): d for a, b, d in pairs if a != b}.items())
    firsts, seconds = (np.array([each[0][n] for each in rows], np.int64) for n in (0, 1))
    distances = np.array([d for _, d in rows], np.int64)
    return HashCandidates(firsts, seconds, np.arange(len(rows)), distances, 100, 100, len(rows))


def representatives_of(
    near: HashCandidates, order: Sequence[int], same: Callable[[Sequence[Pair]], list[bool]]
) -> dict[int, int]:
    return representatives(near, near.distances, np.array(order), same)


drawn_pairs = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, N - 1), st.integers(0, 60)), max_size=40
)


def same_kind(kinds: Sequence[int]) -> Callable[[Sequence[Pair]], list[bool]]:
    return lambda pairs: [kinds[a] == kinds[b] for a, b in pairs]


@given(drawn_pairs, st.permutations(range(N)), st.lists(st.integers(0, 3), min_size=N, max_size=N))
def test_a_photo_is_represented_by_a_better_one_of_its_kind(
    pairs: list[tuple[int, int, int]], order: list[int], kinds: list[int]
) -> None:
    heads = representatives_of(candidates(pairs), order, same_kind(kinds))
    for photo, head in heads.items():
        assert kinds[photo] == kinds[head]
        assert order[head] < order[photo]
        assert head not in heads


@given(drawn_pairs, st.permutations(range(N)), st.lists(st.integers(0, 3), min_size=N, max_size=N))
def test_what_hung_together_still_does_when_one_stands_for_others(
    pairs: list[tuple[int, int, int]], order: list[int], kinds: list[int]
) -> None:
    proposed = candidates(pairs)
    heads = representatives_of(proposed, order, same_kind(kinds))
    fewer = proposed.represented(heads, N)
    before, after = UnionFind(), UnionFind()
    for a, b in zip(proposed.firsts.tolist(), proposed.seconds.tolist(), strict=True):
        before.join(a, b)
    for a, b in (*heads.items(), *zip(fewer.firsts.tolist(), fewer.seconds.tolist(), strict=True)):
        after.join(a, b)
    assert [before.of(n) for n in range(N)] == [after.of(n) for n in range(N)]
    asked = set(zip(fewer.firsts.tolist(), fewer.seconds.tolist(), strict=True))
    assert len(asked) == len(fewer.firsts)
    assert all(a < b and a not in heads and b not in heads for a, b in asked)


def test_each_photo_is_tried_with_the_best_and_with_the_nearest_only() -> None:
    near = candidates([(0, 3, 20), (1, 3, 5), (2, 3, 9), (0, 1, 30)])
    asked: list[Pair] = []

    def none(pairs: Sequence[Pair]) -> list[bool]:
        asked.extend(pairs)
        return [False] * len(pairs)

    assert representatives_of(near, range(4), none) == {}
    assert asked == [(0, 1), (0, 3), (1, 3)]
