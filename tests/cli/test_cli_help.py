"""What help shows, at any width, and how options are read."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
import typer.main
from support import entries
from support.output import Vtsfind
from typer.testing import CliRunner

from vtsfind.cli.app import make_app
from vtsfind.cli.typer_commands import CONTEXT_SETTINGS, CommandGroup, add_command
from vtsfind.store.index import Index

WIDTHS = (80, 120)


def paths_of(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from paths_of(child, (*path, name))


COMMANDS = dict(paths_of(typer.main.get_command(make_app())))


def help_of(path: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(make_app(), [*path, "-h"], prog_name="vtsfind")
    assert result.exit_code == 0
    return result.stdout


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_breaks_no_word_and_cuts_no_text(
    path: tuple[str, ...], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = help_of(path, width, monkeypatch)
    command = COMMANDS[path]
    expected = [param.help for param in command.params if not param.hidden]
    expected += [child.help.split("\n\n")[0] for child in getattr(command, "commands", {}).values()]
    for text in expected:
        assert words(text) in words(shown)
    assert all(len(line) <= width for line in shown.splitlines() if not re.match(r" {6}\S", line))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_examples_keep_their_lines(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    shown = help_of(path, 80, monkeypatch)
    examples = [line for line in (COMMANDS[path].help or "").splitlines() if line.startswith("    ")]
    assert set(examples) <= {line.removeprefix("  ") for line in shown.splitlines()}


def test_research_commands_stand_under_their_own_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = help_of((), 80, monkeypatch).split("\nFor researchers:\n")[1].split("\n\n")[0]
    assert re.findall(r"^  (\w+)", listing, re.MULTILINE) == ["train", "eval", "models"]


def test_options_stand_under_headings_that_say_what_they_are_about(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = help_of(("dupes",), 80, monkeypatch)
    headings = re.findall(r"^(\S.*):$", shown, re.MULTILINE)
    assert headings == ["Options", "Which duplicates", "Which photo to keep", "Output", "Common options"]
    assert "--max-false-merge" not in shown


def test_browse_offers_no_json(monkeypatch: pytest.MonkeyPatch, run: Vtsfind) -> None:
    assert "--json" not in help_of(("browse",), 80, monkeypatch)
    assert run("browse", "--json").exit_code == 2


@dataclass(frozen=True)
class Options:
    number: Annotated[int, typer.Option(metavar="N", help="A number.")] = 1
    names: Annotated[list[str] | None, typer.Option("--name", metavar="NAME", help="Names.")] = None
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="A file.")] = None


@pytest.fixture
def invoke() -> Any:
    """Run a command that takes a group of options, and give what it got, or the failed result."""
    got: list[tuple[str, Options, bool]] = []

    def command(
        word: Annotated[str, typer.Argument(help="A word.")],
        *,
        loud: Annotated[bool, typer.Option("--loud", help="Loudly.")] = False,
        options: Options,
    ) -> None:
        got.append((word, options, loud))

    application = typer.Typer(cls=CommandGroup, rich_markup_mode=None, context_settings=CONTEXT_SETTINGS)
    add_command(application, "do", command)
    add_command(application, "other", lambda: None)

    def invoke(*arguments: str) -> Any:
        result = CliRunner().invoke(application, ["do", *arguments])
        return got.pop() if result.exit_code == 0 else result

    return invoke


def test_a_group_of_options_reaches_the_command_as_one_value(invoke: Any) -> None:
    assert invoke("word") == ("word", Options(), False)
    given = invoke("word", "--number", "7", "--name", "a", "--name", "b", "--file", "x/y", "--loud")
    assert given == ("word", Options(7, ["a", "b"], Path("x/y")), True)


def test_values_need_not_be_utf8(invoke: Any) -> None:
    strange = os.fsdecode(b"bad-\xff.jpg")
    assert invoke(strange, "--name", strange, "--file", strange) == (
        strange,
        Options(names=[strange], file=Path(strange)),
        False,
    )


def test_a_value_of_another_kind_is_refused_with_the_options_name(invoke: Any) -> None:
    result = invoke("word", "--number", "many")
    assert result.exit_code == 2
    assert "--number" in result.stderr
    assert "many" in result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("vtsfind dupes --kind b", {"bytes", "burst"}),
        ("vtsfind plan --action ha", {"hardlink"}),
        ("vtsfind query --by c", {"copy"}),
        ("vtsfind missing --by l", {"look"}),
        ("vtsfind index --library ho", {"holidays"}),
    ],
)
def test_the_shell_completes_values(
    words: str, expected: set[str], monkeypatch: pytest.MonkeyPatch, own_places: Path
) -> None:
    (own_places / "data" / "libraries" / "holidays").mkdir(parents=True)
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
    monkeypatch.setenv("_VTSFIND_COMPLETE", "complete_zsh")
    result = CliRunner().invoke(make_app(), prog_name="vtsfind")
    assert set(re.findall(r'"(\w+)"', result.stdout)) == expected


def test_the_shell_completes_the_cameras_of_the_library(
    monkeypatch: pytest.MonkeyPatch, own_places: Path
) -> None:
    def completed(words: str) -> list[str]:
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
        monkeypatch.setenv("_VTSFIND_COMPLETE", "complete_zsh")
        result = CliRunner().invoke(make_app(), prog_name="vtsfind")
        assert result.exit_code == 0
        return re.findall(r'"([^"]+)"', result.stdout)

    assert completed("vtsfind query --camera C") == [], "there is no library"
    with Index.create(own_places / "data" / "libraries" / "old", entries.SIGNATURE) as index:
        entries.golden_changes(index)
        index.publish()
    assert completed("vtsfind query --camera C") == []
    assert completed("vtsfind query --library old --camera C") == ["Canon EOS 5D"]
    assert completed("vtsfind query --library old --camera A") == ["Apple iPhone 13"]
