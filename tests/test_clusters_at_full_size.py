"""What small pictures take for copies is looked at in full: another amount on the same form is another page."""

from collections.abc import Sequence
from itertools import combinations

import pytest

from vtsfind.act.keep_policy import policy
from vtsfind.base.groups import COPIES, Box, Difference, EditNote, Evidence, PairVerdict, Photo, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.duplicates.clustering import INDIRECT, Cluster
from vtsfind.engine.duplicates.full_size import cluster_at_full_size
from vtsfind.engine.duplicates.keeper_ranking import RankedFiles
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verification import VerifiedPairs
from vtsfind.engine.duplicates.verifier import Advance
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.scope import scope
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.pairs import Pair, ordered_pair

RESAVE: PairVerdict = Verdict.RESAVE, Evidence(agreement=1.0)
EDIT: PairVerdict = Verdict.EDIT, Evidence(agreement=1.0)
Differences = dict[Pair, Difference | None]


class Pages:
    """Pages of falling size, of which all are copies of each other in small pictures, or what else is said of them.

    Parameters
    ----------
    amounts
        What is on each: pages with another amount differ in it at full size.
    verdicts
        Of pairs in small pictures, if not `RESAVE`.
    differences
        At full size, if not by the amounts.
    files
        Files of each.
    """

    def __init__(
        self,
        amounts: Sequence[int],
        verdicts: dict[Pair, PairVerdict] | None = None,
        differences: Differences | None = None,
        files: int = 1,
    ) -> None:
        self.contents = {n: _content(n, 900 - n, files) for n in range(len(amounts))}
        self._amounts, self._verdicts = amounts, verdicts or {}
        self._differences: Differences = differences or {}
        self.asked: list[list[Pair]] = []
        self.compared: list[Pair] = []

    def verdicts(self, pairs: Sequence[Pair], advance: Advance = print) -> list[PairVerdict]:
        """In small pictures."""
        del advance
        self.asked.append([*pairs])
        return [self._verdicts.get(each, RESAVE) for each in pairs]

    def differences(self, pairs: Sequence[tuple[Content, Content, int]]) -> list[Difference | None]:
        """At full size."""
        numbers = [ordered_pair(first.digest[0], second.digest[0]) for first, second, _ in pairs]
        self.compared += numbers
        return [self._differences.get(each, self._of_amounts(*each)) for each in numbers]

    def _of_amounts(self, first: int, second: int) -> Difference:
        same = self._amounts[first] == self._amounts[second]
        return Difference.NONE if same else Difference.REPLACED

    def clusters(
        self, kinds: Sequence[Verdict] = COPIES, compared: Sequence[Pair] | None = None
    ) -> list[Cluster]:
        """Those of all pages, of which some pairs were compared: each with the first, if nothing else is said."""
        rules = Rules(policy(), frozenset(kinds), frozenset(), scope(), known_decisions())
        pairs = [(0, n) for n in self.contents if n] if compared is None else compared
        verified = VerifiedPairs(
            {pair: found for pair in pairs if (found := self._verdicts.get(pair, RESAVE))}
        )
        files = RankedFiles(self.contents, lambda _: Details(), rules.policy, verified.copies)
        return cluster_at_full_size(
            self.contents, files, verified, self, compare=self.differences, rules=rules
        )


def _content(number: int, width: int, files: int) -> Content:
    info, digest = PictureInfo(width, 600, format="PNG"), bytes([number]) * 32
    photos = (Photo(b"/%d/%d" % (number, n), Stamp(width, 1, number), digest, info) for n in range(files))
    return Content(digest, info, tuple(photos))


def together(clusters: Sequence[Cluster]) -> list[set[int]]:
    return [{each.keeper, *each.copies} for each in clusters]


def test_pages_of_one_form_with_other_amounts_are_grouped_by_amount() -> None:
    assert together(Pages([1, 2, 1, 3, 2, 3]).clusters()) == [{0, 2}, {1, 4}, {3, 5}]


def test_a_page_that_has_no_copy_is_in_no_group_but_for_files_of_its_own() -> None:
    assert together(Pages([1, 2, 3]).clusters()) == []
    assert together(Pages([1, 2, 3], files=2).clusters()) == [{0}, {1}, {2}]


def test_pages_that_leave_two_groups_are_one_if_they_were_found_to_be_copies() -> None:
    known = [(0, 1), (0, 2), (2, 5), (3, 4), (3, 5)]
    edits: dict[Pair, PairVerdict] = {
        pair: EDIT if pair in known else None for pair in combinations(range(6), 2)
    }
    pages = Pages([1, 1, 2, 3, 3, 2], edits)
    assert together(pages.clusters(compared=known)) == [{0, 1}, {3, 4}, {2, 5}]


def test_what_is_likely_asked_for_is_compared_at_once() -> None:
    chains = [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6), (6, 7)]
    pages = Pages([1] * 8, dict.fromkeys(chains, EDIT) | dict.fromkeys([(1, 3), (5, 7)]))
    pages.clusters(compared=chains)
    assert [(1, 3), (5, 7)] in pages.asked


def test_of_many_pages_only_some_rounds_are_compared() -> None:
    pages = Pages(range(40), files=2)
    assert together(pages.clusters()) == [{n} for n in range(40)]
    assert len(pages.compared) == 39 + 38 + 37 + 36


@pytest.mark.parametrize(
    ("difference", "note"),
    [(Difference.PART, EditNote.DIFFERS_IN_FULL), (None, EditNote.NOT_COMPARED_IN_FULL)],
)
def test_what_differs_in_a_part_or_could_not_be_read_is_an_edit(
    difference: Difference | None, note: EditNote
) -> None:
    pages = Pages([1, 1, 1], differences={(0, 1): difference})
    (found,) = pages.clusters()
    assert {n: verdict for n, (verdict, _) in found.copies.items()} == {1: Verdict.EDIT, 2: Verdict.RESAVE}
    assert found.copies[1][1].note == note


def test_what_is_no_copy_of_the_kinds_that_are_asked_for_is_clustered_anew() -> None:
    pages = Pages([1, 1, 1], differences={(0, 1): Difference.PART, (0, 2): Difference.PART})
    assert together(pages.clusters([Verdict.RESAVE])) == [{1, 2}]


def test_an_edit_that_lies_frame_on_frame_stays_one_whatever_else_is_seen_in_full() -> None:
    for difference in (Difference.NONE, Difference.PART, None):
        (found,) = Pages([1, 1], {(0, 1): EDIT}, {(0, 1): difference}).clusters()
        assert found.copies == {1: EDIT}
    assert Pages([1, 2], {(0, 1): EDIT}).clusters() == []


def test_what_does_not_lie_frame_on_frame_is_not_compared_in_full() -> None:
    crop: PairVerdict = Verdict.EDIT, Evidence(box=Box(0, 0, 0.5, 1), boxed=0)
    same: PairVerdict = Verdict.PIXELS, Evidence()
    for verdict in (crop, same, INDIRECT):
        pages = Pages([1, 2], {(0, 1): verdict})
        assert together(pages.clusters()) == [{0, 1}]
        assert pages.compared == []
