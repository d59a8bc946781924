"""Making a plan from groups. Pure: files are examined only by the given function."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from vtsfind.act.edit_kind import edit_kind
from vtsfind.act.plan import Plan, PlannedFile, PlannedGroup, Sidecar
from vtsfind.act.plan_rules import require_valid
from vtsfind.base.groups import Group, Member, Photo
from vtsfind.base.operations import Action

Settle = Callable[[Photo, Photo | None], tuple[Sidecar, ...] | None]
"""The sidecars of a photo that goes, with their new places; None if the photo has to stay for them.

The second photo is the kept one; None if a person asked to keep none of the group.
"""
_NO_LINK = "no kept photo has the same content, so it cannot become a link"


@dataclass(frozen=True, slots=True)
class PlanOrigin:
    """The header of a plan; see `Plan` for the fields."""

    made: str
    command: str
    version: str
    library: bytes
    host: str = ""


def make_plan(
    groups: Sequence[Group],
    origin: PlanOrigin,
    *,
    action: Action = Action.TRASH,
    marks: Mapping[bytes, Action | None] | None = None,
    remove_all: Collection[int] = (),
    target: bytes | None = None,
    settle: Settle = lambda _photo, _keeper: (),
) -> Plan:
    """Make a plan from groups.

    Parameters
    ----------
    groups
        As found.
    origin
        The header.
    action
        For every photo that is proposed for removal; others are kept. So are those that should become a link, if no kept
        photo has the same content.
    marks
        Path to the action on that photo instead; None leaves it alone.
    remove_all
        Numbers of the groups that a person asked to remove completely.
    target
        The folder for `Action.MOVE`, absolute.
    settle
        Says what becomes of the sidecars of a photo that goes for a kept one.

    Raises
    ------
    PlanRefused
        If the marks break the rules.
    """
    chosen = marks or {}
    members = {member.photo.path for group in groups for member in group.members}
    planned = [_planned_group(group, action, chosen, remove_all) for group in groups]
    photos = {
        member.photo.path: replace(
            member.photo, sidecars=tuple(path for path in member.photo.sidecars if path not in members)
        )
        for group in groups
        for member in group.members
    }
    staying = (file for group in planned for file in group.files if not _is_moved_away(file))
    retained = {path for file in staying for path in photos[file.path].sidecars}
    plan = Plan(
        tuple(_with_sidecars(group, photos, retained, settle) for group in planned),
        origin.made,
        origin.command,
        origin.version,
        origin.library,
        target,
        origin.host,
    )
    require_valid(plan)
    return plan


def _planned_group(
    group: Group, action: Action, chosen: Mapping[bytes, Action | None], remove_all: Collection[int]
) -> PlannedGroup:
    kept_contents = {member.photo.digest for member in group.members if not member.may_go}

    def planned(member: Member) -> PlannedFile:
        kind = edit_kind(member, group.members[0])
        if member.photo.path in chosen:
            return _planned_file(member, kind, chosen[member.photo.path], member.stay_words)
        if not member.may_go:
            return _planned_file(member, kind, Action.KEEP, member.stay_words)
        if action.links and member.photo.digest not in kept_contents:
            return _planned_file(member, kind, Action.KEEP, _NO_LINK)
        return _planned_file(member, kind, action)

    return PlannedGroup(group.number, tuple(map(planned, group.members)), group.number in remove_all)


def _planned_file(
    member: Member, kind: str, action: Action | None, stay_words: str | None = None
) -> PlannedFile:
    photo, reason = member.photo, member.reason
    if member.verdict:
        reason = f"kept: {stay_words}" if action is Action.KEEP and stay_words else reason
        reason = "; ".join(filter(None, (member.verdict, kind, reason)))
    return PlannedFile(photo.path, photo.stamp.size, photo.digest, member.verdict, action, _one_line(reason))


def _one_line(text: str) -> str:
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def _with_sidecars(
    planned: PlannedGroup, photos: Mapping[bytes, Photo], retained: set[bytes], settle: Settle
) -> PlannedGroup:
    """Add its sidecars to every removed photo; a photo whose sidecars have nowhere to go stays."""
    files = list(planned.files)
    given = set(retained)
    for place, file in enumerate(files):
        if not _is_moved_away(file):
            continue
        own = tuple(path for path in photos[file.path].sidecars if path not in given)
        given.update(own)
        keeper = planned.keeper_of(file)
        going = replace(photos[file.path], sidecars=own)
        settled = settle(going, photos[keeper.path] if keeper else None) if own else ()
        if settled is None:
            reason = f"kept: its sidecars cannot be moved to the kept one; {file.reason}"
            files[place] = replace(file, action=Action.KEEP, reason=reason)
        else:
            files[place] = replace(file, sidecars=settled)
    return replace(planned, files=tuple(files))


def _is_moved_away(file: PlannedFile) -> bool:
    return file.action is not None and file.action.removes_name
