"""What the photos of a group are to the one that the user keeps, which need not be the keeper that they were compared with."""

from dataclasses import replace

from vtsfind.base.groups import Evidence, Group, Member


def related_to(group: Group, keeper: int) -> tuple[Member, ...]:
    """The members in their order, with verdict and evidence against another keeper, by index.

    The others were compared with the former keeper only: their verdict stands, and their evidence is empty.
    """
    if keeper == 0:
        return group.members
    chosen = group.members[keeper]
    members = [replace(each, evidence=Evidence()) for each in group.members]
    members[0] = replace(members[0], verdict=chosen.verdict, evidence=chosen.evidence.swapped())
    members[keeper] = replace(chosen, verdict=None, evidence=Evidence())
    return tuple(members)
