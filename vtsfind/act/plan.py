"""A plan: what to do with each photo of each group. Values only, and the operations that follow from them.

`vtsfind.act.make_plan` makes plans from groups, people edit them, `vtsfind.act.plan_rules` checks them.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace

from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Action, Operation


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar of a photo, in its state when the plan was made."""

    path: bytes
    size: int
    """In bytes."""
    digest: bytes
    """SHA-256, 32 bytes."""
    target: bytes | None = None
    """Where it moves, beside the kept photo; None if it goes where its photo goes, for the kept photo has the same."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One photo of a group, and the action on it."""

    path: bytes
    size: int
    """In bytes, when the plan was made."""
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
        """Whether the plan changes it."""
        return self.action not in {None, Action.KEEP}

    @property
    def is_full_frame_match(self) -> bool:
        """Whether it shows everything that the first photo of the group shows."""
        return self.verdict is None or self.verdict.rank <= Verdict.TURNED.rank


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """Copies of one photo, the first of them."""

    number: int
    files: tuple[PlannedFile, ...]
    remove_all: bool = False
    """Whether a person asked, by the number of this group, to keep none of it."""

    def keeper_of(self, file: PlannedFile) -> PlannedFile | None:
        """The kept photo that makes `file` redundant: one of the same content, or the nearest; None if there is none."""
        kept = [other for other in self.files if other.action is Action.KEEP and other != file]
        for other in kept:
            if other.digest == file.digest:
                return other
        covering = [other for other in kept if _makes_redundant(other, file)]
        return min(
            covering, key=lambda other: -1 if other.verdict is None else other.verdict.rank, default=None
        )


def _makes_redundant(kept: PlannedFile, taken: PlannedFile) -> bool:
    """Whether the comparisons with the first photo of the group show that one photo makes another redundant.

    One of the two may be an edit (a crop, say), not both: two crops of one photo may show different parts of it. Other shots
    of one scene do not make each other redundant, but a person who removes some of them chooses which.
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
    """When it was made: ISO 8601 with the offset from UTC."""
    command: str
    """The command that made it."""
    version: str
    """The version of vtsfind that made it."""
    library: bytes
    """The folder or address of the library that it was made from."""
    target: bytes | None = None
    """The folder that `Action.MOVE` moves to."""
    host: str = ""
    """The machine whose files it is about, where several share the library; empty for a library of one machine."""


def operations(plan: Plan) -> tuple[Operation, ...]:
    """All operations of a plan, in its order: each photo, then its sidecars."""
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
                found.append(_sidecar_operation(plan, operation, sidecar, len(found) + 1))
    return tuple(found)


def _sidecar_operation(plan: Plan, photo: Operation, sidecar: Sidecar, number: int) -> Operation:
    """What happens to the sidecar of a photo to which something happens."""
    # The kept photo, which is checked before, may not have the sidecar's content: it is never removed permanently.
    action = Action.TRASH if photo.action is Action.DELETE else photo.action
    return replace(
        photo,
        number=number,
        action=Action.MOVE if sidecar.target else action,
        path=sidecar.path,
        size=sidecar.size,
        digest=sidecar.digest,
        target=sidecar.target or _destination(plan, photo.action, sidecar.path),
        sidecar_of=photo.path,
    )


def photo_bytes(todo: Iterable[Operation]) -> int:
    """Bytes of the photos that operations change: what they free, without what sidecars add."""
    return sum(operation.size for operation in todo if operation.sidecar_of is None)


def kept_paths(plan: Plan) -> tuple[bytes, ...]:
    """The photos that a plan keeps."""
    return tuple(file.path for group in plan.groups for file in group.files if file.action is Action.KEEP)


def _destination(plan: Plan, action: Action, path: bytes) -> bytes | None:
    """Where a file moves: below the plan's folder, under its whole path, so that destinations never collide."""
    if action is not Action.MOVE or plan.target is None:
        return None
    drive, rest = os.path.splitdrive(path)
    separators = os.fsencode(os.sep + (os.altsep or ""))
    return os.path.join(plan.target, drive.replace(b":", b"").strip(separators), rest.lstrip(separators))
