"""What the photos of a group are to the one that the user keeps, which need not be the keeper that they were compared with."""

from dataclasses import dataclass, replace

from vtsfind.act.edit_kind import edit_kind, kind_label, shows_screen
from vtsfind.base.groups import Evidence, Group, Member, ShotCopy, Verdict
from vtsfind.engine.duplicates.keeper_ranking import SAME_FRAME_VERDICTS


@dataclass(frozen=True, slots=True)
class Relation:
    """What a photo of a group is to the kept one."""

    member: Member
    """With verdict and evidence against the kept one; where it was compared with a former keeper only, its evidence is empty."""
    label: str
    """The verdict in a word or two; empty for the kept one."""
    edit: str
    """The kind of edit in a few words; empty if it is none, or not known."""
    is_screenshot: bool
    """By what its file says, or by its name."""


def relation(member: Member, keeper: Member) -> Relation:
    """What a member with a verdict on it is to the kept one."""
    return Relation(member, kind_label(member, keeper), edit_kind(member, keeper), shows_screen(member))


def related_to(group: Group, keeper: int) -> tuple[Relation, ...]:
    """The members in their order, related to one of them, by index."""
    members = _compared_with(group, keeper)
    return tuple(relation(member, members[keeper]) for member in members)


def _compared_with(group: Group, keeper: int) -> tuple[Member, ...]:
    """The members with verdict and evidence against another keeper.

    The others were compared with the former keeper only: their evidence is empty.
    """
    if keeper == 0:
        return group.members
    chosen = group.members[keeper]
    members = [
        replace(beside(each, chosen, group.keeper.digest), evidence=Evidence()) for each in group.members
    ]
    members[0] = replace(members[0], verdict=chosen.verdict, evidence=chosen.evidence.swapped())
    members[keeper] = replace(chosen, verdict=None, evidence=Evidence(), copy_of=None)
    return tuple(members)


def beside(member: Member, chosen: Member, first: bytes) -> Member:
    """A member that was compared with the first photo, by its digest, with what its shot makes it to a chosen one.

    Of the same shot, it is a copy of that one; of another, another shot or a copy of one. Else its verdict stands.
    """
    own, shot = _shot(member, first), _shot(chosen, first)
    if own.digest != shot.digest and member.verdict in SAME_FRAME_VERDICTS:
        return replace(member, verdict=Verdict.BURST, copy_of=own)
    if own.digest == shot.digest and member.verdict is Verdict.BURST:
        verdict = max(own.verdict, shot.verdict, key=lambda each: each.rank)
        return replace(member, verdict=verdict, copy_of=None)
    return member


def _shot(member: Member, first: bytes) -> ShotCopy:
    """The shot that a member shows; it is a copy of itself."""
    if member.copy_of:
        return member.copy_of
    if member.verdict is Verdict.BURST:
        return ShotCopy(member.photo.digest, Verdict.BYTES)
    return ShotCopy(first, member.verdict or Verdict.BYTES)
