"""The rules that every plan has to keep, whether it was made by the program or edited by a person.

* A group keeps a photo, unless a person asked by its number to remove all of it.
* A removed photo was compared with a kept one: with the keeper itself, or through the first photo of the group, which all
  were compared with. One of these two comparisons may be an edit (a crop, say), not both. Other shots of one scene may be
  removed if one of them is kept.
* A name becomes a link only to a file of the same content.
* A file that is changed occurs once in a plan; one that is not may be the kept one of several groups.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vtsfind.act.plan import Plan, PlannedFile, PlannedGroup
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Action
from vtsfind.base.paths import show_path

_MAX_SHOWN_PROBLEMS = 3


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """A violation of the rules."""

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
            "Nothing was changed. Correct these groups, or make the plan again.",
        )


def require_valid(plan: Plan, where: str = "The plan") -> None:
    """Check the rules.

    Raises
    ------
    PlanRefused
        If the plan breaks one.
    """
    found = list(problems(plan))
    if found:
        raise PlanRefused(found, where)


def problems(plan: Plan) -> Iterator[PlanProblem]:
    """Every violation of the rules in a plan."""
    numbers: set[int] = set()
    seen: dict[bytes, tuple[int, bool]] = {}
    for group in plan.groups:
        if group.number in numbers:
            yield PlanProblem(group.number, "the number is used twice")
        numbers.add(group.number)
        yield from _group_problems(group)
        for file in group.files:
            for path in (file.path, *(sidecar.path for sidecar in file.sidecars)):
                number, is_changed = seen.get(path, (0, False))
                if number == group.number or (number and (is_changed or file.is_changed)):
                    yield PlanProblem(
                        group.number, f"{show_path(path)} is already listed in group {number}", path
                    )
                seen[path] = group.number, is_changed or file.is_changed
            yield from _file_problems(plan, group, file)


def _group_problems(group: PlannedGroup) -> Iterator[PlanProblem]:
    if not group.files or group.number < 1:
        yield PlanProblem(group.number, "it has no photos, or its number is not positive")
        return
    if sum(file.verdict is None for file in group.files) > 1:
        yield PlanProblem(group.number, "more than one photo is given as the one that all were compared with")
    first = next((file for file in group.files if file.verdict is None), None)
    for file in group.files:
        if first and file.verdict is Verdict.BYTES and file.digest != first.digest:
            yield PlanProblem(group.number, f"{show_path(file.path)} does not have the same bytes", file.path)
    taken = any(file.is_changed for file in group.files)
    kept = any(file.action is Action.KEEP for file in group.files)
    if taken and not kept and not group.remove_all:
        yield PlanProblem(
            group.number,
            f"no photo is kept (to remove all of them, write 'remove-all {group.number}' below 'group {group.number}')",
        )


def _file_problems(plan: Plan, group: PlannedGroup, file: PlannedFile) -> Iterator[PlanProblem]:
    name = show_path(file.path)
    for path, size, digest in (
        (file.path, file.size, file.digest),
        *((sidecar.path, sidecar.size, sidecar.digest) for sidecar in file.sidecars),
    ):
        if not _is_normalised_path(path) or size < 0 or len(digest) != 32:
            yield PlanProblem(
                group.number, f"{show_path(path)} is not an absolute path, or lacks a size or SHA-256", path
            )
    for sidecar in file.sidecars:
        if sidecar.target is not None and not _is_normalised_path(sidecar.target):
            yield PlanProblem(
                group.number, f"{show_path(sidecar.target)} is not an absolute path", sidecar.path
            )
    if not file.is_changed:
        return
    keeper = group.keeper_of(file)
    kept = any(other.action is Action.KEEP for other in group.files)
    if keeper is None and kept and not group.remove_all:
        yield PlanProblem(group.number, f"{name} was not compared with any kept photo", file.path)
    if file.action is not None and file.action.links and (keeper is None or keeper.digest != file.digest):
        yield PlanProblem(
            group.number,
            f"{name} cannot become a {file.action}: no kept photo has the same content",
            file.path,
        )
    if file.action is Action.MOVE and not (plan.target and _is_normalised_path(plan.target)):
        yield PlanProblem(group.number, f"{name} cannot be moved: the plan names no folder", file.path)


def _is_normalised_path(path: bytes) -> bool:
    """Whether a path is absolute and in its shortest form."""
    return os.path.isabs(path) and os.path.normpath(path) == path and b"\0" not in path
