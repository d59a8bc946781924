"""Making a plan from groups. Pure: files are examined only by the given function."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vtsfind.act.plan import Plan, PlannedFile, PlannedGroup, Sidecar
from vtsfind.act.plan_rules import require_valid
from vtsfind.base.groups import Group, Member
from vtsfind.base.operations import Action


@dataclass(frozen=True, slots=True)
class PlanOrigin:
    """The header of a plan; see `Plan` for the fields."""

    made: str
    command: str
    version: str
    library: bytes


def make_plan(
    groups: Sequence[Group],
    origin: PlanOrigin,
    *,
    action: Action = Action.TRASH,
    marks: Mapping[bytes, Action | None] | None = None,
    remove_all: Collection[int] = (),
    target: bytes | None = None,
    sidecar: Callable[[bytes], Sidecar | None] = lambda _: None,
) -> Plan:
    """Make a plan from groups.

    Parameters
    ----------
    groups
        As found.
    origin
        The header.
    action
        For every photo that is proposed for removal; others are kept.
    marks
        Path to the action on that photo instead; None leaves it alone.
    remove_all
        Numbers of the groups that a person asked to remove completely.
    target
        The folder for `Action.MOVE`, absolute.
    sidecar
        Examines a sidecar; returns None if it does not exist.

    Raises
    ------
    PlanRefused
        If the marks break the rules.
    """
    chosen = marks or {}
    members = {member.photo.path for group in groups for member in group.members}
    planned = [_planned_group(group, action, chosen, remove_all) for group in groups]
    sidecar_paths = {
        member.photo.path: tuple(path for path in member.photo.sidecars if path not in members)
        for group in groups
        for member in group.members
    }
    plan = Plan(
        _with_sidecars(planned, sidecar_paths, sidecar),
        origin.made,
        origin.command,
        origin.version,
        origin.library,
        target,
    )
    require_valid(plan)
    return plan


def _planned_group(
    group: Group, action: Action, chosen: Mapping[bytes, Action | None], remove_all: Collection[int]
) -> PlannedGroup:
    files = tuple(
        _planned_file(member, chosen.get(member.photo.path, action if member.may_go else Action.KEEP))
        for member in group.members
    )
    return PlannedGroup(group.number, files, group.number in remove_all)


def _planned_file(member: Member, action: Action | None) -> PlannedFile:
    photo, reason = member.photo, member.reason
    if member.verdict:
        stays = f"kept: {member.stay_reason}; " if action is Action.KEEP and member.stay_reason else ""
        reason = f"{member.verdict}; {stays}{reason}"
    return PlannedFile(photo.path, photo.stamp.size, photo.digest, member.verdict, action, _one_line(reason))


def _one_line(text: str) -> str:
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def _with_sidecars(
    groups: Sequence[PlannedGroup],
    sidecar_paths: Mapping[bytes, tuple[bytes, ...]],
    sidecar: Callable[[bytes], Sidecar | None],
) -> tuple[PlannedGroup, ...]:
    """Add its sidecars to every removed photo, except those that it shares with a photo that stays."""
    files = [file for group in groups for file in group.files]
    retained = {path for file in files if not _is_moved_away(file) for path in sidecar_paths[file.path]}
    given: set[bytes] = set()

    def sidecars(file: PlannedFile) -> Iterator[Sidecar]:
        for path in sidecar_paths[file.path] if _is_moved_away(file) else ():
            if path not in retained and path not in given:
                given.add(path)
                found = sidecar(path)
                if found:
                    yield found

    return tuple(
        replace(group, files=tuple(replace(file, sidecars=tuple(sidecars(file))) for file in group.files))
        for group in groups
    )


def _is_moved_away(file: PlannedFile) -> bool:
    return file.action is not None and file.action.removes_name
