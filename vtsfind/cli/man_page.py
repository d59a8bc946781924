"""Writes docs/vtsfind.1, the manual page, from the commands themselves: `python -m vtsfind.cli.man_page > docs/vtsfind.1`."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import typer.main

from vtsfind.base import settings
from vtsfind.cli.app import make_app
from vtsfind.cli.command import ExitCode
from vtsfind.cli.commands_page import setting_meanings
from vtsfind.cli.typer_commands import argument_usage, is_option, meaning, shown_names
from vtsfind.report.streams import Output

_HEADER = r""".\" Made by: python -m vtsfind.cli.man_page > docs/vtsfind.1
.TH VTSFIND 1 "" "vtsfind" "User Commands"
.SH NAME
vtsfind \- find similar and duplicate photos, and remove duplicates safely
"""


def page() -> str:
    """The whole page, as roff."""
    parts = [
        _HEADER,
        *_commands(typer.main.get_command(make_app()), "vtsfind"),
        _section("EXIT STATUS", ((str(code.value), code.meaning) for code in ExitCode)),
        _section("ENVIRONMENT", _variables()),
    ]
    return "".join(parts)


def _commands(command: Any, path: str) -> Iterator[str]:
    """A section of a command, then those of the commands below it."""
    children = getattr(command, "commands", {})
    usage = [argument_usage(param) for param in command.params if not is_option(param)]
    words = " ".join(["[OPTIONS]", *usage, *(["COMMAND"] if children else [])])
    is_program = path == "vtsfind"
    yield f".SH {'SYNOPSIS' if is_program else _roff(path.upper())}\n.B {_roff(path)}\n{_roff(words)}\n"
    yield (".SH DESCRIPTION\n" if is_program else ".PP\n") + _paragraphs(command.help or "")
    for param in command.params:
        if not param.hidden:
            yield _item(shown_names(param).strip(), meaning(param))
    for name, child in children.items():
        yield from _commands(child, f"{path} {name}")


def _paragraphs(help_text: str) -> str:
    """Paragraphs of text; indented ones are shown as they are."""
    made = []
    for paragraph in help_text.replace("\b\n", "").strip().split("\n\n"):
        if paragraph.startswith("    "):
            lines = "\n".join(_roff(line[4:]) for line in paragraph.splitlines())
            made.append(f".RS 4\n.nf\n{lines}\n.fi\n.RE\n")
        else:
            made.append(_roff(" ".join(paragraph.split())) + "\n")
    return ".PP\n".join(made)


def _section(title: str, items: Any) -> str:
    return f".SH {title}\n" + "".join(_item(name, text) for name, text in items)


def _item(name: str, text: str) -> str:
    return f".TP\n.B {_roff(name)}\n{_roff(' '.join(text.split()))}\n"


def _variables() -> Iterator[tuple[str, str]]:
    meanings = setting_meanings()
    for field in fields(settings.Settings):
        yield settings.ENVIRONMENT_PREFIX + field.name.upper(), meanings[field.name].replace("`", "")


def _roff(text: str) -> str:
    """Text that roff shows as it is written."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("`", "'")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    Output().raw(page().encode())
