"""The documentation says what the program does."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main
from support import fault_matrix

from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Action
from vtsfind.base.settings import Settings
from vtsfind.cli import commands_page as reference
from vtsfind.cli import man_page
from vtsfind.cli.app import make_app
from vtsfind.cli.command import ExitCode
from vtsfind.cli.completion import complete_kinds
from vtsfind.cli.typer_commands import shown_names

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "cli.md").read_text(encoding="utf-8")


GLOSSARY = (Path(__file__).parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")


def rows_of(heading: str) -> list[list[str]]:
    """The rows of the table below a heading of the glossary, without its first two lines."""
    table = GLOSSARY.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


COMMANDS = dict(commands(typer.main.get_command(make_app()), "vtsfind"))


def section(path: str) -> str:
    return PAGE.split(f"\n## {path}\n")[1].split("\n## ")[0]


def test_the_page_of_commands_is_up_to_date() -> None:
    assert reference.page() == PAGE, "Run: python -m vtsfind.cli.commands_page > docs/cli.md"


def test_the_manual_page_is_up_to_date_and_has_every_command() -> None:
    text = (DOCS / "vtsfind.1").read_text(encoding="utf-8")
    assert man_page.page() == text, "Run: python -m vtsfind.cli.man_page > docs/vtsfind.1"
    for path in COMMANDS:
        assert f"\n.B {path.replace('-', chr(92) + '-')}\n" in text


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_manual_page_is_typeset_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", DOCS / "vtsfind.1"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "similar and duplicate photos" in " ".join(done.stdout.split())


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_is_documented_and_explained(path: str) -> None:
    text = section(path)
    command = COMMANDS[path]
    assert command.help
    for param in command.params:
        if param.hidden:
            assert param.opts[0] not in text
            continue
        assert param.help, f"{path} {param.opts} has no help"
        assert param.help.endswith(".")
        shown = shown_names(param).strip().replace("|", "\\|")
        assert f"| `{shown}` |" in text


@pytest.mark.parametrize("path", [path for path in COMMANDS if not hasattr(COMMANDS[path], "commands")])
def test_every_command_has_the_common_options(path: str) -> None:
    options = {name for param in COMMANDS[path].params for name in param.opts}
    assert {"--library", "--quiet", "--verbose", "--debug"} <= options
    assert ("--json" in options) == (path != "vtsfind browse")


def test_every_exit_code_is_documented() -> None:
    for code in ExitCode:
        assert f"| {code.value} | {code.meaning} |" in PAGE


def test_every_setting_is_documented() -> None:
    for field in fields(Settings):
        assert f"| `{field.name}` | `VTSFIND_{field.name.upper()}` |" in section("Settings")


def test_the_table_of_faults_is_up_to_date() -> None:
    pytest.importorskip("resource", reason="some faults need a system with limits")
    page = fault_matrix.PAGE.read_text(encoding="utf-8")
    assert fault_matrix.page() == page, "Run: python tests/support/fault_matrix.py"


def test_the_glossary_has_every_verdict_and_what_people_call_it() -> None:
    expected = [[f"`{verdict.value}`", verdict.label] for verdict in Verdict]
    assert [row[:2] for row in rows_of("Verdicts")] == expected


def test_the_glossary_has_every_action() -> None:
    assert [row[0] for row in rows_of("Actions")] == [f"`{action.value}`" for action in Action]


def test_the_glossary_has_every_exit_code() -> None:
    expected = [[str(code.value), f"`{code.name}`"] for code in ExitCode]
    assert [row[:2] for row in rows_of("Exit codes")] == expected


def test_the_kinds_of_the_option_are_the_verdicts_of_the_glossary() -> None:
    (kind,) = (param for param in COMMANDS["vtsfind dupes"].params if "--kind" in param.opts)
    for row in rows_of("Verdicts"):
        assert row[0].strip("`") in kind.help
    assert complete_kinds() == ["copies", *Verdict]


def test_no_page_has_the_marks_of_an_unfinished_merge() -> None:
    pages = [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]
    assert len(pages) > 10
    marks = ("<<<<<<< ", ">>>>>>> ")
    lines = [(page.name, line) for page in pages for line in page.read_text(encoding="utf-8").splitlines()]
    assert [each for each in lines if each[1].startswith(marks)] == []
