"""Facts about photos that are not as they were written decide nothing."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.copies import save
from support.fault_matrix import fault
from support.output import Vtsfind
from support.textures import photograph

from vtsfind.base.errors import LibraryDamaged
from vtsfind.store.index import Index

GOLDENS = Path(__file__).parents[1] / "golden"
CHANGES = [
    "width = 4000",
    "height = height + 1",
    "orientation = 6",
    "taken = '1990-01-01 00:00:00'",
    "format = 'DNG'",
    "camera = 'Canon EOS 5D'",
    "camera = NULL",
    "size = size + 1",
    "sha256 = zeroblob(32)",
]


def change(folder: Path, what: str) -> None:
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        connection.execute(f"UPDATE contents SET {what} WHERE id = (SELECT max(id) FROM contents)")
        connection.commit()


@fault(
    "One changed fact about a photo in the library: its width, time, format and others",
    "No plan; `doctor --deep` finds it and `--repair` mends it.",
    9,
)
@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_fact_about_a_photo_is_found_before_it_decides(
    run: Vtsfind, tmp_path: Path, what: str
) -> None:
    image = photograph(0)
    save(tmp_path / "photos" / "a.jpg", image, quality=90)
    save(tmp_path / "photos" / "b.jpg", image.resize((320, 240)), quality=90)
    library = ("--library", tmp_path / "library")
    run("index", tmp_path / "photos", *library)
    sound = run("plan", *library).stdout
    assert "keep" in sound
    change(tmp_path / "library", what)
    for command in ("plan", "dupes"):
        result = run(command, *library)
        assert (result.exit_code, result.stdout) == (4, ""), command
        assert "doctor --repair" in result.stderr
    assert run("doctor", "--deep", *library).exit_code == 4
    assert run("doctor", "--deep", "--repair", *library).exit_code == 0
    assert run("index", *library).exit_code == 0
    again = run("plan", *library).stdout
    assert again.splitlines()[6:] == sound.splitlines()[6:]


@fault(
    "The same in a library of format 1, which is brought to the present format", "It is found from then on."
)
def test_a_library_of_the_first_format_gets_checksums_of_all_facts(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    shutil.copytree(GOLDENS / "index-v1", folder)
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        connection.execute("UPDATE contents SET codes = zeroblob(37) WHERE id = 3")
        connection.commit()
    with Index.open(folder, write=True) as index:
        damaged = [problem.message for problem in index.check(deep=True) if problem.severity == "must"]
        assert any("1 code " in message for message in damaged), "what was damaged before stays so"
        index.repair()
        index.publish()
    with Index.open(folder) as index:
        assert index.check(deep=True) == []
        assert index.contents()
    change(folder, "width = 1")
    with Index.open(folder) as index, pytest.raises(LibraryDamaged, match="not as they were written"):
        index.contents()


@fault(
    "A kill at each statement that brings a library of an earlier format to the present one",
    "The library is as it was, and the next writer does it.",
    2,
)
@pytest.mark.parametrize("name", ["index-v1", "index-v2"])
def test_a_kill_while_a_library_is_brought_to_the_present_version_costs_nothing(
    tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(GOLDENS / name, tmp_path / "library")
    before = dump(folder)
    statements = 0
    while killed_at_statement(folder, statements):
        assert dump(folder) == before
        with Index.open(folder) as index:
            assert index.check(deep=True) == []
        statements += 1
    assert statements > 3
    with Index.open(folder) as index:
        assert index._database.version == 3
        assert index.check(deep=True) == []
        assert len(index.contents()) == 8


def dump(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        return [*connection.iterdump(), str(connection.execute("PRAGMA user_version").fetchone())]


def killed_at_statement(folder: Path, number: int) -> bool:
    """Open a library for writing in a process that ends without notice at the statement of that number."""
    program = (
        "import os, sqlite3, sys; from pathlib import Path; from vtsfind.store.index import Index\n"
        "left = int(sys.argv[2])\n"
        "class Dying(sqlite3.Connection):\n"
        "    def execute(self, text, *parameters):\n"
        "        global left\n"
        "        left -= 1\n"
        "        if left < 0 and not text.startswith('SELECT'): os._exit(9)\n"
        "        return super().execute(text, *parameters)\n"
        ""
        "original = sqlite3.connect\n"
        "sqlite3.connect = lambda *given, **named: original(*given, **named, factory=Dying)\n"
        "Index.open(Path(sys.argv[1]), write=True)\n"
        "left = 100\n"
    )
    return subprocess.run([sys.executable, "-c", program, folder, str(number)], check=False).returncode == 9
