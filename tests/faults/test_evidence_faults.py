"""The cache of features and verdicts is thrown away when it is not as it was written, and never believed."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.copies import family, groups, unrelated
from support.disks import fill
from support.fault_matrix import fault
from support.output import Vtsfind

from vtsfind.store.evidence import EvidenceStore

FLIPS = 12


@pytest.fixture
def library(run: Vtsfind, tmp_path: Path) -> Path:
    """A library of copies with everything about them in the cache."""
    family(tmp_path / "photos")
    unrelated(tmp_path / "photos", 1, 2)
    folder = tmp_path / "library"
    assert run("index", tmp_path / "photos", "--library", folder).exit_code == 0
    assert run("dupes", "--library", folder).exit_code == 0
    return folder


@fault(
    "A random bit of `evidence.db` flipped",
    "The groups are those of an empty cache, and what was wrong is said.",
    FLIPS,
)
def test_a_flipped_bit_in_the_cache_changes_nothing(run: Vtsfind, library: Path) -> None:
    arguments = ("dupes", "--library", library, "--json", "--kind", "copies,burst")
    expected = groups(run(*arguments))
    cache = library / "evidence.db"
    whole = cache.read_bytes()
    chooser = random.Random(1)
    for _ in range(FLIPS):
        content = bytearray(whole)
        at = chooser.randrange(len(content))
        content[at] ^= 1 << chooser.randrange(8)
        for path in library.glob("evidence.db*"):
            path.unlink()
        cache.write_bytes(content)
        result = run(*arguments)
        assert (result.exit_code, groups(result)) == (0, expected), at
        again = run(*arguments)
        assert groups(again) == expected
        assert "damaged" not in again.stderr


CHANGES = [
    "UPDATE pairs SET verdict = 'bytes' WHERE verdict = 'edit'",
    "UPDATE pairs SET verdict = NULL",
    "UPDATE pairs SET evidence = '[1, 2' WHERE evidence IS NOT NULL",
    "UPDATE features SET data = zeroblob(20)",
    "UPDATE features SET content = zeroblob(16) WHERE rowid = (SELECT min(rowid) FROM features)",
    "UPDATE features SET full = 1 - full",
    "DROP TABLE pairs",
    "ALTER TABLE features ADD COLUMN more TEXT",
    "UPDATE points SET data = x'00'",
    "UPDATE stages SET data = x'00'",
]


@fault(
    "Rows and tables of `evidence.db` changed by hand",
    "They are not believed; `doctor` finds them, `--repair` removes them.",
    len(CHANGES),
)
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_of_the_cache_is_not_believed(run: Vtsfind, library: Path, change: str) -> None:
    arguments = ("dupes", "--library", library, "--json", "--kind", "copies,burst")
    expected = groups(run(*arguments))
    with closing(sqlite3.connect(library / "evidence.db")) as connection:
        for table, row in (("points", "(x'01', '1', x'02', 3)"), ("stages", "('1', x'01', x'02', 3)")):
            if not connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                connection.execute(f"INSERT INTO {table} VALUES {row}")
        connection.execute(change)
        connection.commit()
    copy = library.with_name("copy")
    shutil.copytree(library, copy)
    found = run("doctor", "--deep", "--library", copy)
    assert "evidence.db" in found.stdout
    assert run("doctor", "--repair", "--deep", "--library", copy).exit_code == 0
    assert not (copy / "evidence.db").exists()
    result = run(*arguments)
    assert (result.exit_code, groups(result)) == (0, expected)


@fault("A full disk while `evidence.db` is made", "The next run makes it.")
def test_a_cache_that_was_half_made_is_made_by_the_next_run(other_disk: Path) -> None:
    filler = fill(other_disk)
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size - 20_000)
    with EvidenceStore(other_disk, "1", "1") as store:
        for number in range(20):
            store.save_features(bytes([number]) * 32, bytes(5000), full=False)
        store.commit()
        assert store.problem
    filler.unlink()
    with EvidenceStore(other_disk, "1", "1") as store:
        store.save_features(b"a" * 32, b"features", full=False)
        store.commit()
        assert store.problem == ""
    with EvidenceStore(other_disk, "1", "1", write=False) as store:
        assert store.features(b"a" * 32) == b"features"


@fault("A kill between the pieces of a new `evidence.db`", "The next run makes it.", 3)
@pytest.mark.parametrize(
    "half",
    [
        "PRAGMA application_id = 1448365893; PRAGMA user_version = 4",
        "PRAGMA application_id = 1448365893; PRAGMA user_version = 4; CREATE TABLE pairs (a)",
        "PRAGMA application_id = 1448365893; PRAGMA user_version = 3",
    ],
)
def test_a_cache_without_its_tables_is_made_anew(tmp_path: Path, half: str) -> None:
    with closing(sqlite3.connect(tmp_path / "evidence.db")) as connection:
        connection.executescript(half)
    with EvidenceStore(tmp_path, "1", "1") as store:
        store.save_features(b"a" * 32, b"features", full=False)
        store.commit()
        assert store.problem == ""
        assert store.features(b"a" * 32) == b"features"
