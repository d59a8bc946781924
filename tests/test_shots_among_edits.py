"""Another shot of a scene stays out of the group of a photo though it seems to be a version of an edit that hides what differs."""

from collections.abc import Sequence

import pytest

from vtsfind.act.keep_policy import policy
from vtsfind.base.groups import COPIES, Evidence, PairVerdict, Photo, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.duplicates.clustering import cluster
from vtsfind.engine.duplicates.keeper_ranking import RankedFiles
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verification import VerifiedPairs
from vtsfind.engine.duplicates.verifier import Advance
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.scope import scope
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.clustering.outvoted import Vote, is_outvoted, outvoted
from vtsfind.find.pairs import Pair

EDIT: PairVerdict = (Verdict.EDIT, Evidence(agreement=0.75))
CLEAR: PairVerdict = (Verdict.BURST, Evidence(agreement=0.8))
UNCLEAR: PairVerdict = (Verdict.BURST, Evidence(agreement=0.79))
PHOTO, WORDS, CROP, FADED, SHOT, SHOT_EDITED = range(6)
EDITS = {(PHOTO, WORDS): EDIT, (WORDS, CROP): EDIT, (WORDS, FADED): EDIT}
SEEMING = {**EDITS, (WORDS, SHOT): EDIT}


class KnownVerdicts:
    """Knows all verdicts, and remembers what it was asked."""

    def __init__(self, truth: dict[Pair, PairVerdict]) -> None:
        self.truth = truth
        self.asked: set[Pair] = set()

    def verdicts(self, pairs: Sequence[Pair], advance: Advance = print) -> list[PairVerdict]:
        del advance
        self.asked.update(pairs)
        return [self.truth.get(pair) for pair in pairs]


def content(number: int) -> Content:
    """Larger ones first, so that the photo is kept."""
    digest, info = bytes([number]) * 32, PictureInfo(900 - number, 600, format="JPEG")
    return Content(digest, info, (Photo(b"/%d" % number, Stamp(1, 1, number), digest, info),))


def grouped(
    truth: dict[Pair, PairVerdict], known: Sequence[Pair], kinds: frozenset[Verdict] = frozenset(COPIES)
) -> tuple[set[tuple[int, ...]], set[Pair]]:
    """The members of groups, and which pairs were compared for them, where some pairs are known."""
    rules = Rules(policy(), kinds, frozenset(), scope(), known_decisions())
    contents = {number: content(number) for number in range(6)}
    found = {pair: seen for pair in known if (seen := truth[pair])}
    copies = {pair: seen for pair, seen in found.items() if seen[0] in kinds}
    verified = VerifiedPairs(copies, other_shots={pair: False for pair in found if pair not in copies})
    files = RankedFiles(contents, lambda _: Details(), rules.policy, copies)
    verifier = KnownVerdicts(truth)
    made = cluster(contents, files, verified, verifier, rules)
    return {tuple(sorted((each.keeper, *each.copies))) for each in made if each.copies}, verifier.asked


def test_a_clear_other_shot_of_most_versions_is_no_version_though_the_centre_seems_to_show_it() -> None:
    truth = {**SEEMING, (PHOTO, SHOT): CLEAR, (CROP, SHOT): CLEAR}
    groups, _ = grouped(truth, [*SEEMING, (PHOTO, SHOT)])
    assert groups == {(PHOTO, WORDS, CROP, FADED)}


@pytest.mark.parametrize("second", [None, UNCLEAR, EDIT])
def test_one_clear_refusal_puts_nothing_out(second: PairVerdict) -> None:
    truth = {**SEEMING, (PHOTO, SHOT): CLEAR, (CROP, SHOT): second}
    groups, _ = grouped(truth, [*SEEMING, (PHOTO, SHOT)])
    assert groups == {(PHOTO, WORDS, CROP, FADED, SHOT)}


def test_only_clear_refusals_cost_further_comparisons() -> None:
    truth = {**SEEMING, (PHOTO, SHOT): UNCLEAR, (CROP, SHOT): CLEAR}
    groups, compared = grouped(truth, [*SEEMING, (PHOTO, SHOT)])
    assert groups == {(PHOTO, WORDS, CROP, FADED, SHOT)}
    assert (CROP, SHOT) not in compared


def test_what_is_put_out_is_grouped_with_its_own_copies() -> None:
    own = {(PHOTO, CROP): EDIT, (PHOTO, FADED): EDIT}
    shots = {(SHOT, SHOT_EDITED): EDIT, (WORDS, SHOT_EDITED): EDIT}
    clear = {(number, shot): CLEAR for number in (PHOTO, CROP, FADED) for shot in (SHOT, SHOT_EDITED)}
    truth: dict[Pair, PairVerdict] = {**SEEMING, **own, **shots, **clear}
    groups, _ = grouped(truth, [*SEEMING, *shots, (PHOTO, SHOT), (PHOTO, SHOT_EDITED)])
    assert groups == {(PHOTO, WORDS, CROP, FADED), (SHOT, SHOT_EDITED)}


def test_a_shot_that_two_edits_seem_to_show_is_not_added_against_two_clear_refusals() -> None:
    around = {(PHOTO, number): EDIT for number in (WORDS, CROP, FADED, SHOT_EDITED)}
    truth = {**around, (WORDS, SHOT): EDIT, (CROP, SHOT): EDIT, (PHOTO, SHOT): CLEAR}
    joined, _ = grouped(truth, [*around, (WORDS, SHOT)])
    assert joined == {(PHOTO, WORDS, CROP, FADED, SHOT, SHOT_EDITED)}
    apart, _ = grouped({**truth, (FADED, SHOT): CLEAR}, [*around, (WORDS, SHOT)])
    assert apart == {(PHOTO, WORDS, CROP, FADED, SHOT_EDITED)}


@pytest.mark.parametrize(
    ("others", "copies", "is_out"), [(2, 2, True), (2, 3, False), (4, 5, True), (1, 1, False)]
)
def test_clear_refusals_count_by_their_share_of_the_copies(others: int, copies: int, *, is_out: bool) -> None:
    votes = [Vote.OTHER] * others + [Vote.COPY] * copies + [Vote.NONE] * 9
    assert is_outvoted(votes) == is_out


def test_who_is_put_out_first_has_no_vote_on_the_others() -> None:
    photo, words, crop, faded, shot, other_shot = range(6)
    copies = {(photo, number) for number in range(1, 6)} | {(words, crop), (shot, other_shot)}
    others = {(number, each) for number in (words, crop, faded) for each in (shot, other_shot)}

    def vote(one: int, two: int) -> Vote:
        pair = min(one, two), max(one, two)
        return Vote.COPY if pair in copies else Vote.OTHER if pair in others else Vote.NONE

    assert outvoted([words, crop, faded, shot, other_shot], range(6), vote) == {shot, other_shot}


def test_where_other_shots_are_asked_for_they_come_together() -> None:
    burst: dict[Pair, PairVerdict] = dict.fromkeys(
        [(PHOTO, WORDS), (PHOTO, CROP), (PHOTO, FADED), (WORDS, CROP)], CLEAR
    )
    groups, _ = grouped(burst, list(burst), frozenset({Verdict.BURST}))
    assert groups == {(PHOTO, WORDS, CROP, FADED)}
