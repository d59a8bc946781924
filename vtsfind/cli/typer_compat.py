"""How Typer reads our commands: values as the shell gave them, and options whose value may be left out.

Typer from 0.29 on checks every value with pydantic, which takes a quarter of a quick command's time to import and
refuses paths that are not UTF-8. Our options are flags, text, numbers, paths, and lists of such, which need no such
checker.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

_TYPE_NAMES: dict[Any, str] = {
    bool: "yes or no",
    str: "text",
    int: "a whole number",
    float: "a number",
    Path: "a path",
}


@dataclass(frozen=True, slots=True)
class UncheckedValue:
    """Stands in for Typer's checker of one parameter's value."""

    kind: type
    """What the value, or each value of a list, is: one of the kinds known here."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Turn what the shell gave into the parameter's value."""
        if value is None:
            return [] if param.multiple or param.nargs == -1 else None
        if isinstance(value, list | tuple):
            return [self._one(item, param, ctx) for item in value]
        return self._one(value, param, ctx)

    def _one(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, self.kind):
            return value
        try:
            return self.kind(value)
        except ValueError:
            message = f"'{value}' is not {_TYPE_NAMES[self.kind]}."
            raise typer.BadParameter(message, ctx=ctx, param=param) from None


def _value_type(annotation: Any) -> Any:
    """The kind of a parameter's values, or of the values of its list."""
    return get_args(annotation)[0] if get_origin(annotation) in {list, tuple} else annotation


def _bypass_type_checks(param: Any) -> None:
    """Make Typer, if it is one that checks values, take this parameter's as they are, and show its metavar only."""
    kind = _value_type(getattr(getattr(param, "type_descriptor", None), "annotation", None))
    if kind in _TYPE_NAMES and hasattr(param, "get_runtime_param"):
        vars(param)["get_runtime_param"] = lambda: UncheckedValue(kind)
        shown = param.metavar if _is_option(param) else None
        vars(param)["display_type_rich"] = lambda _ctx=None, **_: shown


class CommandGroup(TyperGroup):
    """A group of commands of vtsfind."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        for param in self.get_params(ctx):
            _bypass_type_checks(param)
        return super().parse_args(ctx, args)


class Command(TyperCommand):
    r"""A command of vtsfind.

    A line with nothing but a backslash and b in its docstring keeps the lines of the paragraph below it apart.
    """

    optional_values: ClassVar[dict[str, str]] = {"--pictures": "auto"}
    """Options that may stand without a value, and what they mean then; a value needs a `=`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["help"] = (kwargs.get("help") or "").replace("\\b\n", "\b\n")
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        for param in self.get_params(ctx):
            _bypass_type_checks(param)
        end = args.index("--") if "--" in args else len(args)
        given = [
            f"{arg}={self.optional_values[arg]}" if arg in self.optional_values else arg for arg in args[:end]
        ]
        return super().parse_args(ctx, given + args[end:])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line behind the command's name."""
        del ctx
        return [
            "[OPTIONS]",
            *(argument_usage(param) for param in self.params if not param.opts[0].startswith("-")),
        ]


def argument_usage(argument: Any) -> str:
    """How an argument stands in a usage line."""
    name = argument.metavar or argument.name.upper()
    return (name if argument.required else f"[{name}]") + ("..." if argument.nargs == -1 else "")


def _is_option(param: Any) -> bool:
    return bool(param.opts[0].startswith("-"))
