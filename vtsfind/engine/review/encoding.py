"""Decisions as they are stored: independent of the order of groups and of their members."""

import hashlib
from collections.abc import Collection, Sequence
from functools import cache

from vtsfind.base.groups import Group, Photo
from vtsfind.engine.review.state import (
    EncodedDecision,
    GroupDecision,
    ReviewStatus,
    is_proposal,
    proposal_for,
    shared,
)

_SHOT = "shot-"


def group_key(group: Group) -> str:
    """The key of a group's decision: a hash of its paths and contents, the same in any order."""
    files = sorted([(member.photo.path, member.photo.digest) for member in group.members])
    content = b"".join([len(path).to_bytes(4, "little") + path + digest for path, digest in files])
    return hashlib.blake2b(content, digest_size=10).hexdigest()


def shot_key(photo: Photo) -> str:
    """The key of a shot that was kept when others of its burst were removed."""
    return f"{_SHOT}{hashlib.blake2b(photo.path + photo.digest, digest_size=10).hexdigest()}"


def is_shot_key(key: str) -> bool:
    """Whether a key is of a shot, not of a group."""
    return key.startswith(_SHOT)


def encode_decision(group: Group, decision: GroupDecision) -> EncodedDecision | None:
    """A decision for storage; None for the proposal."""
    if is_proposal(group, decision):
        return None
    paths = [member.photo.path for member in group.members]
    return _shared(
        decision.status.value,
        _rank(paths, decision.keeper),
        _ranks(paths, decision.kept),
        _ranks(paths, decision.non_duplicates),
    )


def decode_decision(group: Group, encoded: EncodedDecision | None) -> GroupDecision:
    """A decision from storage."""
    if encoded is None:
        return proposal_for(group)
    status, keeper, kept, non_duplicates = encoded
    members = _by_path(group)
    return shared(
        ReviewStatus(status),
        members[keeper],
        frozenset(members[rank] for rank in kept),
        frozenset(members[rank] for rank in non_duplicates),
    )


def _ranks(paths: Sequence[bytes], members: Collection[int]) -> tuple[int, ...]:
    """The places of some members in the order of their group's paths."""
    return tuple(sorted([_rank(paths, member) for member in members])) if members else ()


def _rank(paths: Sequence[bytes], member: int) -> int:
    own = paths[member]
    return sum([path < own for path in paths])


def _by_path(group: Group) -> list[int]:
    """The indices of a group's members in the order of their paths."""
    return sorted(range(len(group.members)), key=lambda member: group.members[member].photo.path)


@cache
def _shared(
    status: str, keeper: int, kept: tuple[int, ...], non_duplicates: tuple[int, ...]
) -> EncodedDecision:
    """One value shared by the many groups that have it."""
    return status, keeper, kept, non_duplicates
