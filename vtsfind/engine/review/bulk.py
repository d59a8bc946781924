"""Sets of undecided groups that can be accepted at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base.groups import Verdict
from vtsfind.base.paths import show_path_from_home
from vtsfind.base.words import listed
from vtsfind.engine.review.filters import Listing, folders, weakest_verdict
from vtsfind.engine.review.review import Review

_PLURALS = {Verdict.BYTES: "exact copies", Verdict.BURST: "other shots"}


@dataclass(frozen=True, slots=True)
class GroupSet:
    """Some undecided groups."""

    label: str
    """Which they are, for people."""
    numbers: tuple[int, ...]
    """Their indices, ascending."""
    files: int
    """Photos that accepting them removes."""
    gain: int
    """Bytes of those photos."""


@dataclass(frozen=True, slots=True)
class BulkChoices:
    """What can be accepted at once."""

    sets: tuple[GroupSet, ...]
    """No two have the same groups, and none is empty."""
    to_check: int
    """How many undecided groups are in no set, since a person has to look at them first."""


def bulk_choices(review: Review, listing: Listing, order: npt.NDArray[np.int64], number: int) -> BulkChoices:
    """The sets of groups that are like one of them, and those of all that are listed.

    Parameters
    ----------
    review, listing
        The groups.
    order
        (m,) the indices of those that are listed.
    number
        The index of the one that sets are to be like.
    """
    undecided = review.undecided(order)
    ready = [each for each in np.sort(undecided).tolist() if not review.needs_look(each)]
    removes = {each: review.removes(each) for each in ready}
    going = [each for each in ready if removes[each].files]
    idle = [each for each in ready if not removes[each].files]
    sets: dict[tuple[int, ...], GroupSet] = {}
    for label, chosen in (*_labelled(listing, number, going), *_labelled_idle(review, idle)):
        numbers = tuple(np.asarray(chosen, np.int64).tolist())
        if numbers:
            files = sum(removes[each].files for each in numbers)
            gain = sum(removes[each].gain for each in numbers)
            sets.setdefault(numbers, GroupSet(label, numbers, files, gain))
    return BulkChoices(tuple(sets.values()), len(undecided) - len(ready))


def _labelled(
    listing: Listing, number: int, going: list[int]
) -> Iterator[tuple[str, npt.NDArray[np.int64] | list[int]]]:
    """Each set of groups in which something goes, with its label; `going` are all of those."""
    group = listing.groups[number]
    verdict = weakest_verdict(group)
    alike, of_folders = (
        listing.similar_groups(number, by_folders=by_folders) for by_folders in (False, True)
    )
    where = listed(map(show_path_from_home, sorted(folders(group))))
    yield f"of this kind: {_PLURALS.get(verdict, verdict.label)}", np.intersect1d(going, alike)
    yield f"of {_kinds_up_to(verdict)}, if all their photos are in {where}", np.intersect1d(going, of_folders)
    yield "in the list: all in which something goes", going


def _labelled_idle(review: Review, idle: list[int]) -> Iterator[tuple[str, list[int]]]:
    """Each set of groups that add nothing to the plan, with its label; `idle` are all of those."""
    elsewhere = {each for each in idle if review.goes_elsewhere(each)}
    yield "in the list: all in which nothing goes", [each for each in idle if each not in elsewhere]
    yield "in the list: all in which what goes already goes with another group", sorted(elsewhere)


def _kinds_up_to(weakest: Verdict) -> str:
    """The kinds of groups whose photos are at least as much the same."""
    if weakest.rank >= Verdict.EDIT.rank:
        return "all kinds, other shots too" if weakest is Verdict.BURST else "all kinds, edited ones too"
    return listed(_PLURALS.get(each, each.label) for each in Verdict if each.rank <= weakest.rank)
