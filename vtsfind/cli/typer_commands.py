"""How Typer reads our commands and writes their help.

* A command takes groups of options, dataclasses, as single parameters: `add_command`.
* Help is plain text whose options and commands stand under headings, and its paragraphs that are indented keep their
  lines: `Command`, `CommandGroup`.
* An option in `Command.optional_values` may stand without its value.
* Values are converted here and not by pydantic, which Typer uses from 0.29 on: importing it takes a third of the time of
  a quick command, and it refuses paths that are not UTF-8. `_convert_plainly` is the one place that reaches inside Typer.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from vtsfind.cli.options import COMMON, OUTPUT
from vtsfind.report.streams import escaped

_ARGUMENTS, _OPTIONS, _COMMANDS = "Arguments", "Options", "Commands"
_HELP_WIDTH = 100
"""Columns of help text at most; longer lines are hard to read."""
_NAMES_WIDTH = 26
"""Columns of the names of options; what is longer stands on a line of its own."""
_Headings = dict[str, list[tuple[str, str]]]
"""Heading to rows of a name and its meaning."""
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": _HELP_WIDTH}


def add_command(
    app: typer.Typer, name: str, command: Callable[..., None], *, heading: str | None = None
) -> None:
    """Add a command, which may take groups of options; `heading` is what it stands under in the list of commands."""
    app.command(name, cls=Command, rich_help_panel=heading)(flattened(command))


def flattened(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a signature with one parameter for each field of the dataclasses that it takes.

    The dataclasses are put together again when it is called.
    """
    parameters = inspect.signature(command).parameters
    groups: dict[str, Any] = {
        name: each.annotation for name, each in parameters.items() if is_dataclass(each.annotation)
    }

    def call(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    flat: list[inspect.Parameter] = []
    for name, parameter in parameters.items():
        if name in groups:
            flat += [
                inspect.Parameter(f.name, parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
                for f in fields(groups[name])
            ]
        else:
            flat.append(parameter)
    call.__name__, call.__doc__ = command.__name__, command.__doc__
    vars(call)["__signature__"] = inspect.Signature(flat)
    return call


class _PlainHelp:
    """Help of a command or a group of commands: paragraphs, then each heading's rows."""

    get_params: Callable[[Any], list[Any]]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and options under their headings."""
        headings: _Headings = {_ARGUMENTS: [], _OPTIONS: []}
        for param in self.get_params(ctx):
            if not getattr(param, "hidden", False):
                headings.setdefault(_heading(param, self), []).append((shown_names(param), meaning(param)))
        for last in (OUTPUT, COMMON):
            headings[last] = headings.pop(last, [])
        _write_headings(formatter, headings)


class Command(_PlainHelp, TyperCommand):
    """A command of vtsfind."""

    optional_values: ClassVar[dict[str, str]] = {"--pictures": "auto"}
    """Options that may stand without a value, and what they mean then; a value needs a `=`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["help"] = _keep_indented_lines(kwargs.get("help") or "")
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        _convert_plainly(self.get_params(ctx))
        end = args.index("--") if "--" in args else len(args)
        given = [
            f"{arg}={self.optional_values[arg]}" if arg in self.optional_values else arg for arg in args[:end]
        ]
        with _escaped_errors():
            return super().parse_args(ctx, given + args[end:])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line behind the command's name."""
        del ctx
        return ["[OPTIONS]", *(argument_usage(param) for param in self.params if not is_option(param))]


class CommandGroup(_PlainHelp, TyperGroup):
    """A group of commands of vtsfind."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["help"] = _keep_indented_lines(kwargs.get("help") or "")
        super().__init__(*args, **kwargs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        _convert_plainly(self.get_params(ctx))
        with _escaped_errors():
            return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their headings, then the options."""
        headings: _Headings = {}
        for name, command in self.commands.items():
            panel = getattr(command, "rich_help_panel", None)
            heading = panel if isinstance(panel, str) else _COMMANDS
            headings.setdefault(heading, []).append((name, (command.help or "").split("\n\n")[0]))
        _write_headings(formatter, headings)
        super().format_options(ctx, formatter)


@contextmanager
def _escaped_errors() -> Iterator[None]:
    """Let no argument that an error names control the terminal."""
    try:
        yield
    except Exception as error:
        message = getattr(error, "message", None)
        if isinstance(message, str):
            vars(error)["message"] = escaped(message, "\n")
        raise


def _keep_indented_lines(text: str) -> str:
    """Mark the paragraphs whose lines are to stay apart, in the way of Click."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(f"\b\n{each}" if each.startswith("    ") else each for each in paragraphs)


def _write_headings(formatter: Any, headings: _Headings) -> None:
    """Write rows of two columns under each heading, the columns aligned throughout."""
    names = [len(name) for rows in headings.values() for name, _ in rows]
    width = max(each for each in names if each <= _NAMES_WIDTH)
    for heading, rows in headings.items():
        if rows:
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), text) for name, text in rows], col_max=width)


def is_option(param: Any) -> bool:
    """Whether a parameter is an option, and not an argument."""
    return bool(param.opts[0].startswith("-"))


def argument_usage(argument: Any) -> str:
    """How an argument stands in a usage line."""
    name = argument.metavar or argument.name.upper()
    return (name if argument.required else f"[{name}]") + ("..." if argument.nargs == -1 else "")


def shown_names(param: Any) -> str:
    """How a parameter is called in help: its names, the short one first, and its value."""
    if not is_option(param):
        return str(param.metavar or param.name.upper())
    names = sorted(param.opts, key=len)
    value = f" {param.metavar}" if param.metavar and not param.is_flag else ""
    margin = "" if len(names[0]) == 2 else "    "
    return f"{margin}{', '.join(names)}{value}".replace(" [=", "[=")


def _heading(param: Any, command: Any) -> str:
    if not is_option(param):
        return _ARGUMENTS
    if "--help" in param.opts and isinstance(command, Command):
        return COMMON
    return getattr(param, "rich_help_panel", None) or _OPTIONS


def meaning(param: Any) -> str:
    """What a parameter is for, and its default."""
    default = "" if param.default in {None, False, ""} else f" [default: {param.default}]"
    return f"{param.help}{default}"


_MAX_NUMBER = 10**12
"""The largest whole number that an option takes: more than there are photos, and few enough for every array."""
_TYPE_NAMES: dict[Any, str] = {
    bool: "yes or no",
    str: "text",
    int: "a whole number",
    float: "a number",
    Path: "a path",
}


@dataclass(frozen=True, slots=True)
class _PlainValue:
    """Converts the values of one parameter; stands in for what Typer makes by pydantic."""

    kind: type
    """What the value, or each value of a list, is: one of `_TYPE_NAMES`."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Turn what the shell gave into the parameter's value."""
        if value is None:
            return [] if param.multiple or param.nargs == -1 else None
        if isinstance(value, list | tuple):
            return [self._one(item, param, ctx) for item in value]
        return self._one(value, param, ctx)

    def _one(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            converted = value if isinstance(value, self.kind) else self.kind(value)
        except ValueError:
            message = f"'{value}' is not {_TYPE_NAMES[self.kind]}."
            raise typer.BadParameter(message, ctx=ctx, param=param) from None
        if isinstance(converted, int) and abs(converted) > _MAX_NUMBER:
            raise typer.BadParameter(f"{value} is too large.", ctx=ctx, param=param)
        return converted


def _convert_plainly(params: list[Any]) -> None:
    """Make Typer convert values by `_PlainValue`. Before 0.29 it has no `type_descriptor` and needs none of this."""
    for param in params:
        annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
        kind = get_args(annotation)[0] if get_origin(annotation) in {list, tuple} else annotation
        if kind in _TYPE_NAMES:
            vars(param)["get_runtime_param"] = lambda kind=kind: _PlainValue(kind)
