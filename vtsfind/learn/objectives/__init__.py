"""Objectives (losses): the table of all of them, and making one by name.

Another package adds objectives by entry points of the group `vtsfind.objectives`: each names a subclass of `Objective`. In
its `pyproject.toml`::

    [project.entry-points."vtsfind.objectives"]
    myhash = "mypackage.myhash:MyHash"

`vtsfind train --method myhash` and every table then know it. It is imported when it is asked for by its name.
"""

import inspect
from importlib.metadata import EntryPoint, entry_points
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from vtsfind.base.errors import UsageError
from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.csq import CSQ
from vtsfind.learn.objectives.dch import DCH
from vtsfind.learn.objectives.dfh import DFH
from vtsfind.learn.objectives.dhn import DHN
from vtsfind.learn.objectives.dpn import DPN
from vtsfind.learn.objectives.dpsh import DPSH
from vtsfind.learn.objectives.dsh import DSH
from vtsfind.learn.objectives.greedyhash import GreedyHash
from vtsfind.learn.objectives.hashnet import HashNet
from vtsfind.learn.objectives.idhn import IDHN
from vtsfind.learn.objectives.instance import Instance
from vtsfind.learn.objectives.orthohash import OrthoHash
from vtsfind.learn.objectives.transhash import TransHash

OBJECTIVES: dict[str, type[Objective]] = {
    "csq": CSQ,
    "dch": DCH,
    "dfh": DFH,
    "dhn": DHN,
    "dpn": DPN,
    "dpsh": DPSH,
    "dsh": DSH,
    "greedyhash": GreedyHash,
    "hashnet": HashNet,
    "idhn": IDHN,
    "instance": Instance,
    "orthohash": OrthoHash,
    "transhash": TransHash,
}
"""Name to class of the objectives that come with vtsfind."""

ENTRY_POINTS = "vtsfind.objectives"
"""The group of entry points that name the objectives of other packages."""

__all__ = ["ENTRY_POINTS", "OBJECTIVES", "Mode", "Objective", "create", "names", "objective_class", "options"]


def names() -> tuple[str, ...]:
    """The names of all objectives: vtsfind's own, then those of other packages."""
    return (*OBJECTIVES, *(name for name in _plugins() if name not in OBJECTIVES))


def objective_class(name: str) -> type[Objective]:
    """Return the class of the objective `name`.

    Raises
    ------
    UsageError
        For an unknown objective, or one of another package that cannot be imported or is no `Objective`.
    """
    if name in OBJECTIVES:
        return OBJECTIVES[name]
    plugin = _plugins().get(name)
    if plugin is None:
        raise UsageError(f"There is no objective '{name}'.", f"Known objectives: {', '.join(names())}.")
    try:
        found = plugin.load()
    except Exception as error:
        raise UsageError(
            f"The objective '{name}' cannot be imported from {plugin.value}: {error}.",
            "Repair or remove the package that brings it.",
        ) from error
    if not (isinstance(found, type) and issubclass(found, Objective)):
        raise UsageError(
            f"The objective '{name}' in {plugin.value} is no subclass of {Objective.__module__}.Objective.",
            "Repair or remove the package that brings it.",
        )
    return found


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def options(name: str) -> dict[str, Any]:
    """Return the options of the objective `name` with their defaults, besides the mode.

    Raises
    ------
    UsageError
        For an unknown objective.
    """
    parameters = inspect.signature(objective_class(name)).parameters
    return {option: parameter.default for option, parameter in parameters.items() if option != "mode"}


def create(name: str, *, mode: str = "fixed", **chosen: Any) -> Objective:
    """Make the objective `name`; it is used after its `bind`.

    Parameters
    ----------
    name
        One of `names`.
    mode
        `fixed` or `paper`.
    chosen
        Options of that objective, see `options`.

    Raises
    ------
    UsageError
        For an unknown objective, mode or option, or a value of the wrong kind.
    """
    known = options(name)
    hints = get_type_hints(objective_class(name).__init__)
    for option, value in chosen.items():
        if option not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f"The objective '{name}' has no option '{option}'.", f"Known options: {listed}.")
        if not _is_of_type(value, hints[option]):
            raise UsageError(f"The option '{option}' of the objective '{name}' cannot be {value!r}.")
    return objective_class(name)(mode=cast(Mode, mode), **chosen)


def _is_of_type(value: Any, hint: Any) -> bool:
    """Whether an option's value is of its kind; a whole number counts as a number, true and false do not."""
    if get_origin(hint) in {UnionType, Union}:
        return any(_is_of_type(value, part) for part in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is None or hint is NoneType:
        return value is None
    if hint is float:
        return type(value) in {int, float}
    return type(value) is hint
