"""Decisions as they are stored: independent of the order of groups and of their members."""

import hashlib
from functools import cache

from vtsfind.base.groups import Group
from vtsfind.engine.review.state import (
    EncodedDecision,
    GroupDecision,
    ReviewStatus,
    is_proposal,
    proposal_for,
    shared,
)


def group_key(group: Group) -> str:
    """The key of a group's decision: a hash of its paths and contents, the same in any order."""
    digest = hashlib.blake2b(digest_size=10)
    for member in sorted(group.members, key=lambda member: member.photo.path):
        digest.update(len(member.photo.path).to_bytes(4, "little") + member.photo.path + member.photo.digest)
    return digest.hexdigest()


def encode_decision(group: Group, decision: GroupDecision) -> EncodedDecision | None:
    """A decision for storage; None for the proposal."""
    if is_proposal(group, decision):
        return None
    rank = {member: rank for rank, member in enumerate(_by_path(group))}
    kept, non_duplicates = (
        tuple(sorted(rank[member] for member in chosen))
        for chosen in (decision.kept, decision.non_duplicates)
    )
    return _shared(decision.status.value, rank[decision.keeper], kept, non_duplicates)


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


def _by_path(group: Group) -> list[int]:
    """The indices of a group's members in the order of their paths."""
    return sorted(range(len(group.members)), key=lambda member: group.members[member].photo.path)


@cache
def _shared(
    status: str, keeper: int, kept: tuple[int, ...], non_duplicates: tuple[int, ...]
) -> EncodedDecision:
    """One value shared by the many groups that have it."""
    return status, keeper, kept, non_duplicates
