"""Writes docs/cli.md from the commands themselves: `python -m vtsfind.cli.commands_page > docs/cli.md`."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import typer.main

from vtsfind.base import settings
from vtsfind.cli.app import app
from vtsfind.cli.command import ExitCode
from vtsfind.cli.typer_commands import argument_usage, is_option, meaning, shown_names
from vtsfind.report.streams import Output

_PAGE_HEADER = """# Commands

This page is made from the program by `python -m vtsfind.cli.commands_page > docs/cli.md`; a test fails if it is out of date.

What a command finds goes to standard output, everything else to standard error; progress is shown there if it is a
terminal. `NO_COLOR` (or `TERM=dumb`) turns colours off, `FORCE_COLOR` on. `vtsfind COMMAND -h` shows a command's help.
"""

_JSON_SECTION = """## JSON

With `--json` a command writes one object a line (NDJSON, UTF-8). The first has the type `header` with `schema`, which is 1;
the last has the type `footer` with counts. Fields may be added within a schema number, never removed or changed. A path
is text; if its bytes are not clean UTF-8, they stand in base 64 beside it, under the same name with `_b64` behind.

| Command | Records |
| --- | --- |
| `index` | `failure` (`path`, `reason`, `detail`), `absent` (`path`, `files`); with `--dry-run` also `to_read` and `to_forget` (`path`) |
| `query` | `hit` (`query`, `rank`, `path`, `distance`, `bits`, `verdict`, `width`, `height`, `size`, `taken`, `missing`), `failure` (`query`, `reason`, `detail`) |
| `models` | `model` (`name`, `default`, `heads`, `backbone`, `input`, `file`, `size`, `sha256`, `damage`, `fingerprint`, `licence`, `metrics`); `import` of start weights: `start` (`file`, `backbone`, `weights`, `size`, `sha256`) |
| `eval` | `result` (`dataset`, `method`, `bits`, `map`, `map_best_case`, `map_worst_case`, `paper`, `top`, `textbook_map`, `textbook_map_best_case`, `textbook_map_worst_case`, `radius`, `radius_precision`, `radius_recall`, `radius_map`, `model`, `head`, `sha256`, `fingerprint`, `input`, `made_on`, `queries`, `database`, `seed`, `split_sha256`, `data`, `findings`), `point` of the precision-recall curve (`top`, `precision`, `recall`) |
| `plan` | `group` (`id`, `remove_all`, `files`: a list of `path`, `size`, `sha256`, `verdict`, `action`, `reason`, `companions`) |
| `apply` | `operation` (`op`, `group`, `action`, `path`, `size`, `sha256`, `keeper`, `to`, `companion_of`, `state`, `note`) |
| `undo` | `restore` (as `operation`, with `outcome`: `back`, `pending` or `failed`, in place of `state`) |
| `history` | `run` (`run`, `time`, `command`, `library`, and a count for each state), or with RUN each `operation` |
| `missing` | `photo` (`path`, `size`, `standing`: `there`, `lesser`, `gone` or `missing`, `verdict`, `library_path`, `note`), `film` (`path`), `failure` |
| `calibrate` | `point` (`radius`, `rate`, `at_most`, `bursts`, `mild`, `mild_at_least`, `hard`, `hard_at_least`) |
| `decisions` | `list`, `export`: `decision` (`what`, `a`, `b`, `at`, and in `list` `a_path`, `b_path`), where `a` and `b` are the SHA-256 of two contents; the others only a footer with `changed`, the number of pairs |
| `doctor` | `repair` (`message`), `finding` (`severity`, `message`, `remedy`), `failure`, `format` (`name`, `readable`) |
| `paths` | `place` (`name`, `path`, `exists`) |
"""

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
        *_commands(typer.main.get_command(app), "vtsfind"),
        _exit_codes(),
        _JSON_SECTION,
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


def _settings() -> str:
    meanings = _meanings()
    rows = []
    for field in fields(settings.Settings):
        default = field.default
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        shown = f"`{shown}`" if default not in {"", ()} else ""
        variable = settings.ENVIRONMENT_PREFIX + field.name.upper()
        rows.append(f"| `{field.name}` | `{variable}` | {shown} | {_cell(meanings[field.name])} |\n")
    return _SETTINGS_SECTION + "".join(rows)


def _meanings() -> dict[str, str]:
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
