"""Which photos of a library are copies of each other: candidates by code, decided by looking, grouped around what to keep.

Photos that were looked at are also compared if they show the same details, however far their codes are apart: a photo and a
collage with it, say. Photos whose codes have no candidate at all are not looked at, so nothing more is known of them.
A photo that was found to be another shot of several copies of one picture is not compared with further ones of them.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vtsfind.act.policy import DEFAULT_RULES, policy
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import COPIES, UNDECIDED, Evidence, Group, Seen, Verdict
from vtsfind.base.progress import CancelToken, Phase, Progress, Silent
from vtsfind.base.records import Failure, Head
from vtsfind.base.settings import Settings
from vtsfind.engine.calibration.curve import radius_for
from vtsfind.engine.duplicates.feature_cache import Looking
from vtsfind.engine.duplicates.grouping import Grouping, Rules
from vtsfind.engine.library.access import open_library
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.scope import scope
from vtsfind.engine.library.sidecars import Units
from vtsfind.engine.library.snapshot import Content, Inventory, take_inventory, with_companions
from vtsfind.find.candidates.hash_codes import Candidates, candidates
from vtsfind.find.candidates.local_features import Sightings, sightings
from vtsfind.find.clustering.representatives import stand_ins, without
from vtsfind.find.clustering.stars import Families, OtherShots, Pair
from vtsfind.find.hamming.distance import Integers, differing
from vtsfind.find.verification.extract import sight_version
from vtsfind.media.scan import normalised
from vtsfind.store.index import Index, Planes

HEAD = "copy"
"""The head whose codes say whether it is the same picture."""
NEAR = 0.1
"""Share of the bits up to which two photos may be one and the same in another file: these are decoded in full."""
_ALIKE = 0.25
"""Share of the bits up to which it is tried whether two photos show the same in full."""
_MIXED = -1
_TOGETHER = 4096
"""Pairs that are compared between two words to the watcher."""


@dataclass(frozen=True, slots=True)
class DupesWish:
    """What is wanted of a search for duplicates. Folders are as the user calls them."""

    kinds: frozenset[Verdict] = frozenset(COPIES)
    """The verdicts that make two photos members of one group."""
    radius: int | None = None
    """Look at pairs at most so many bits apart; None for what fits the library."""
    verify: bool = True
    """Whether to look at the photos at all: if not, what is near by code is grouped as `similar`, and no more is known."""
    max_false_merge: float | None = None
    """The radius is to be such that at most this share of pairs of strangers is within; by `vtsfind calibrate`."""
    between: tuple[str | bytes, ...] = ()
    """Only pairs with one photo in one of these folders and the other in another."""
    within: tuple[str | bytes, ...] = ()
    """Only pairs with both photos in the same of these folders."""
    reference: tuple[str | bytes, ...] = ()
    """Folders whose photos are kept whatever the rules say, and never proposed to go."""
    prefer: tuple[str | bytes, ...] = ()
    """Folders whose photos are rather kept, the most preferred first."""
    rules: tuple[str, ...] = DEFAULT_RULES
    """What decides which photo of a group is kept; see `vtsfind.act.policy`."""

    def keeping_by(self, rules: Sequence[str]) -> "DupesWish":
        """The same wish with other keep rules."""
        return replace(self, rules=tuple(rule.strip() for rule in rules))


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was done."""

    photos: int = 0
    """Files that were there."""
    aliases: int = 0
    """Paths that lead to a file which is there by another path already."""
    candidates: int = 0
    """Pairs whose codes were near."""
    dropped: int = 0
    """Pairs within the radius that were left out, since their photos have nearer ones."""
    sighted: int = 0
    """Further pairs whose photos have details in common."""
    looked: int = 0
    """Photos that were read; others were looked at in an earlier run, or have nothing near them."""
    compared: int = 0
    """Pairs that were compared; others were in an earlier run."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The groups, and what they rest on."""

    library: Path
    model: str
    head: Head
    """The head whose codes proposed the pairs."""
    radius: int | None
    """In bits; None if no codes were compared."""
    complete: int | None
    """Within which all pairs were found: less than `radius` if there are very many photos. None with it."""
    verified: bool
    """Whether the photos were looked at. If not, the groups are candidates, and nothing may be done by them."""
    groups: tuple[Group, ...]
    failures: tuple[Failure, ...] = ()
    """Photos that could not be judged: gone, changed since they were indexed, unreadable."""
    absent: dict[bytes, int] = field(default_factory=dict)
    """Folders of the library that are missing or empty, and how many photos the library has there."""
    tally: Tally = Tally()
    unkept: str = ""
    """Why a second run will be no quicker; empty if it will."""


