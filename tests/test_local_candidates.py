"""Candidate pairs by local features: what codes of whole pictures miss, and never more than can be compared."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from support.textures import photograph

from vtsfind.base.progress import Cancelled, CancelToken, Monitor, Phase, SilentProgress
from vtsfind.find.candidates import local_features as module
from vtsfind.find.candidates import visual_words as vocabulary
from vtsfind.find.candidates.local_features import (
    MAX_MEAN_PAIRS_PER_PHOTO,
    MAX_PAIRS_PER_PHOTO,
    LocalCandidates,
    local_candidates,
)
from vtsfind.find.candidates.visual_words import MAX_CHANCE_NEIGHBOURS, Points, points, signs_for, words
from vtsfind.find.features.features import Features, LocalFeatures, features

UNRELATED = range(20, 44)


def seen(image: Image.Image) -> Features:
    return features(np.asarray(image.convert("RGB")))


@cache
def photo(seed: int) -> Features:
    return seen(photograph(seed))


@cache
def unrelated() -> tuple[Features, ...]:
    return tuple(photo(seed) for seed in UNRELATED)


def collage(*seeds: int) -> Image.Image:
    """Four photos, two by two, on white."""
    canvas = Image.new("RGB", (400, 304), "white")
    for n, seed in enumerate(seeds):
        canvas.paste(photograph(seed).resize((192, 144)), (n % 2 * 204 + 2, n // 2 * 156 + 2))
    return canvas


def digest(each: Features, n: int = 0) -> bytes:
    return hashlib.sha256(each.to_bytes() + bytes([n % 256, n // 256])).digest()


def found(photos: Sequence[Features], **options: object) -> LocalCandidates:
    digests = [digest(each, n) for n, each in enumerate(photos)]
    return local_candidates(digests, lambda place: points(photos[place].coarse), **options)  # type: ignore[arg-type]


def pairs_of(result: LocalCandidates) -> set[tuple[int, int]]:
    return set(zip(result.firsts.tolist(), result.seconds.tolist(), strict=True))


# ------------------------------------------------------------------------------------------- what is proposed


@pytest.mark.parametrize("seeds", [(1, 90, 91, 92), (90, 1, 91, 92), (90, 91, 92, 1)], ids=str)
def test_a_photo_inside_a_collage_is_proposed(seeds: tuple[int, ...]) -> None:
    result = found([photo(1), *unrelated(), seen(collage(*seeds))])
    assert (0, 1 + len(UNRELATED)) in pairs_of(result)


def test_each_photo_of_a_collage_is_proposed() -> None:
    result = found([*unrelated(), seen(collage(20, 25, 30, 35))])
    assert pairs_of(result) >= {(n, len(UNRELATED)) for n in (0, 5, 10, 15)}


@pytest.mark.parametrize("degrees", [0, 90, 200])
def test_a_mirrored_crop_is_proposed_however_it_is_turned(degrees: int) -> None:
    crop = ImageOps.mirror(photograph(1).crop((120, 60, 320, 220))).rotate(degrees, expand=True)
    result = found([seen(crop), *unrelated(), photo(1)])
    assert (0, 1 + len(UNRELATED)) in pairs_of(result)


def test_unrelated_photos_are_not_proposed() -> None:
    assert len(found(unrelated()).firsts) == 0


def test_a_stronger_likeness_has_more_votes_and_a_better_rank() -> None:
    near, far = photograph(1).crop((10, 10, 380, 280)), photograph(1).crop((150, 100, 330, 230))
    result = found([seen(near), photo(1), seen(far), *unrelated()])
    votes = dict(
        zip(zip(result.firsts.tolist(), result.seconds.tolist(), strict=True), result.votes, strict=True)
    )
    assert votes[0, 1] > votes[1, 2] >= module.MIN_VOTES
    assert result.ranks[list(votes).index((0, 1))] == 0


def test_pairs_that_are_not_wanted_do_not_use_up_a_photos_share() -> None:
    copies = [seen(photograph(1).crop((n, n, 384 - n, 288 - n))) for n in range(12)]
    photos = [*copies, *unrelated(), seen(collage(1, 90, 91, 92))]
    last = len(photos) - 1
    result = found(photos, wanted=lambda firsts, seconds: np.maximum(firsts, seconds) == last)
    assert {second for _, second in pairs_of(result)} == {last}
    assert len(result.firsts) == len(copies)  # each has one other, which has more than its share


# --------------------------------------------------------------------------------------------- no surprises


@pytest.mark.parametrize("n", [0, 1, 3])
def test_no_points_no_pairs(n: int) -> None:
    black = seen(Image.new("RGB", (200, 150)))
    assert len(black.coarse.packed_points) == 0
    assert len(found([black] * n).firsts) == 0


def test_ten_thousand_black_frames_do_not_hide_what_a_few_photos_have_in_common() -> None:
    black = seen(Image.new("RGB", (200, 150)))
    result = found([black] * 5000 + [photo(1), seen(collage(1, 90, 91, 92))] + [black] * 5000)
    assert pairs_of(result) == {(5000, 5001)}


def test_thousands_of_equal_photos_make_no_pairs_and_no_comparisons(monkeypatch: pytest.MonkeyPatch) -> None:
    same = photo(1)
    coarse = LocalFeatures(same.coarse.packed_points[:16], same.coarse.descriptors[:16])
    few = replace(same, coarse=coarse, found=None)
    compared = []
    count_bits = np.bitwise_count

    def counting(words: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]) -> object:
        compared.append(len(words))
        return count_bits(words)

    monkeypatch.setattr(np, "bitwise_count", counting)
    assert len(found([few] * 3_000).firsts) == 0
    assert sum(compared) == 0


def test_two_dozen_near_copies_make_few_pairs() -> None:
    base = photograph(1)
    copies = [seen(base.crop((n, n // 2, 360 + n, 260 + n // 2))) for n in range(24)]
    result = found(copies)
    assert 0 < len(result.firsts) <= MAX_MEAN_PAIRS_PER_PHOTO * 24
    assert result.ranks.max() < MAX_PAIRS_PER_PHOTO


@settings(max_examples=4)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_photos_does_not_matter(random: object) -> None:
    photos = [
        photo(1),
        *unrelated()[:6],
        seen(collage(1, 20, 91, 92)),
        seen(photograph(1).crop((9, 9, 300, 250))),
    ]
    order = list(range(len(photos)))
    random.shuffle(order)  # type: ignore[attr-defined]
    digests = [digest(each) for each in photos]

    def told(result: LocalCandidates, names: Sequence[int]) -> set[tuple[frozenset[int], int, int]]:
        sides = zip(result.firsts, result.seconds, strict=True)
        both = [frozenset((names[a], names[b])) for a, b in sides]
        return set(zip(both, result.votes.tolist(), result.ranks.tolist(), strict=True))

    plain = local_candidates(digests, lambda place: points(photos[place].coarse))
    mixed = local_candidates([digests[n] for n in order], lambda place: points(photos[order[place]].coarse))
    assert len(plain.firsts) >= 3
    assert told(plain, range(len(photos))) == told(mixed, order)


def test_how_many_are_counted_at_once_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [photo(1), *unrelated()[:6], seen(collage(1, 22, 24, 92))]
    whole = found(photos)
    monkeypatch.setattr(module, "_PHOTOS_PER_BLOCK", 50)
    monkeypatch.setattr(module, "_POINTS_PER_CHUNK", 777)
    monkeypatch.setattr(vocabulary, "_DESCRIPTORS_PER_BATCH", 301)
    parts = found(photos)
    for name in ("firsts", "seconds", "votes", "ranks"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name))


def test_in_a_large_library_the_larger_points_stand_for_a_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [photo(1), *unrelated(), seen(photograph(1).crop((20, 20, 350, 260)))]
    monkeypatch.setattr(module, "MAX_POINTS", 100 * len(photos))
    result = found(photos)
    assert pairs_of(result) == {(0, len(photos) - 1)}
    assert result.votes[0] <= 100


def test_the_watcher_hears_of_each_photo_and_can_stop_it() -> None:
    class Watcher(SilentProgress):
        def __init__(self) -> None:
            self.told: list[object] = []

        def start(self, phase: Phase, total: int | None) -> None:
            self.told.append((phase, total))

        def advance(self, steps: int = 1, note: str = "") -> None:
            del note
            self.told.append(steps)

    watcher, cancel = Watcher(), CancelToken()
    found(unrelated(), monitor=Monitor(progress=watcher))
    assert watcher.told == [(Phase.MATCH_LOCAL_FEATURES, len(UNRELATED)), *[1] * len(UNRELATED)]
    cancel.cancel()
    with pytest.raises(Cancelled):
        found(unrelated(), monitor=Monitor(cancel=cancel))


# ---------------------------------------------------------------------------------------------------- words


def mirrored(
    descriptors: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """What SIFT sees of a mirror image: rows and directions the other way round."""
    cells = descriptors.reshape(-1, 4, 4, 8)[:, ::-1]
    return cells[..., (-np.arange(8)) % 8].reshape(-1, 128)


def all_points(photos: Sequence[Features]) -> Points:
    return np.concatenate([points(each.coarse) for each in photos])


def test_a_mirror_image_has_the_same_words_and_signatures_exchanged() -> None:
    local = photo(1).coarse
    plain, other = points(local), points(LocalFeatures(local.packed_points, mirrored(local.descriptors)))
    assert np.array_equal(words(plain, 3), words(other, 3))
    assert np.array_equal(plain["signature"], other["signature"])
    assert (plain["swapped"] ^ other["swapped"]).mean() > 0.9


def test_the_largest_points_come_first() -> None:
    sizes = points(photo(1).coarse)["size"].astype(int)
    assert (np.diff(sizes) <= 0).all()


def test_words_are_the_finer_the_more_points_there_are() -> None:
    sample = all_points(unrelated())
    signs = [signs_for(sample, total) for total in (10**3, 10**5, 10**7, 10**9)]
    assert signs[0] == 0
    assert signs == sorted(signs)
    assert signs[-1] == vocabulary.MAX_SIGNS_IN_WORD


def test_few_points_share_a_word_by_chance() -> None:
    sample = all_points(unrelated())
    _, counts = np.unique(words(sample, signs_for(sample, len(sample))), return_counts=True)
    assert (counts * counts).sum() / counts.sum() <= MAX_CHANCE_NEIGHBOURS + 1


@given(st.lists(st.integers(0, 5), max_size=400), st.integers(1, 9))
def test_what_comes_after_a_point_is_counted_within_its_word(runs: list[int], per_chunk: int) -> None:
    rising = np.repeat(np.arange(len(runs), dtype=np.uint64), runs)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_POINTS_PER_CHUNK", per_chunk)
        patched.setattr(module, "_MAX_POINTS_PER_WORD", 3)
        counted = module._counted_after(rising).tolist()
    assert counted == [n if run <= 3 else 0 for run in runs for n in range(run - 1, -1, -1)]


@given(st.lists(st.tuples(*[st.integers(0, 2**40)] * 4)))
def test_pairs_come_back_from_their_bytes_as_they_were(rows: list[tuple[int, ...]]) -> None:
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    back = LocalCandidates.from_bytes(LocalCandidates(*columns).to_bytes())
    assert np.array_equal([back.firsts, back.seconds, back.ranks, back.votes], columns)
