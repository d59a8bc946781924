"""Facts about photos that are not as they were written decide nothing."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.copies import save
from support.fault_matrix import fault
from support.output import Vtsfind
from support.textures import photograph

from vtsfind.base.errors import LibraryDamaged
from vtsfind.store.index import Index

GOLDEN = Path(__file__).parents[1] / "golden" / "index-v1"
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
    shutil.copytree(GOLDEN, folder)
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        connection.execute("UPDATE contents SET codes = zeroblob(37) WHERE id = 3")
        connection.commit()
    with Index.open(folder, write=True) as index:
        damaged = [problem.message for problem in index.check(deep=True) if problem.severity == "must"]
        assert any("1 codes" in message for message in damaged), "what was damaged before stays so"
        index.repair()
        index.publish()
    with Index.open(folder) as index:
        assert index.check(deep=True) == []
        assert index.contents()
    change(folder, "width = 1")
    with Index.open(folder) as index, pytest.raises(LibraryDamaged, match="not as they were written"):
        index.contents()
