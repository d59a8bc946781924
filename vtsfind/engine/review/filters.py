"""Sorting and filtering of many groups, fast enough for every keystroke."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Group, Verdict
from vtsfind.base.words import either, file_size
from vtsfind.engine.review.overlaps import is_burst


class Sort(StrEnum):
    """What groups are sorted by; the value is its label."""

    GAIN = "size to free"
    """Most bytes to free first."""
    VERDICT = "kind"
    """The surest first."""
    FOLDER = "folder"
    """By the keeper's path."""
    DATE = "date"
    """Newest first, by the EXIF time, else by the file's time."""
    MEMBERS = "number of photos"
    """Most first."""
    FOUND = "as found"
    """By number."""


class GroupView(StrEnum):
    """Which groups are listed; the value is its label."""

    COPIES = "copies"
    """Copies of one photo."""
    BURSTS = "bursts"
    """Other shots of one scene."""
    ALL = "copies and bursts"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which groups are shown."""

    verdicts: frozenset[Verdict] = frozenset(Verdict)
    """Groups whose weakest verdict is one of these."""
    text: str = ""
    """Words that must all be in the path of one member, ignoring case; empty for all."""
    gain: int = 0
    """Bytes that a group must free at least."""
    in_doubt: bool = False
    """Whether only groups pass that a person should look at, see `Group.needs_look`."""

    def __str__(self) -> str:
        """The filter in words; empty if every group passes.

        >>> str(parse_filter("kind:edit,burst 2021 >1.5MB")), str(Filter())
        ("edited or other shot, '2021', frees \u2265 1.5 MB", '')
        """
        parts = []
        if self.verdicts != frozenset(Verdict):
            parts.append(either(verdict.label for verdict in Verdict if verdict in self.verdicts))
        parts += [f"'{word}'" for word in self.text.split()]
        if self.gain:
            parts.append(f"frees \u2265 {file_size(self.gain)}")
        if self.in_doubt:
            parts.append("to check")
        return ", ".join(parts)


_VERDICTS = tuple(Verdict)
_SIMILAR = Verdict.SIMILAR.rank


IN_DOUBT = "is:check"
"""The word of a filter for the groups that a person has to look at."""
_SIZE_MULTIPLIERS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_SIZE_PATTERN = re.compile(r"[>+]([0-9.]+)([kmgt]?)b?")


def parse_filter(text: str) -> Filter:
    """Parse a filter: words of paths, `kind:edit,burst`, `>5MB`, `is:check`.

    Raises
    ------
    UsageError
        For an unknown kind.

    >>> sorted(parse_filter("kind:edit,burst 2021 >1.5MB").verdicts), parse_filter("2021 >1.5MB").gain, parse_filter("a b").text
    ([<Verdict.BURST: 'burst'>, <Verdict.EDIT: 'edit'>], 1500000, 'a b')
    """
    verdicts, gain, in_doubt, words = frozenset(Verdict), 0, False, []
    for word in text.split():
        size = _SIZE_PATTERN.fullmatch(word.lower())
        if word.startswith("kind:"):
            names = word.removeprefix("kind:").split(",")
            unknown = [name for name in names if name not in set(Verdict)]
            if unknown:
                raise UsageError(f"There is no kind '{unknown[0]}'.", f"Kinds: {', '.join(Verdict)}.")
            verdicts = frozenset(Verdict(name) for name in names)
        elif word == IN_DOUBT:
            in_doubt = True
        elif size and size[1].count(".") <= 1 and size[1] != ".":
            gain = int(float(size[1]) * _SIZE_MULTIPLIERS[size[2]])
        else:
            words.append(word)
    return Filter(verdicts, " ".join(words), gain, in_doubt)


def weakest_verdict(group: Group) -> Verdict:
    """The weakest verdict of a group's members."""
    return _VERDICTS[_gains_and_ranks([group])[1][0]]


def _gains_and_ranks(groups: Iterable[Group]) -> tuple[list[int], list[int]]:
    """Of each group the bytes to free, and the rank of the weakest verdict.

    Both in one walk without calls for each group: the members of 100,000 groups are scattered over the memory.
    """
    gains, ranks = [], []
    for group in groups:
        gain, rank = 0, -1
        for member in group.members:
            verdict = member.verdict
            if verdict and verdict.rank > rank:
                rank = verdict.rank
            if member.may_go:
                gain += member.photo.stamp.size
        gains.append(gain)
        ranks.append(_SIMILAR if rank < 0 else rank)
    return gains, ranks


def folders(group: Group) -> frozenset[bytes]:
    """The folders of a group's photos."""
    return frozenset(os.path.dirname(member.photo.path) for member in group.members)


def taken(group: Group) -> str:
    """The keeper's time of the shot, `YYYY-MM-DD HH:MM:SS`; empty without one."""
    return group.keeper.info.taken or ""


