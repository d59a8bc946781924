"""Members of a cluster that are outvoted: each clearly shows something else than too many of the others do.

An edit hides part of a picture. Another shot of its scene may then seem to be a version of that edit, and would bring itself into the
group of the photo, which it is told from clearly.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from enum import Enum

MIN_OTHERS = 2
"""Clear refusals that outvote a photo, at least: of two photos that refuse each other nobody knows which one does not belong."""
MIN_OTHER_SHARE = 0.75
"""Clear refusals for each copy, above which a photo is outvoted. Of 40 training photos with 13 hard edits each, one edit of 559 is, and of 24
drawn shots that are a copy of some edit all but one are; among any eight versions 0.4 % of edits and all but 3 of 96 shots. With 1 it would be
0.1 % and all but 4 (2026-11.md in docs/results/notebook)."""


class Vote(Enum):
    """What a photo is to another one."""

    COPY = "copy"
    OTHER = "other"
    """Clearly something else, though it shows nearly the same."""
    NONE = "none"


def is_outvoted(votes: Iterable[Vote]) -> bool:
    """Whether too many of a photo's votes say that it is something else."""
    return _excess(votes) > 0


def outvoted(suspects: Iterable[int], voters: Sequence[int], vote: Callable[[int, int], Vote]) -> set[int]:
    """The suspects that do not belong into a cluster: one by one, the most unlike first, which then has no vote itself.

    Parameters
    ----------
    suspects
        Some members of the cluster, by number, those with most copies first.
    voters
        The members that vote on them; may have some of them.
    vote
        Says what two members are to each other.
    """
    out: set[int] = set()
    left = list(suspects)
    while left:
        excess = {
            photo: _excess(vote(photo, other) for other in voters if other != photo and other not in out)
            for photo in left
        }
        worst = max(reversed(left), key=excess.__getitem__)
        if excess[worst] <= 0:
            break
        left.remove(worst)
        out.add(worst)
    return out


def _excess(votes: Iterable[Vote]) -> float:
    """By how many clear refusals a photo is outvoted; 0 or less if it is not."""
    told = Counter(votes)
    others = told[Vote.OTHER]
    return others - MIN_OTHER_SHARE * told[Vote.COPY] if others >= MIN_OTHERS else 0
