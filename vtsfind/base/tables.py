"""TOML tables as frozen dataclasses, and back: every key is a field, and an unknown key is an error."""

import dataclasses
import types
import typing
from typing import Any, Literal

from vtsfind.base.errors import UsageError


def read_table(kind: Any, value: Any, where: str) -> Any:  # noqa: PLR0911 - one return a kind reads best
    """Turn a parsed TOML value into a value of a type.

    Parameters
    ----------
    kind
        A frozen dataclass, or a type that its fields may have: plain values, `Literal`, `tuple[X, ...]`, `dict[str, X]`,
        unions of plain values, and `X | None`.
    value
        What the TOML parser gave.
    where
        Names the place in errors.

    Raises
    ------
    UsageError
        For an unknown or missing key or a value of the wrong kind.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, where)
    if origin in {types.UnionType, typing.Union}:
        # Optional fields only: an absent one keeps its default None, so a present one is of the other kind.
        chosen = [k for k in inner if k is not types.NoneType]
        fitting = [k for k in chosen if isinstance(k, type) and isinstance(value, k)]
        return read_table((fitting or chosen)[0], value, where)
    if origin is tuple and isinstance(value, list) and (... in inner or len(inner) == len(value)):
        return tuple(read_table(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: read_table(inner[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is Literal and value in inner:
        return value
    if kind is float and type(value) in {int, float}:
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise UsageError(f"{where} is {value!r}, which does not belong there.")


def to_toml_value(value: Any) -> Any:
    """A value as TOML can hold it: lists for tuples, and no None or empty tuple in a table."""
    if isinstance(value, dict):
        return {
            name: to_toml_value(inner) for name, inner in value.items() if inner is not None and inner != ()
        }
    if isinstance(value, (list, tuple)):
        return [to_toml_value(inner) for inner in value]
    return value


def _record(kind: Any, table: Any, where: str) -> Any:
    if not isinstance(table, dict):
        raise UsageError(f"{where} should be a table.")
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(table) - set(hints))
    if unknown:
        raise UsageError(f"{where} has the unknown key '{unknown[0]}'.", f"Known: {', '.join(hints)}.")
    given = {name: read_table(hints[name], value, f"{where}: {name}") for name, value in table.items()}
    required = {f.name for f in dataclasses.fields(kind) if _has_no_default(f)}
    if required - set(given):
        raise UsageError(f"{where} lacks the key '{min(required - set(given))}'.")
    return kind(**given)


def _has_no_default(f: Any) -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