class Listing:
    """The sort and filter keys of groups, computed once.

    Parameters
    ----------
    groups
        All groups.
    copies
        How many of them are groups of copies, the first; None if all are. The others are bursts.
    """

    def __init__(self, groups: Sequence[Group], copies: int | None = None) -> None:
        self.groups = groups
        self._copies = len(groups) if copies is None else copies
        gains, ranks = _gains_and_ranks(groups)
        self.gains: npt.NDArray[np.int64] = np.array(gains, np.int64)
        """(n,) bytes."""
        self.ranks: npt.NDArray[np.uint8] = np.array(ranks, np.uint8)
        """(n,) rank of the weakest verdict."""

    def with_bursts(self, bursts: Sequence[Group]) -> "Listing":
        """The listing of these groups of copies and some bursts."""
        both = Listing(bursts, 0)
        both.groups, both._copies = [*self.groups, *bursts], len(self.groups)
        both.gains, both.ranks = np.append(self.gains, both.gains), np.append(self.ranks, both.ranks)
        return both

    def bursts(self) -> list[int]:
        """The indices of the groups that have other shots of a scene."""
        weak = np.flatnonzero(self.ranks >= Verdict.BURST.rank).tolist()
        return [place for place in weak if is_burst(self.groups[place])]

    def view_of(self, place: int) -> GroupView:
        """The view that has a group."""
        return GroupView.COPIES if place < self._copies else GroupView.BURSTS

    def count(self, view: GroupView) -> int:
        """The number of groups of a view."""
        counts = {GroupView.COPIES: self._copies, GroupView.BURSTS: len(self.groups) - self._copies}
        return counts.get(view, len(self.groups))

    def order(
        self,
        sort: Sort = Sort.GAIN,
        criteria: Filter | None = None,
        view: GroupView = GroupView.ALL,
        *,
        is_reversed: bool = False,
    ) -> npt.NDArray[np.int64]:
        """The indices of the groups of a view that pass the filter, sorted; equal ones in their original order.

        Returns
        -------
        (m,) int64.
        """
        places = self._matching(criteria or Filter())
        if view is not GroupView.ALL:
            places = places[(places < self._copies) == (view is GroupView.COPIES)]
        keys = self._keys(sort)[places]
        if is_reversed:  # still stable: equal groups stay in their order
            places, keys = places[::-1], keys[::-1]
            return np.asarray(places[np.argsort(keys, kind="stable")][::-1])
        return np.asarray(places[np.argsort(keys, kind="stable")])

    def counts(self) -> dict[Verdict, int]:
        """For each verdict, the number of groups with it as their weakest."""
        return {verdict: int((self.ranks == verdict.rank).sum()) for verdict in Verdict}

    def similar_groups(self, place: int, *, by_folders: bool) -> npt.NDArray[np.int64]:
        """The groups with the same weakest verdict as one, or those with photos in the same folders.

        Of the groups in the same folders, only those with a verdict at least as strong.
        """
        if not by_folders:
            return np.flatnonzero(self.ranks == self.ranks[place])
        own = folders(self.groups[place])
        candidates = np.flatnonzero(self.ranks <= self.ranks[place])
        return np.asarray(
            [each for each in candidates.tolist() if folders(self.groups[each]) == own], dtype=np.int64
        )

    def _matching(self, criteria: Filter) -> npt.NDArray[np.int64]:
        ranks = [verdict.rank for verdict in criteria.verdicts]
        places = np.flatnonzero(np.isin(self.ranks, ranks) & (self.gains >= criteria.gain))
        if criteria.in_doubt:
            doubtful = (self.groups[place].needs_look for place in places.tolist())
            places = places[np.fromiter(doubtful, np.bool_, len(places))]
        words = [os.fsencode(word) for word in criteria.text.lower().split()]
        if not words:
            return places
        return np.asarray(
            [
                place
                for place in places.tolist()
                if any(
                    all(word in path for word in words)
                    for path in (member.photo.path.lower() for member in self.groups[place].members)
                )
            ],
            dtype=np.int64,
        )

    def _keys(self, sort: Sort) -> npt.NDArray[np.generic]:
        groups = self.groups
        match sort:
            case Sort.GAIN:
                return -self.gains
            case Sort.VERDICT:
                return self.ranks.astype(np.int64) * (1 << 55) - self.gains
            case Sort.MEMBERS:
                return np.fromiter((-len(group.members) for group in groups), np.int64, len(groups))
            case Sort.FOLDER:
                return _dense_ranks([group.keeper.path for group in groups])
            case Sort.DATE:
                return -_dense_ranks([_time(group).encode() for group in groups])
            case Sort.FOUND:
                return np.arange(len(groups))


def _dense_ranks(values: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """The rank of each value among the distinct ones."""
    ranks = {value: rank for rank, value in enumerate(sorted(set(values)))}
    return np.fromiter((ranks[value] for value in values), np.int64, len(values))


def _time(group: Group) -> str:
    keeper = group.keeper
    if keeper.info.taken:
        return keeper.info.taken
    try:
        return datetime.fromtimestamp(keeper.stamp.mtime_ns / 1e9).astimezone().isoformat(" ")
    except (OSError, OverflowError, ValueError):
        return ""