def duplicates(
    settings: Settings,
    wish: DupesWish,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Duplicates:
    """Find groups of copies in the library that the settings name.

    Parameters
    ----------
    settings
        Name the library; the limits of decoding.
    wish
        What is wanted.
    progress, cancel
        The watcher, and whether to stop. What was found out until then is kept.

    Raises
    ------
    UsageError
        If the wish contradicts itself.
    StorageError
        If the library cannot be used.
    Cancelled
        If `cancel` says so.
    """
    progress, cancel = progress or Silent(), cancel or CancelToken()
    rules = _rules(wish)
    with open_library(settings) as index:
        search = _Search(index, settings, wish, rules=rules, progress=progress, cancel=cancel)
        return search.result()


def _rules(wish: DupesWish) -> Rules:
    if wish.radius is None and (not wish.verify or Verdict.SIMILAR in wish.kinds):
        raise UsageError(
            "How alike photos must be to be similar is for you to say.", "Add --radius BITS, 24 for a start."
        )
    if wish.radius is not None and wish.max_false_merge is not None:
        raise UsageError("--radius and --max-false-merge exclude each other.", "Choose one.")
    return Rules(
        policy(wish.rules, prefer=_folders(wish.prefer), reference=_folders(wish.reference)),
        wish.kinds if wish.verify else frozenset({Verdict.BYTES, Verdict.SIMILAR}),
        scope(between=_folders(wish.between), within=_folders(wish.within)),
        known_decisions(),
    )


def _folders(names: Iterable[str | bytes]) -> tuple[bytes, ...]:
    return tuple(normalised(os.fsencode(name)) for name in names)


class _Search:
    """One search."""

    def __init__(
        self,
        index: Index,
        settings: Settings,
        wish: DupesWish,
        *,
        rules: Rules,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._index = index
        self._settings = settings
        self._wish = wish
        self._rules = rules
        self._progress = progress
        self._cancel = cancel
        heads = {head.name: head for head in index.signature.heads}
        self._head = heads.get(HEAD, index.signature.heads[0])
        self._others = [name for name in heads if name != self._head.name]
        self._inventory: Inventory = take_inventory(index, rules.scope, cancel)
        self._planes: Planes = index.planes(self._head.name)
        self._columns = np.flatnonzero(np.isin(self._planes.rows, list(self._inventory.contents)))
        self._contents = [self._inventory.contents[int(row)] for row in self._planes.rows[self._columns]]
        self._words = np.ascontiguousarray(self._planes.words[:, self._columns])
        self._families = Families()
        self._other_shots = OtherShots(self._families)
        self._spared: list[Pair] = []
        """Proposed pairs that were not compared, since they hang together through others."""
        self._sighted = 0

    def result(self) -> Duplicates:
        """Do it."""
        proposed = self._proposed()
        with Looking(self._index.folder, self._settings, self._progress, self._cancel) as looking:
            found = self._found(looking, proposed) if self._wish.verify else self._near(proposed)
            groups = self._groups(looking, found)
            failures = (*self._inventory.failures, *looking.failures)
            tally = Tally(
                photos=sum(len(content.photos) for content in self._contents),
                aliases=self._inventory.aliases,
                candidates=len(proposed.firsts) if proposed else 0,
                dropped=proposed.within - len(proposed.firsts) if proposed else 0,
                sighted=self._sighted,
                looked=looking.looked,
                compared=looking.compared,
            )
        return Duplicates(
            self._index.folder,
            self._index.signature.model,
            self._head,
            proposed.radius if proposed else None,
            proposed.complete if proposed else None,
            self._wish.verify,
            groups,
            failures,
            self._inventory.absent,
            tally,
            looking.unkept,
        )

    def _proposed(self) -> Candidates | None:
        """The pairs worth a look; None if no codes are needed."""
        if self._rules.kinds <= {Verdict.BYTES}:
            return None
        other = None
        if self._others and self._head.name == HEAD:
            other = self._index.planes(self._others[0]).words[:, self._columns]
        return candidates(
            self._words,
            radius=self._radius(),
            other=other,
            wanted=self._wanted if self._rules.scope.folders else None,
            progress=self._progress,
            cancel=self._cancel,
        )

    def _radius(self) -> int | None:
        """The radius that was asked for, in bits; None if it is left to fit the library."""
        if self._wish.max_false_merge is None:
            return self._wish.radius
        return radius_for(self._index.folder, self._wish.max_false_merge, signature=self._index.signature)

    def _wanted(self, firsts: Integers, seconds: Integers) -> npt.NDArray[np.bool_]:
        """Whether pairs of contents can be pairs that are asked about, by the folders that their files lie in."""
        a, b = self._places[firsts], self._places[seconds]
        mixed = (a == _MIXED) | (b == _MIXED)
        asked: npt.NDArray[np.bool_] = mixed | ((a != b) == self._rules.scope.across)
        return asked

    @cached_property
    def _places(self) -> npt.NDArray[np.int64]:
        """(n,) the number of the folder, of those that are asked about, that all files of a content lie in, or `_MIXED`."""
        scope = self._rules.scope
        held = [{scope.place(photo.path) for photo in content.photos} for content in self._contents]
        return np.array([_MIXED if len(each) > 1 else each.pop() for each in held], np.int64)

    def _found(self, looking: Looking, proposed: Candidates | None) -> dict[Pair, Seen]:
        """Look at the photos of all proposed pairs, and say which belong together; then the same for what they show in common.

        A radius that was asked for is kept: then there are no pairs but those within it.
        """
        if proposed is None:
            return {}
        near = proposed.distances <= NEAR * self._head.bits
        in_full = np.unique(np.concatenate([proposed.firsts[near], proposed.seconds[near]]))
        every = np.unique(np.concatenate([proposed.firsts, proposed.seconds]))
        looking.look(
            [self._contents[number] for number in every],
            frozenset(self._contents[number].digest for number in in_full),
        )
        widely = self._wish.radius is None and self._wish.max_false_merge is None
        found: dict[Pair, Seen] = {}
        heads: dict[int, int] = {}
        if widely and not self._rules.scope.folders:
            found, heads = self._twins(looking, proposed.only(proposed.distances <= _ALIKE * self._head.bits))
        fewer = without(proposed, heads, len(self._contents))
        found |= self._in_rounds(looking, fewer)
        if widely:
            further = self._in_common(looking, np.setdiff1d(every, list(heads)), fewer)
            self._sighted = len(further.firsts)
            found |= self._in_rounds(looking, further)
        return found

    def _twins(self, looking: Looking, near: Candidates) -> tuple[dict[Pair, Seen], dict[int, int]]:
        """The pairs that show the same in full, and for each photo in them the best that does; see `vtsfind.find.clustering.representatives`."""
        found: dict[Pair, Seen] = {}

        def same(pairs: Sequence[Pair]) -> list[bool]:
            ordered = [self._ordered(each) for each in pairs]
            self._progress.start(Phase.VERIFY, len(pairs))
            glances = zip(pairs, looking.glance(ordered), strict=True)
            self._progress.advance(len(pairs))
            found.update(
                (each, seen)
                for each, seen in glances
                if seen is not UNDECIDED and self._joins(each, seen) and _in_full(seen)
            )
            return [each in found for each in pairs]

        pixels = [content.info.width * content.info.height for content in self._contents]
        order = np.argsort(np.argsort(-np.array(pixels, np.int64), kind="stable"), kind="stable")
        heads = stand_ins(near, order, same)
        for each in found:
            self._families.join(*each)
        return found, heads

    def _in_common(self, looking: Looking, every: Integers, proposed: Candidates) -> Sightings:
        """Further pairs among the photos that were looked at: those that show the same details.

        A photo that has no candidate by its code is not looked at, so no pair with it is found here either.
        """
        numbers = np.array([n for n in every.tolist() if looking.has_seen(self._contents[n])], np.int64)
        family = np.array([self._families.of(number) for number in range(len(self._contents))])
        known = np.append(proposed.firsts * len(family) + proposed.seconds, len(family) ** 2)  # rising

        def wanted(firsts: Integers, seconds: Integers) -> npt.NDArray[np.bool_]:
            a, b = numbers[firsts], numbers[seconds]
            pairs = a * len(family) + b
            fresh: npt.NDArray[np.bool_] = known[np.searchsorted(known, pairs)] != pairs
            fresh &= family[a] != family[b]
            return fresh & self._wanted(a, b) if self._rules.scope.folders else fresh

        contents = [self._contents[number] for number in numbers]
        digests = [content.digest for content in contents]

        def find() -> Sightings:
            return sightings(
                digests,
                lambda place: looking.features(contents[place]),
                wanted=wanted,
                progress=self._progress,
                cancel=self._cancel,
            )

        key = hashlib.sha256(sight_version().encode())
        for part in (numbers, known, family, self._places if self._rules.scope.folders else ()):
            key.update(np.asarray(part, np.int64).tobytes() + b"|")
        key.update(b"".join(digests) + bytes([self._rules.scope.across]))
        found = looking.sighted(key.digest(), find)
        return replace(found, firsts=numbers[found.firsts], seconds=numbers[found.seconds])

    def _in_rounds(self, looking: Looking, proposed: Candidates | Sightings) -> dict[Pair, Seen]:
        """Compare each photo with its nearest candidate, then with the next one, and so on.

        Pairs that hang together through copies already are left out: grouping compares them with the keeper. So are those of
        a photo and a family that it is another shot of, unless other shots are asked for: nothing is said of these.
        """
        self._progress.start(Phase.VERIFY, len(proposed.firsts))
        found: dict[Pair, Seen] = {}
        families = self._families
        for rank in range(int(proposed.ranks.max(initial=-1)) + 1):
            here = proposed.ranks == rank
            pairs = list(zip(proposed.firsts[here].tolist(), proposed.seconds[here].tolist(), strict=True))
            apart = [(a, b) for a, b in pairs if families.of(a) != families.of(b)]
            left = [each for each in apart if not self._other_shots.settled(*each)]
            self._spared += [(a, b) for a, b in pairs if families.of(a) == families.of(b)]
            self._progress.advance(len(pairs) - len(left))
            for start in range(0, len(left), _TOGETHER):
                some = left[start : start + _TOGETHER]
                for each, seen in zip(
                    some, self._compared(looking, some, self._progress.advance), strict=True
                ):
                    if self._joins(each, seen):
                        found[each] = seen
                        families.join(*each)
                    elif seen and seen[0] is Verdict.BURST and Verdict.BURST not in self._rules.kinds:
                        self._other_shots.add(*each, certain=bool(seen[1].certain))
        return found

    def _joins(self, numbers: Pair, seen: Seen) -> bool:
        first, second = (self._contents[number] for number in numbers)
        return self._rules.joins(first, second, seen)

    def _compared(
        self, looking: Looking, pairs: Sequence[Pair], advance: Callable[[int], None] = lambda _: None
    ) -> list[Seen]:
        return looking.compare([self._ordered(each) for each in pairs], advance)

    def _ordered(self, pair: Pair) -> tuple[Content, Content]:
        first, second = (self._contents[number] for number in pair)
        return (first, second) if first.digest < second.digest else (second, first)

    def _near(self, proposed: Candidates | None) -> dict[Pair, Seen]:
        """Take every proposed pair for similar."""
        if proposed is None:
            return {}
        pairs = zip(proposed.firsts.tolist(), proposed.seconds.tolist(), strict=True)
        return dict.fromkeys(pairs, (Verdict.SIMILAR, Evidence(note="near by code only")))

    def _groups(self, looking: Looking, found: dict[Pair, Seen]) -> tuple[Group, ...]:
        units = Units()
        concerned = {number for pair in found for number in pair}
        concerned |= {number for number, content in enumerate(self._contents) if len(content.photos) > 1}
        contents = {number: with_companions(self._contents[number], units) for number in sorted(concerned)}

        def compare(pairs: Sequence[Pair]) -> list[Seen]:
            if self._wish.verify:
                return self._compared(looking, pairs)
            return [
                (Verdict.SIMILAR, Evidence(note="near by code only"))
                if self._distance(pair) <= (self._wish.radius or 0)
                else None
                for pair in pairs
            ]

        grouping = Grouping(contents, looking.details, self._rules)
        return grouping.groups(
            found,
            self._spared,
            compare,
            lambda pair, shown: replace(shown, distance=self._distance(pair), bits=self._head.bits),
        )

    def _distance(self, pair: Pair) -> int:
        """In bits of the codes."""
        first, second = pair
        return int(differing(self._words[:, first] ^ self._words[:, second]))


def _in_full(seen: Seen) -> bool:
    """Whether two photos show the same, all of it and no more, so that one can stand for the other."""
    return seen is not None and (seen[0] in {Verdict.RESAVE, Verdict.TURNED} or seen[1].inliers is None)
