"""Making plans of groups, and reading and saving them."""

import codecs
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from vtsfind import __version__
from vtsfind.act.make_plan import PlanOrigin, make_plan
from vtsfind.act.plan import Plan
from vtsfind.act.plan_json import read_plan_json
from vtsfind.act.plan_text import MAGIC, plan_text, read_plan_text
from vtsfind.base.addresses import Place, ServerAddress, is_address, place_of
from vtsfind.base.errors import StorageError, UsageError
from vtsfind.base.files import MAX_LINES_BYTES, read_input
from vtsfind.base.groups import Group
from vtsfind.base.machine import host_name
from vtsfind.base.operations import Action
from vtsfind.base.paths import is_below, show_path
from vtsfind.base.records import Failure, Reason
from vtsfind.base.settings import Settings
from vtsfind.engine.library.outputs import OutputKind, write_output
from vtsfind.engine.library.sidecar_places import SidecarPlaces
from vtsfind.store.library import open_library


def plan_for_groups(
    groups: Sequence[Group],
    *,
    library: Place,
    command: str,
    action: Action = Action.TRASH,
    marks: Mapping[bytes, Action | None] | None = None,
    remove_all: Collection[int] = (),
    target: bytes | None = None,
) -> tuple[Plan, list[Failure]]:
    """Make a plan of groups. Touches nothing; files that travel with a photo are read for their SHA-256.

    Parameters
    ----------
    groups
        As `vtsfind.engine.duplicates.pipeline` found them, or as a review left them.
    library
        Where the library is that they are from.
    command
        What the head of the plan says made it.
    action
        What becomes of every photo that is proposed for removal; others are kept.
    marks
        What becomes of the photos at these paths instead: an action, `Action.KEEP`, or None to leave one alone.
    remove_all
        Numbers of groups that a person asked, by typing each number, to remove wholly.
    target
        The folder for `Action.MOVE`.

    Returns
    -------
    The plan, and the photos that are not in it because they are gone since the library was refreshed: such a photo, or
    all of its group if it was to be kept.

    Raises
    ------
    PlanRefused
        If the marks break the rules of `vtsfind.act.plan`.
    """
    there, gone = _without_missing(groups, marks or {})
    origin = PlanOrigin(
        datetime.now().astimezone().isoformat(timespec="seconds"),
        command,
        __version__,
        os.fsencode(library),
        host_name() if isinstance(library, ServerAddress) else "",
    )
    plan = make_plan(
        there,
        origin,
        action=action,
        marks=marks,
        remove_all=remove_all,
        target=None if target is None else os.path.abspath(target),
        settle=SidecarPlaces().settle,
    )
    return plan, gone


def _without_missing(
    groups: Sequence[Group], marks: Mapping[bytes, Action | None]
) -> tuple[list[Group], list[Failure]]:
    """The groups without the photos that are gone, and those photos."""
    kept: list[Group] = []
    gone: list[Failure] = []
    for group in groups:
        missing = [one for one in group.members if not os.path.lexists(one.photo.path)]
        gone += [Failure(one.photo.path, Reason.VANISHED) for one in missing]
        members = tuple(one for one in group.members if one not in missing)
        keeping = [
            one
            for one in group.members
            if marks.get(one.photo.path, Action.TRASH if one.may_go else Action.KEEP) is Action.KEEP
        ]
        if len(members) > 1 and not any(one in missing for one in keeping):
            kept.append(replace(group, members=members))
    return kept, gone


def read_plan(path: Path) -> Plan:
    """Read a plan, in either form, as it was made or as someone edited it.

    Raises
    ------
    UsageError
        If it cannot be read or understood.
    PlanRefused
        If it breaks the rules.
    """
    try:
        content = read_input(path, MAX_LINES_BYTES)
    except OSError as error:
        raise UsageError(f"The plan {path} cannot be read: {error.strerror}.") from error
    return parse_plan(content, str(path))


def require_here(plan: Plan) -> None:
    """Refuse a plan of a shared library that was made for another machine, or does not say for which.

    Raises
    ------
    UsageError
        If it is one.
    """
    is_shared = is_address(os.fsdecode(plan.library))
    if (is_shared or plan.host) and plan.host != host_name():
        made_for = f"for the files of {plan.host}" if plan.host else "without the name of a machine"
        raise UsageError(
            f"The plan was made {made_for}, and this is {host_name()}. Nothing was changed.",
            "Apply it there, or make a plan here.",
        )


def require_in_library(plan: Plan) -> None:
    """Refuse a plan with files that are not of its library: neither known to it, nor in one of its folders.

    Raises
    ------
    UsageError
        If there are any, or the library cannot be read.
    """
    place = place_of(os.fsdecode(plan.library))
    try:
        with open_library(place) as index:
            roots, known = [os.path.realpath(root) for root in index.roots()], index.stamps()
    except StorageError as error:
        raise UsageError(
            f"The plan is of the library {place}, which cannot be read, so it is unknown which files are its own.",
            f"{error.remedy} Or add --outside to allow any file.",
        ) from error
    allowed: dict[bytes, bool] = {}
    for group in plan.groups:
        for file in group.files:
            for path in (file.path, *(sidecar.path for sidecar in file.sidecars)):
                parent = os.path.dirname(path)
                if parent not in allowed:
                    real = os.path.realpath(parent)
                    allowed[parent] = any(is_below(real, root) for root in roots)
                is_beside_known = file.path in known and parent == os.path.dirname(file.path)
                if not (allowed[parent] or is_beside_known):
                    raise UsageError(
                        f"The plan names {show_path(path)}, which is not in the library {place}.",
                        "Nothing was changed. Add --outside to allow files outside the library.",
                    )


def parse_plan(content: bytes, where: str) -> Plan:
    """Understand a plan in either form; see `read_plan`."""
    read = read_plan_json if content.lstrip()[:1] == b"{" else read_plan_text
    return read(content, where)


def _is_plan(head: bytes) -> bool:
    """Whether a file is a plan, in either form, by its beginning."""
    if head.lstrip().startswith(b"{"):
        return b'"command":"plan"' in head.partition(b"\n")[0].replace(b" ", b"")
    return head.removeprefix(codecs.BOM_UTF8).startswith(MAGIC.encode())


PLAN_FILE = OutputKind("plan", _is_plan)


def save_plan(plan: Plan, path: Path, settings: Settings | None = None, *, force: bool = False) -> None:
    """Save a plan as text for people to edit, all or nothing.

    Parameters
    ----------
    plan
        To be saved.
    path
        Where to. A plan that is there is replaced, a pipe or a device written to.
    settings
        Name a library whose photos are never written over, besides those of the user's other libraries.
    force
        Whether to replace any other file, too.

    Raises
    ------
    UsageError
        If the file is a photo of a library; or, without `force`, no plan.
    DiskFull
        If the file cannot be written.
    """
    write_output(path, plan_text(plan).encode(), PLAN_FILE, settings or Settings(), force=force)
