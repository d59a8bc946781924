"""Each stage of the search for duplicates, called alone: values in, values out."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from support.block_encoder import SIGNATURE

from vtsfind.act.keep_policy import policy
from vtsfind.base import bits
from vtsfind.base.groups import (
    COPIES,
    UNDECIDED,
    Evidence,
    FullFrameVerdict,
    PairVerdict,
    Photo,
    Verdict,
)
from vtsfind.base.progress import Monitor, SilentProgress
from vtsfind.base.records import Entry, Head, PictureInfo, Stamp
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.candidates import OpenPairs, propose_by_hash
from vtsfind.engine.duplicates.collection import Collection, ScopeFilter, read_collection
from vtsfind.engine.duplicates.feature_cache import FeatureCache
from vtsfind.engine.duplicates.full_frame import find_full_frame_sets
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.searched import COPIES_STAGE, Searched, keep_search, last_search
from vtsfind.engine.duplicates.verification import VerifiedPairs, verify_candidates
from vtsfind.engine.duplicates.verifier import Advance, CodeVerifier, PhotoVerifier
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.scope import Scope, scope
from vtsfind.engine.library.snapshot import Content, Snapshot
from vtsfind.find.candidates.hash_codes import HashCandidates
from vtsfind.find.pairs import CandidatePairs, Pair
from vtsfind.media.scan import stamp_of
from vtsfind.store.index import Index

RESAVE: PairVerdict = (Verdict.RESAVE, Evidence(agreement=1.0))
EDIT: PairVerdict = (Verdict.EDIT, Evidence(inliers=40, agreement=0.9))
BURST: PairVerdict = (Verdict.BURST, Evidence(inliers=20, certain=True))
TEXTS = ("/a/0", "/a/1", "/b/2", "/b/3", "/b/4")
N = len(TEXTS)


def content(number: int, width: int = 100) -> Content:
    info, digest = PictureInfo(width, width, format="JPEG"), bytes([number]) * 32
    return Content(digest, info, (Photo(TEXTS[number].encode(), Stamp(9, 9, number), digest, info),))


def collection(
    distances: Sequence[int] = (0, 1, 2, 40, 200), widths: Sequence[int] = (100,) * N
) -> Collection:
    """Contents whose codes have so many bits set, the lowest ones."""
    codes = np.packbits([[bit < count for bit in range(256)] for count in distances], axis=1)
    contents = tuple(content(number, width) for number, width in enumerate(widths))
    return Collection(contents, Head("copy", 256), bits.planes(codes), None, Snapshot())


def rules(kinds: Sequence[Verdict] = COPIES, pairs: Scope = Scope()) -> Rules:  # noqa: B008 - frozen
    return Rules(policy(), frozenset(kinds), frozenset(), pairs, known_decisions())


def candidates(*pairs: tuple[int, int, int]) -> CandidatePairs:
    """Pairs with their ranks."""
    columns = np.array(sorted(pairs), np.int64).reshape(-1, 3).T
    return CandidatePairs(*columns)


class KnownVerdicts:
    """Knows all verdicts, and remembers what it was asked."""

    def __init__(self, verdicts: dict[Pair, PairVerdict]) -> None:
        self.known = verdicts
        self.asked: list[Pair] = []

    def verdicts(self, pairs: Sequence[Pair], advance: Advance = print) -> list[PairVerdict]:
        advance(len(pairs))
        self.asked += pairs
        return [self.known.get(pair) for pair in pairs]


def verified(
    proposed: CandidatePairs, verifier: KnownVerdicts, known: VerifiedPairs | None = None
) -> VerifiedPairs:
    return verify_candidates(
        proposed,
        known or VerifiedPairs(),
        collection(),
        verifier,
        rules=rules(),
        progress=SilentProgress(),
    )


# ---------------------------------------------------------------------------------------------- snapshot


def test_the_snapshot_numbers_the_contents_that_have_a_file_and_takes_their_codes(tmp_path: Path) -> None:
    with Index.create(tmp_path / "library", SIGNATURE) as index:
        for number in range(3):
            path = tmp_path / f"{number}.jpg"
            path.touch()
            codes = {"scene": np.full(8, number, np.uint8), "copy": np.full(32, number, np.uint8)}
            info = PictureInfo(8, 8, format="JPEG")
            entry = Entry(bytes(path), stamp_of(path.stat()), bytes([number]) * 32, info, codes)
            index.add(entry)
        index.publish()
        (tmp_path / "1.jpg").unlink()
        found = read_collection(index, scope(), Monitor())
    assert [each.photos[0].path for each in found.contents] == [
        bytes(tmp_path / "0.jpg"),
        bytes(tmp_path / "2.jpg"),
    ]
    assert found.head == Head("copy", 256)
    assert found.distance((0, 1)) == 32  # one bit of each byte
    assert found.second_words is not None
    assert found.second_words.shape == (1, 2)
    assert [failure.path for failure in found.snapshot.failures] == [bytes(tmp_path / "1.jpg")]


# -------------------------------------------------------------------------------------------- candidates


def hash_candidates_of(
    folder: Path, some: Collection, filter_: ScopeFilter | None = None, radius: int = 40
) -> set[Pair]:
    context = Context(Settings())
    with FeatureCache(folder, context) as cache:
        near = propose_by_hash(some, filter_, radius, cache, context)
    return set(zip(near.firsts.tolist(), near.seconds.tolist(), strict=True))


def test_hash_candidates_are_within_the_radius_and_the_scope(tmp_path: Path) -> None:
    pairs = hash_candidates_of(tmp_path, collection())
    assert pairs == {(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)}
    across = collection().scope_filter(scope(between=[(b"/a",), (b"/b",)]))
    assert hash_candidates_of(tmp_path, collection(), across) == {(0, 2), (1, 2), (0, 3), (1, 3)}


def test_hash_candidates_after_a_change_are_those_of_a_first_search(tmp_path: Path) -> None:
    hash_candidates_of(tmp_path, collection())
    for distances in ((0, 2, 40, 41, 200), (41, 42, 43, 100, 102), (41, 42, 43, 100, 160)):
        for radius in (40, 70, 1):
            anew = hash_candidates_of(
                tmp_path / f"{distances[-1]} {radius}", collection(distances), None, radius
            )
            assert hash_candidates_of(tmp_path, collection(distances), None, radius) == anew


def test_a_content_in_several_folders_may_be_in_any_pair() -> None:
    folders = ScopeFilter(np.array([0, 0, 1, -1]), across=False)
    firsts, seconds = np.array([0, 0, 0, 2]), np.array([1, 2, 3, 3])
    assert folders(firsts, seconds).tolist() == [True, False, True, True]


def test_a_pair_is_open_until_it_is_proposed_or_connected() -> None:
    left = OpenPairs.after(candidates((0, 1, 0)), [(2, 3), (3, 4)], None, N)
    firsts, seconds = np.array([0, 0, 2, 1]), np.array([1, 2, 4, 4])
    assert left(firsts, seconds).tolist() == [False, True, False, True]


def test_what_is_open_has_another_digest_after_any_change() -> None:
    one = ScopeFilter(np.zeros(N, np.int64), across=False)
    variants = [
        OpenPairs.after(candidates((0, 1, 0)), [], None, N),
        OpenPairs.after(candidates((0, 2, 0)), [], None, N),
        OpenPairs.after(candidates((0, 1, 0)), [(2, 3)], None, N),
        OpenPairs.after(candidates((0, 1, 0)), [], one, N),
        OpenPairs.after(candidates((0, 1, 0)), [], ScopeFilter(one.folders, across=True), N),
    ]
    assert len({each.digest() for each in variants}) == len(variants)
    assert variants[0].digest() == OpenPairs.after(candidates((0, 1, 0)), [], None, N).digest()


# ---------------------------------------------------------------------------- full-frame sets, representatives


class KnownFrames(PhotoVerifier):
    """Knows which contents show the same in full, and how much detail each has."""

    def __init__(
        self, same: Callable[[int, int], FullFrameVerdict], details: Sequence[int] = (0,) * N
    ) -> None:
        self._same = same
        self._details = details

    def detail(self, number: int) -> int:
        return self._details[number]

    def full_frame_verdicts(self, pairs: Sequence[Pair]) -> list[FullFrameVerdict]:
        return [self._same(*pair) for pair in pairs]


def near_pairs(*pairs: tuple[int, int, int]) -> HashCandidates:
    """Pairs with their distances."""
    firsts, seconds, distances = np.array(sorted(pairs), np.int64).reshape(-1, 3).T
    return HashCandidates(firsts, seconds, np.zeros(len(pairs), np.int64), distances, 90, 90, len(pairs))


def test_the_largest_of_photos_that_show_the_same_represents_them() -> None:
    photos = collection(widths=(100, 400, 200, 300, 50))
    proposed = near_pairs((0, 1, 5), (1, 2, 9), (2, 3, 9), (3, 4, 200))
    found = find_full_frame_sets(
        photos,
        proposed,
        KnownFrames(lambda a, b: RESAVE if {a, b} <= {0, 1, 2} else UNDECIDED),
        rules(),
        SilentProgress(),
    )
    assert found.representative_of == {0: 1, 2: 1}
    assert set(found.copies) == {(0, 1), (1, 2)}
    left = proposed.represented(found.representative_of, len(photos))
    assert list(zip(left.firsts.tolist(), left.seconds.tolist(), strict=True)) == [(1, 3), (3, 4)]


def test_the_photo_of_which_compression_has_left_most_represents_those_that_show_the_same() -> None:
    found = find_full_frame_sets(
        collection(widths=(400, 400, 300, 200, 100)),
        near_pairs((0, 1, 5), (0, 2, 5), (3, 4, 5)),
        KnownFrames(lambda _a, _b: RESAVE, details=(10, 30, 30, 20, 9)),
        rules(),
        SilentProgress(),
    )
    assert found.representative_of == {0: 1, 2: 1, 4: 3}
    assert set(found.copies) == {(0, 1), (0, 2), (3, 4)}


def test_an_edit_or_a_kind_that_is_not_asked_for_is_not_represented() -> None:
    proposed, silent = near_pairs((0, 1, 5)), SilentProgress()
    edits = KnownFrames(lambda _a, _b: EDIT)
    assert find_full_frame_sets(collection(), proposed, edits, rules(), silent).representative_of == {}
    resaves = KnownFrames(lambda _a, _b: RESAVE)
    only_bytes = rules([Verdict.BYTES, Verdict.PIXELS])
    assert find_full_frame_sets(collection(), proposed, resaves, only_bytes, silent).copies == {}


def test_what_local_features_told_an_earlier_run_changes_no_full_frame_set() -> None:
    by_local_features = Verdict.RESAVE, Evidence(agreement=0.99, inliers=200)
    found = find_full_frame_sets(
        collection(),
        near_pairs((0, 1, 5)),
        KnownFrames(lambda _a, _b: by_local_features),
        rules(),
        SilentProgress(),
    )
    assert found.copies == {}


# ------------------------------------------------------------------------------------------- verification


def test_pairs_are_verified_by_rank_and_connected_ones_are_skipped() -> None:
    verifier = KnownVerdicts({(0, 1): RESAVE, (1, 2): EDIT})
    found = verified(candidates((0, 1, 0), (1, 2, 0), (0, 2, 1), (3, 4, 1)), verifier)
    assert verifier.asked == [(0, 1), (1, 2), (3, 4)]
    assert found.copies == {(0, 1): RESAVE, (1, 2): EDIT}
    assert found.skipped == ((0, 2),)


def test_what_earlier_stages_found_is_kept_and_connects() -> None:
    verifier = KnownVerdicts({(2, 3): RESAVE})
    earlier = VerifiedPairs({(0, 1): (Verdict.RESAVE, Evidence())}, ((1, 4),))
    found = verified(candidates((0, 1, 0), (2, 3, 0)), verifier, earlier)
    assert verifier.asked == [(2, 3)]
    assert set(found.copies) == {(0, 1), (2, 3)}
    assert found.skipped == ((1, 4), (0, 1))
    assert set(earlier.copies) == {(0, 1)}


def test_a_photo_that_is_certainly_another_shot_of_two_copies_is_not_compared_with_the_third() -> None:
    copies = {(0, 1): RESAVE, (1, 2): RESAVE}
    verifier = KnownVerdicts({**copies, (0, 4): BURST, (1, 4): BURST})
    proposed = candidates((0, 1, 0), (1, 2, 0), (0, 4, 1), (1, 4, 2), (2, 4, 3))
    found = verified(proposed, verifier)
    assert (2, 4) not in verifier.asked
    assert found.other_shots == {(0, 4): True, (1, 4): True}
    verifier.asked.clear()
    verified(candidates((2, 4, 0)), verifier, found)
    assert verifier.asked == []


class KeptStages(FeatureCache):
    """Keeps the results of stages, and has the details of all photos."""

    def __init__(self) -> None:
        self.failures = []
        self._kept: dict[str, tuple[bytes, bytes]] = {}

    def save_stage_result(self, stage: str, key: bytes, result: bytes) -> None:
        self._kept[stage] = key, result

    def stage_result(self, stage: str, key: bytes) -> bytes | None:
        known, result = self._kept.get(stage, (b"", None))
        return result if known == key else None

    def has_details(self, content: Content) -> bool:
        del content
        return True


def test_the_last_search_is_known_with_its_copies_skipped_pairs_and_other_shots() -> None:
    verifier = KnownVerdicts({(0, 1): EDIT, (1, 2): EDIT, (0, 3): BURST, (1, 3): BURST})
    proposed = candidates((0, 1, 0), (1, 2, 0), (0, 2, 1), (0, 3, 1), (1, 3, 2))
    searched = Searched(verified(proposed, verifier), 90, None, 7, 2, 1)
    assert len(searched.verified.copies) == len(searched.verified.other_shots) == 2
    cache = KeptStages()
    keep_search(b"key", searched, cache, stage=COPIES_STAGE)
    known = partial(last_search, collection=collection(), rules=rules(), cache=cache, verifier=verifier)
    assert known(b"key", stage=COPIES_STAGE) == searched
    assert known(b"other", stage=COPIES_STAGE) is None


def test_without_verification_all_within_the_radius_are_similar() -> None:
    steps: list[int] = []
    found = CodeVerifier(collection(), 38).verdicts([(0, 1), (2, 3), (0, 3)], steps.append)
    assert [each and each[0] for each in found] == [Verdict.SIMILAR, Verdict.SIMILAR, None]
    assert steps == [3]


def test_the_verdict_is_for_the_content_of_the_smaller_digest(tmp_path: Path) -> None:
    asked: list[tuple[int, int]] = []

    class Cache(FeatureCache):
        def compare(
            self, pairs: Sequence[tuple[Content, Content]], advance: Advance = print
        ) -> list[PairVerdict]:
            del advance
            asked.extend((first.digest[0], second.digest[0]) for first, second in pairs)
            return [None] * len(pairs)

    tmp_path.joinpath("library").mkdir()
    photos = collection()
    swapped = Collection(photos.contents[::-1], photos.head, photos.words, None, photos.snapshot)
    with Cache(tmp_path / "library", Context(Settings(workers=1))) as cache:
        PhotoVerifier(swapped, cache).verdicts([(0, 1), (0, 4)])
    assert asked == [(3, 4), (0, 4)]
