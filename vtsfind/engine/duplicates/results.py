"""What a search for duplicates gives."""

from dataclasses import dataclass, field

from vtsfind.base.addresses import Place
from vtsfind.base.groups import Group
from vtsfind.base.records import Failure, Head


@dataclass(frozen=True, slots=True)
class DedupStats:
    """How much was done."""

    photos: int = 0
    """Files that were there."""
    aliases: int = 0
    """Further paths to the same files: hard links, folders mounted twice."""
    candidates: int = 0
    """Candidate pairs by hash codes."""
    dropped: int = 0
    """Pairs within the radius that are no candidates, since their photos have nearer ones."""
    local_candidates: int = 0
    """Further candidate pairs by local features."""
    extracted: int = 0
    """Photos that were read; the features of others were cached, or they have no candidates."""
    compared: int = 0
    """Pairs that were compared; the verdicts on others were cached."""


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The groups, and what they rest on."""

    library: Place
    model: str
    head: Head
    """The head whose codes proposed the pairs."""
    radius: int | None
    """In bits; None if no codes were compared."""
    complete: int | None
    """Within which all pairs were found: less than `radius` if there are very many photos. None with it."""
    verified: bool
    """Whether photos were compared. If not, the groups are candidates, and nothing may be removed by them."""
    groups: tuple[Group, ...]
    roots: tuple[bytes, ...] = ()
    """The folders that the library indexes."""
    failures: tuple[Failure, ...] = ()
    """Photos that could not be compared: gone, changed since they were indexed, unreadable."""
    absent: dict[bytes, int] = field(default_factory=dict)
    """Folders of the library that are missing or empty, and how many photos the library has there."""
    stats: DedupStats = DedupStats()
    cache_was_damaged: bool = False
    """Whether what was cached of earlier searches was damaged: it was discarded, and all was computed anew."""
    cache_problem: str = ""
    """Why a second run will be no quicker; empty if it will."""
