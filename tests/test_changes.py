"""What a look at the disk says about a library."""

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.changes import Changes, RefreshOptions, Selection, scan_changes, select

State = dict[str, int]
"""Name of each file to its content and time of change, as one number."""

names = st.sampled_from(["a.jpg", "b.png", "x/a.jpg", "x/c.gif", "x/y/d.webp", "z/e.jpg"])
states = st.dictionaries(names, st.integers(1, 3))


def look(
    folder: Path, stamps: dict[bytes, tuple[int, int, int]], selection: Selection | None = None
) -> Changes:
    return scan_changes(
        dict(stamps),
        frozenset(),
        selection or Selection((os.fsencode(folder),), known=True),
        Context(Settings()),
        RefreshOptions(),
    )


def stamps(seen: Changes) -> dict[bytes, tuple[int, int, int]]:
    return {each.path: (each.stamp.size, each.stamp.mtime_ns, each.stamp.inode) for each in seen.fresh}


def put(folder: Path, state: State) -> None:
    """Bring a folder into a state, leaving alone what is in it already; `stays` keeps folders from being empty."""
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        if str(path.relative_to(folder)) not in state:
            path.unlink()
    for inner in ("", "x", "x/y", "z"):
        (folder / inner).mkdir(parents=True, exist_ok=True)
        (folder / inner / "stays.txt").touch()
    for name, number in state.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.stat().st_mtime_ns != number:
            path.write_bytes(bytes(number))
            os.utime(path, ns=(number, number))


def relative(folder: Path, paths: set[bytes]) -> set[str]:
    return {os.path.relpath(os.fsdecode(path), folder) for path in paths}


@given(before=states, after=states)
def test_what_is_new_changed_unchanged_and_gone_is_told_apart(before: State, after: State) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        put(folder, before)
        known = stamps(look(folder, {}))
        assert relative(folder, set(known)) == set(before)

        put(folder, after)
        seen = look(folder, known)
        same = {each for each in before if after.get(each) == before[each]}
        assert relative(folder, set(stamps(seen))) == set(after) - same
        assert seen.unchanged == len(same)
        assert relative(folder, set(seen.vanished)) == set(before) - set(after)
        assert (seen.absent, seen.failures, seen.waiting) == ({}, [], 0)


def test_a_folder_of_its_own_below_a_hidden_one_is_not_forgotten_by_a_look_from_above(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": 1, ".private/b.jpg": 2})
    roots = [os.fsencode(tmp_path), os.fsencode(tmp_path / ".private")]
    known = stamps(look(tmp_path, {}, Selection(tuple(roots))))
    assert len(known) == 2
    seen = look(tmp_path, known, select([str(tmp_path)], (), roots))
    assert (seen.unchanged, seen.vanished) == (2, {})


def test_what_was_in_a_folder_that_is_empty_now_is_forgotten_only_where_that_is_named(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": 1, "drive/b.jpg": 2, "drive/deep/c.jpg": 3})
    known = stamps(look(tmp_path, {}))
    shutil.rmtree(tmp_path / "drive")
    (tmp_path / "drive").mkdir()
    options = RefreshOptions(forget_missing=True)
    for named, absent, vanished in (
        (tmp_path, 2, set()),
        (tmp_path / "drive", 0, {"drive/b.jpg", "drive/deep/c.jpg"}),
    ):
        selection = Selection((os.fsencode(named),), known=True)
        seen = scan_changes(dict(known), frozenset(), selection, Context(Settings()), options)
        assert sum(seen.absent.values()) == absent
        assert relative(tmp_path, set(seen.vanished)) == vanished


def test_a_folder_excluded_now_leaves_the_library(tmp_path: Path) -> None:
    put(tmp_path, {"a.jpg": 1, "x/b.jpg": 2})
    known = stamps(look(tmp_path, {}))
    seen = scan_changes(
        dict(known),
        frozenset(),
        select([str(tmp_path)], (), ()),
        Context(Settings(exclude=("x",))),
        RefreshOptions(),
    )
    assert relative(tmp_path, set(seen.vanished)) == {"x/b.jpg"}
