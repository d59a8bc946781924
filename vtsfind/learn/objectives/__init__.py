"""What is minimised during training: the table of objectives, and how one is made by name."""

import inspect
from types import NoneType, UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from vtsfind.base.errors import UsageError
from vtsfind.learn.objectives.base import Mode, Objective
from vtsfind.learn.objectives.csq import CSQ
from vtsfind.learn.objectives.dch import DCH
from vtsfind.learn.objectives.dfh import DFH
from vtsfind.learn.objectives.dhn import DHN
from vtsfind.learn.objectives.dpn import DPN
from vtsfind.learn.objectives.dsh import DSH
from vtsfind.learn.objectives.greedyhash import GreedyHash
from vtsfind.learn.objectives.hashnet import HashNet
from vtsfind.learn.objectives.idhn import IDHN
from vtsfind.learn.objectives.instance import Instance
from vtsfind.learn.objectives.transhash import TransHash

OBJECTIVES: dict[str, type[Objective]] = {
    "csq": CSQ,
    "dch": DCH,
    "dfh": DFH,
    "dhn": DHN,
    "dpn": DPN,
    "dsh": DSH,
    "greedyhash": GreedyHash,
    "hashnet": HashNet,
    "idhn": IDHN,
    "instance": Instance,
    "transhash": TransHash,
}
"""Name to class: the one place where an objective has a name."""

__all__ = ["OBJECTIVES", "Mode", "Objective", "create", "options"]


def options(name: str) -> dict[str, Any]:
    """Give the options of the objective `name` with their defaults, besides the mode.

    Raises
    ------
    UsageError
        For an unknown objective.
    """
    if name not in OBJECTIVES:
        raise UsageError(f"There is no objective '{name}'.", f"Known objectives: {', '.join(OBJECTIVES)}.")
    parameters = inspect.signature(OBJECTIVES[name]).parameters
    return {option: parameter.default for option, parameter in parameters.items() if option != "mode"}


def create(name: str, *, mode: str = "fixed", **chosen: Any) -> Objective:
    """Make the objective `name`; it is used after its `bind`.

    Parameters
    ----------
    name
        One of `OBJECTIVES`.
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
    hints = get_type_hints(OBJECTIVES[name].__init__)
    for option, value in chosen.items():
        if option not in known:
            listed = ", ".join(known) or "none"
            raise UsageError(f"The objective '{name}' has no option '{option}'.", f"Known options: {listed}.")
        if not _is_of_type(value, hints[option]):
            raise UsageError(f"The option '{option}' of the objective '{name}' cannot be {value!r}.")
    return OBJECTIVES[name](mode=cast(Mode, mode), **chosen)


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
