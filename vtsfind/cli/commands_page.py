"""Writes docs/cli.md from the commands themselves: `python -m vtsfind.cli.commands_page > docs/cli.md`."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import typer.main

from vtsfind.base import settings
from vtsfind.cli.app import make_app
from vtsfind.cli.command import ExitCode
from vtsfind.cli.typer_commands import argument_usage, is_option, meaning, shown_names
from vtsfind.report.schema import HEADER, STREAMS, Field, Stream
from vtsfind.report.streams import Output

_PAGE_HEADER = """# Commands

This page is generated from the program: `python -m vtsfind.cli.commands_page > docs/cli.md`.

Results go to standard output, everything else to standard error. Progress is shown on a terminal only. `NO_COLOR` or
`TERM=dumb` turns colours off, `FORCE_COLOR` turns them on. `vtsfind COMMAND -h` prints the help of a command.
"""

_JSON_SECTION = """## JSON

With `--json` a command writes one object per line (NDJSON, UTF-8). Each has a `type`: the first is `header`, the last is
`footer`. Within a schema number fields are added, never removed, renamed or changed. A path is text; if it is not UTF-8,
its exact bytes stand beside it in base 64, under the same name with `_b64` appended. A field marked * is left out where
it does not apply. A `verdict` is one of the kinds of duplicates of `--kind`.

Every header has """

_SETTINGS_SECTION = """## Settings

A setting is taken from the option on the command line, else from the environment, else from `config.toml` in the folder
that `vtsfind paths` shows as config, else from its default. An unknown setting is an error. In the environment a list is
separated as `PATH` is.

| Setting | Environment | Default | Meaning |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    parts = [
        _PAGE_HEADER,
        *_commands(typer.main.get_command(make_app()), "vtsfind"),
        _exit_codes(),
        _json(),
        _settings(),
    ]
    return "\n".join(parts)


def _commands(command: Any, path: str) -> Iterator[str]:
    """The sections of a command and of those below it."""
    children = getattr(command, "commands", {})
    usage = [argument_usage(param) for param in command.params if not is_option(param)]
    words = [path, "[OPTIONS]", *usage, *(["COMMAND"] if children else [])]
    help_text = (command.help or "").replace("\b\n", "")
    yield f"## {path}\n\n    {' '.join(words)}\n\n{help_text.strip()}\n"
    shown = [param for param in command.params if not param.hidden]
    if shown:
        yield "| Argument or option | Meaning |\n| --- | --- |\n" + "".join(
            f"| `{_cell(shown_names(param).strip())}` | {_cell(meaning(param))} |\n" for param in shown
        )
    for name, child in children.items():
        yield from _commands(child, f"{path} {name}")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _exit_codes() -> str:
    rows = "".join(f"| {code.value} | {code.meaning} |\n" for code in ExitCode)
    return f"## Exit codes\n\n| Code | Meaning |\n| --- | --- |\n{rows}"


def _json() -> str:
    listed = ", ".join(
        f"`{field.name}` ({field.meaning[0].lower()}{field.meaning[1:-1]})" for field in HEADER
    )
    return f"{_JSON_SECTION}{listed}.\n\n" + "\n".join(map(_stream, STREAMS))


def _stream(stream: Stream) -> str:
    """The table of what one command writes."""
    records = [("header", stream.header), *stream.records, ("footer", stream.footer)]
    rows = [
        f"| {f'`{kind}`' if number == 0 else ''} | {names} | {_cell(meaning)} |\n"
        for kind, fields in records
        for number, (names, meaning) in enumerate(_field_rows(fields))
    ]
    title = f"### vtsfind {stream.command} {stream.usage}".rstrip()
    return f"{title}\n\n| Record | Field | Meaning |\n| --- | --- | --- |\n{''.join(rows)}"


def _field_rows(fields: tuple[Field, ...], above: str = "") -> Iterator[tuple[str, str]]:
    """Name and meaning of fields and of those inside them."""
    for field in fields:
        yield f"`{above}{field.name}`{'*' if field.optional else ''}", field.meaning
        yield from _field_rows(field.fields, f"{above}{field.name}.")


def _settings() -> str:
    meanings = setting_meanings()
    rows = []
    for field in fields(settings.Settings):
        default = field.default
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        shown = f"`{shown}`" if default not in {"", ()} else ""
        variable = settings.ENVIRONMENT_PREFIX + field.name.upper()
        rows.append(f"| `{field.name}` | `{variable}` | {shown} | {_cell(meanings[field.name])} |\n")
    return _SETTINGS_SECTION + "".join(rows)


def setting_meanings() -> dict[str, str]:
    """The sentences below the fields of the settings, from the source."""
    body = ast.parse(inspect.getsource(settings.Settings)).body[0]
    assert isinstance(body, ast.ClassDef)
    meanings = {}
    for statement, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(after, ast.Expr):
            assert isinstance(statement.target, ast.Name)
            meanings[statement.target.id] = str(ast.literal_eval(after.value))
    return meanings


if __name__ == "__main__":
    Output().raw(page().encode())
