"""What to do with each photo of each group: made from groups, edited by people, turned into operations. Pure.

A plan says for every photo of a group whether it is kept, what becomes of it, or that it is left alone. The same rules
hold for a plan that was made and for one that was edited, `problems` checks them all:

* A group keeps a photo, unless a person asked by its number to remove all of it.
* What is removed was compared with something that is kept: with the keeper itself, or by way of the photo that all of
  the group were compared with. One of the two steps may be an edit (a crop, say), not both: two crops of one photo may
  show different halves of it. Other shots of one scene may be removed as long as one of them is kept.
* A name becomes a link only to a file of the same content.
* A file has one place in a plan.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Group, Verdict
from vtsfind.base.operations import Action, Operation
from vtsfind.base.paths import show_path

_MAX_SHOWN_PROBLEMS = 3


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A file that travels with a photo, as it was when the plan was made."""

    path: bytes
    size: int
    digest: bytes
    """SHA-256, 32 bytes."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One photo of a group and what becomes of it."""

    path: bytes
    size: int
    digest: bytes
    """SHA-256 when the plan was made, 32 bytes."""
    verdict: Verdict | None
    """Against the first photo of the group, which all others were compared with; None for that one."""
    action: Action | None
    """None: it is left alone."""
    reason: str = ""
    sidecars: tuple[Sidecar, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether something happens to it."""
        return self.action not in {None, Action.KEEP}

    @property
    def is_full_frame_match(self) -> bool:
        """Whether it shows all that the group's first photo shows."""
        return self.verdict is None or self.verdict.rank <= Verdict.TURNED.rank


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """Photos that are copies of the first of them."""

    number: int
    files: tuple[PlannedFile, ...]
    remove_all: bool = False
    """Whether a person asked, naming this group, that none of it need be kept."""

    def keeper_of(self, file: PlannedFile) -> PlannedFile | None:
        """The kept photo that makes `file` superfluous: one of the same content, else the nearest; None for none."""
        kept = [other for other in self.files if other.action is Action.KEEP and other != file]
        for other in kept:
            if other.digest == file.digest:
                return other
        covering = [other for other in kept if _makes_superfluous(other, file)]
        return min(
            covering, key=lambda other: -1 if other.verdict is None else other.verdict.rank, default=None
        )


def _makes_superfluous(kept: PlannedFile, taken: PlannedFile) -> bool:
    """Whether the comparisons with the group's first photo say that one photo makes the other superfluous.

    Of several shots of one scene none does: a person who removes some of them chooses which.
    """
    if kept.verdict is taken.verdict is Verdict.BURST:
        return True
    return (
        kept.verdict is None or taken.verdict is None or kept.is_full_frame_match or taken.is_full_frame_match
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with the photos of groups."""

    groups: tuple[PlannedGroup, ...]
    made: str
    """When, as ISO 8601 with the offset from UTC."""
    command: str
    """What made it."""
    version: str
    """The vtsfind that made it."""
    library: bytes
    """The folder of the library it was made from."""
    target: bytes | None = None
    """The folder that `Action.MOVE` moves to."""


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """Something that a plan may not ask for."""

    group: int
    message: str
    path: bytes | None = None

    def __str__(self) -> str:
        return f"Group {self.group}: {self.message}"


class PlanRefused(UsageError):
    """A plan breaks the rules: nothing of it is done."""

    def __init__(self, problems: Sequence[PlanProblem], where: str = "The plan") -> None:
        self.problems = tuple(problems)
        named = "; ".join(str(problem).rstrip(".") for problem in problems[:_MAX_SHOWN_PROBLEMS])
        more = len(problems) - _MAX_SHOWN_PROBLEMS
        super().__init__(
            f"{where} is refused. {named}" + (f"; and {more} more." if more > 0 else "."),
            "Nothing was done. Change these groups, or make the plan again.",
        )


@dataclass(frozen=True, slots=True)
class PlanOrigin:
    """Where a plan comes from."""

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
    """Turn groups into a plan.

    Parameters
    ----------
    groups
        As they were found.
    origin
        What the head of the plan says.
    action
        What becomes of every photo but the keeper.
    marks
        What becomes of the photos at these paths instead; None leaves one alone.
    remove_all
        Numbers of groups that a person asked to remove wholly.
    target
        The folder for `Action.MOVE`, absolute.
    sidecar
        Looks at a file that travels with a photo; None if it is not there.

    Raises
    ------
    PlanRefused
        If the marks break the rules.
    """
    chosen = marks or {}
    members = {member.photo.path for group in groups for member in group.members}
    planned = [
        PlannedGroup(
            group.number,
            tuple(
                PlannedFile(
                    member.photo.path,
                    member.photo.stamp.size,
                    member.photo.digest,
                    member.verdict,
                    chosen.get(member.photo.path, action if i else Action.KEEP),
                    _one_line(f"{member.verdict}; {member.reason}" if member.verdict else member.reason),
                )
                for i, member in enumerate(group.members)
            ),
            group.number in remove_all,
        )
        for group in groups
    ]
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


def _one_line(text: str) -> str:
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def _with_sidecars(
    groups: Sequence[PlannedGroup],
    sidecar_paths: Mapping[bytes, tuple[bytes, ...]],
    sidecar: Callable[[bytes], Sidecar | None],
) -> tuple[PlannedGroup, ...]:
    """Give every photo that goes its companions, but those that it shares with a photo that stays."""
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


def require_valid(plan: Plan, where: str = "The plan") -> None:
    """Raise `PlanRefused` if there are any problems with a plan."""
    found = list(problems(plan))
    if found:
        raise PlanRefused(found, where)


def problems(plan: Plan) -> Iterator[PlanProblem]:
    """Everything that a plan may not ask for."""
    numbers: set[int] = set()
    seen: dict[bytes, int] = {}
    for group in plan.groups:
        if group.number in numbers:
            yield PlanProblem(group.number, "the number is used twice")
        numbers.add(group.number)
        yield from _group_problems(group)
        for file in group.files:
            for path in (file.path, *(sidecar.path for sidecar in file.sidecars)):
                if path in seen:
                    yield PlanProblem(
                        group.number, f"{show_path(path)} is in group {seen[path]}, too, or twice", path
                    )
                seen[path] = group.number
            yield from _file_problems(plan, group, file)


def _group_problems(group: PlannedGroup) -> Iterator[PlanProblem]:
    if not group.files or group.number < 1:
        yield PlanProblem(group.number, "it has no photos, or no number from 1")
        return
    if sum(file.verdict is None for file in group.files) > 1:
        yield PlanProblem(
            group.number, "more than one photo is said to be the one that all were compared with"
        )
    first = next((file for file in group.files if file.verdict is None), None)
    for file in group.files:
        if first and file.verdict is Verdict.BYTES and file.digest != first.digest:
            yield PlanProblem(group.number, f"{show_path(file.path)} does not have the same bytes", file.path)
    taken = any(file.is_changed for file in group.files)
    kept = any(file.action is Action.KEEP for file in group.files)
    if taken and not kept and not group.remove_all:
        yield PlanProblem(
            group.number,
            f"nothing is kept (if that is meant, write 'remove-all {group.number}' below its line)",
        )


def _file_problems(plan: Plan, group: PlannedGroup, file: PlannedFile) -> Iterator[PlanProblem]:
    name = show_path(file.path)
    for path, size, digest in (
        (file.path, file.size, file.digest),
        *((c.path, c.size, c.digest) for c in file.sidecars),
    ):
        if not is_normalised_path(path) or size < 0 or len(digest) != 32:
            yield PlanProblem(
                group.number, f"{show_path(path)} is no full path, or has no size or SHA-256", path
            )
    if not file.is_changed:
        return
    keeper = group.keeper_of(file)
    kept = any(other.action is Action.KEEP for other in group.files)
    if keeper is None and kept and not group.remove_all:
        yield PlanProblem(group.number, f"{name} was compared with nothing that is kept", file.path)
    if file.action is not None and file.action.links and (keeper is None or keeper.digest != file.digest):
        yield PlanProblem(
            group.number,
            f"{name} cannot become a {file.action}: nothing of the same content is kept",
            file.path,
        )
    if file.action is Action.MOVE and not (plan.target and is_normalised_path(plan.target)):
        yield PlanProblem(
            group.number, f"{name} is to move, and the plan names no folder to move to", file.path
        )


def is_normalised_path(path: bytes) -> bool:
    """Whether a path is absolute and has no needless part in it."""
    return os.path.isabs(path) and os.path.normpath(path) == path and b"\0" not in path


def operations(plan: Plan) -> tuple[Operation, ...]:
    """Everything that a plan asks for, in its order: a photo, then the files that travel with it."""
    found: list[Operation] = []
    for group in plan.groups:
        for file in group.files:
            if file.action is None or not file.is_changed:
                continue
            keeper = group.keeper_of(file)
            operation = Operation(
                len(found) + 1,
                group.number,
                file.action,
                file.path,
                file.size,
                file.digest,
                keeper.path if keeper else None,
                keeper.size if keeper else 0,
                keeper.digest if keeper else b"",
                _destination(plan, file.action, file.path),
            )
            found.append(operation)
            for sidecar in file.sidecars if file.action.removes_name else ():
                found.append(
                    replace(
                        operation,
                        number=len(found) + 1,
                        # Nothing that is kept shows what a companion holds, so it never goes for good.
                        action=Action.TRASH if file.action is Action.DELETE else file.action,
                        path=sidecar.path,
                        size=sidecar.size,
                        digest=sidecar.digest,
                        target=_destination(plan, file.action, sidecar.path),
                        sidecar_of=file.path,
                    )
                )
    return tuple(found)


def kept_paths(plan: Plan) -> tuple[bytes, ...]:
    """The photos that a plan keeps."""
    return tuple(file.path for group in plan.groups for file in group.files if file.action is Action.KEEP)


def _destination(plan: Plan, action: Action, path: bytes) -> bytes | None:
    """Where a file moves: below the plan's folder, under its whole path, so that no two files meet."""
    if action is not Action.MOVE or plan.target is None:
        return None
    drive, rest = os.path.splitdrive(path)
    separators = os.fsencode(os.sep + (os.altsep or ""))
    return os.path.join(plan.target, drive.replace(b":", b"").strip(separators), rest.lstrip(separators))
