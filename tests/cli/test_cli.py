"""The smaller commands, and what all commands have in common."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support import block_encoder
from support.drawn_photos import encoded, scene
from support.output import Vtsfind, records
from typer.testing import CliRunner

import vtsfind
from vtsfind.base.settings import places
from vtsfind.cli.app import make_app
from vtsfind.cli.command import ExitCode
from vtsfind.engine.library.access import LIBRARY_FORMAT
from vtsfind.store.index import Index


def test_models_are_listed_and_shown_without_their_weights(run: Vtsfind) -> None:
    assert block_encoder.NAME in run("models", "list").stdout
    model = next(
        m for m in records(run("models", "list", "--json"), "model") if m["name"] == block_encoder.NAME
    )
    assert model["heads"] == {"scene": 64, "copy": 256}
    assert model["size"] == len(b"blocks")
    assert "(verified)" in run("models", "show", block_encoder.NAME, "--verify").stdout
    unknown = run("models", "show", "block_encoder.mean.tset.64-256")
    assert unknown.exit_code == 2
    assert f"Did you mean '{block_encoder.NAME}'?" in unknown.stderr


def test_paths_shows_where_things_are(run: Vtsfind, own_places: Path) -> None:
    result = run("paths")
    assert result.exit_code == 0
    assert str(own_places / "config" / "config.toml") in result.stdout
    there = {record["name"]: record for record in records(run("paths", "--json", "--library", "x"), "place")}
    assert there["library"]["path"] == str(own_places / "data" / "libraries" / "x")
    assert not there["library"]["exists"]


def test_doctor_names_what_could_not_be_read_beside_a_sound_library(run: Vtsfind, photos: Path) -> None:
    (photos / "half.jpg").write_bytes(encoded(scene(50))[:300])
    indexed = run("index", photos)
    said = f"1 file could not be read (damaged or incomplete): {photos / 'half.jpg'}. Restore from a backup"
    assert said in indexed.stderr
    result = run("doctor", "--deep")
    assert result.exit_code == 0
    assert "12 files" in result.stdout
    assert f"note: {said}" in result.stdout
    assert result.stderr == "The library is sound, but without 1 file that could not be read.\n"
    (photos / "half.jpg").unlink()
    assert run("index").exit_code == 0
    assert run("doctor").stderr == "No problems found.\n"
    assert "JPEG" in result.stdout
    assert records(run("doctor", "--json"))[-1]["sound"] is True


def test_doctor_counts_what_vtsfind_removed_apart_as_dupes_does(
    run: Vtsfind, tmp_path: Path, photos: Path
) -> None:
    (photos / "copy.jpg").write_bytes((photos / "cat.jpg").read_bytes())
    run("index", photos)
    run("plan", "--kind", "bytes", "-o", tmp_path / "plan.txt")
    assert "13 files, 12 contents" in run("doctor").stdout
    assert run("apply", tmp_path / "plan.txt", "--yes").exit_code == 0
    assert "among 12 photos" in run("dupes", "--kind", "bytes").stderr
    said = run("doctor").stdout
    assert "12 files, 12 contents" in said
    assert "1 more at the last index, removed by vtsfind since" in said
    footer = records(run("doctor", "--json"))[-1]
    assert (footer["files"], footer["removed"]) == (12, 1)


def test_doctor_repairs_a_damaged_library(run: Vtsfind, photos: Path) -> None:
    run("index", photos)
    with sqlite3.connect(places().library("default") / "library.db") as database:
        database.execute("UPDATE contents SET crc = crc + 1 WHERE id = 3")
    database.close()
    sick = run("doctor", "--deep")
    assert sick.exit_code == 4
    assert "doctor --repair" in sick.stdout
    healed = run("doctor", "--repair", "--deep", "--json")
    assert healed.exit_code == 0
    assert records(healed, "repair")
    assert "1 new, 11 unchanged" in run("index").stderr


def test_doctor_makes_missing_planes_again(run: Vtsfind, photos: Path) -> None:
    run("index", photos)
    planes = places().library("default") / "planes.vtp"
    planes.unlink()
    assert run("doctor").exit_code == 0
    run("doctor", "--repair")
    assert planes.exists()


def test_doctor_refuses_to_repair_while_another_writes(run: Vtsfind, photos: Path) -> None:
    run("index", photos / "trip")
    with Index.open(places().library("default"), write=True):
        assert run("doctor", "--repair").exit_code == 4


def test_doctor_without_a_library_says_how_to_make_one(run: Vtsfind) -> None:
    result = run("doctor")
    assert result.exit_code == 2
    assert "vtsfind index FOLDER" in result.stdout
    assert result.stderr == ""


def test_version_names_program_format_and_model() -> None:
    result = CliRunner().invoke(make_app(), ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith(
        f"vtsfind {vtsfind.__version__}, library format {LIBRARY_FORMAT}, default model "
    )


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["index", "-h"], ["models", "show", "--help"]])
def test_help_is_on_standard_output(arguments: list[str]) -> None:
    result = CliRunner().invoke(make_app(), arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")


def test_a_misspelt_command_or_option_gets_a_hint(run: Vtsfind) -> None:
    command = run("qeury", "x")
    assert command.exit_code == 2
    assert "Did you mean 'query'?" in command.stderr
    option = run("query", "x", "--topp", 3)
    assert option.exit_code == 2
    assert "--top" in option.stderr


def test_an_unknown_setting_is_named_with_its_place(
    run: Vtsfind, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTSFIND_COLOUR", "yes")
    result = run("index", photos)
    assert result.exit_code == 2
    assert "VTSFIND_COLOUR" in result.stderr


def test_a_bug_is_one_sentence_and_a_traceback_only_with_debug(
    run: Vtsfind, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("vtsfind.engine.search.query.find_similar", broken)
    plain = run("query", "x.jpg")
    assert plain.exit_code == 70
    assert "ZeroDivisionError: oops" in plain.stderr
    assert "Traceback" not in plain.stderr
    assert "Traceback" in run("query", "x.jpg", "--debug").stderr


def test_a_full_disk_behind_standard_output_is_said(album: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no device that is always full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            block_encoder.command(
                "query", str(album / "photos/cat.jpg"), "--json", "--library", str(album / "library")
            ),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == ExitCode.OUTPUT
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("variable", ["NO_COLOR", "FORCE_COLOR"])
def test_colours_follow_the_environment(run: Vtsfind, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert ("\x1b[" in run("index").stderr) == (variable == "FORCE_COLOR")


def test_the_package_runs_as_a_program() -> None:
    done = subprocess.run([sys.executable, "-m", "vtsfind", "paths"], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"config.toml" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"), [(["paths"], ExitCode.DONE), (["paths", "--no"], ExitCode.USAGE)]
)
def test_a_process_that_has_loaded_torch_ends_without_unloading_it(
    arguments: list[str], code: ExitCode
) -> None:
    probe = """
import atexit, sys, types
class Library(types.ModuleType):
    def __del__(self, write=sys.stderr.write): write("unloaded")
from vtsfind.cli import app, main
make_app = app.make_app
def make_and_register(*names):
    atexit.register(print, "last words", file=sys.stderr)
    return make_app(*names)
app.make_app = make_and_register
sys.modules["torch"] = Library("torch")
main()
"""
    given = [sys.executable, "-c", probe, *arguments]
    done = subprocess.run(given, capture_output=True, check=False, text=True)
    assert done.returncode == code
    assert ("config.toml" in done.stdout) == (code is ExitCode.DONE)
    assert done.stderr.endswith("last words\n")
