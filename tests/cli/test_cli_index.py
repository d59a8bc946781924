"""`vtsfind index` as a user and a script meet it: what is written where, and how it ends."""

import os
import signal
import socket
import sqlite3
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from support import block_encoder
from support.drawn_photos import encoded, noise, scene, write
from support.output import Vtsfind, records

from vtsfind.base.settings import places
from vtsfind.store.index import Index


def test_index_tells_what_it_did_on_standard_error_only(run: Vtsfind, photos: Path) -> None:
    (photos / "notes.txt").touch()
    (photos / ".hidden.jpg").touch()
    result = run("index", photos)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "12 photos: 12 new." in result.stderr
    assert "1 other file" in result.stderr
    assert "1 hidden" in result.stderr
    again = run("index")
    assert again.exit_code == 0
    assert "12 photos: 12 unchanged." in again.stderr


def test_index_in_json_is_a_header_failures_and_a_footer(run: Vtsfind, photos: Path) -> None:
    (photos / "half.jpg").write_bytes(encoded(scene(50))[:300])
    result = run("index", photos, "--json")
    assert result.exit_code == 3
    header, failure, footer = records(result)
    assert header["command"] == "index"
    assert header["library"] == str(places().library("default"))
    assert failure["type"] == "failure"
    assert failure["path"] == str(photos / "half.jpg")
    assert failure["reason"] == "is damaged or cut short"
    assert (footer["new"], footer["failed"], footer["interrupted"]) == (12, 1, False)


def test_quiet_leaves_only_failures(run: Vtsfind, photos: Path) -> None:
    assert run("index", photos, "--quiet").stderr == ""
    (photos / "half.jpg").write_bytes(encoded(scene(50))[:300])
    assert "half.jpg" in run("index", "-q").stderr


def test_exclude_leaves_out_and_says_so(run: Vtsfind, photos: Path) -> None:
    result = run("index", photos, "--exclude", "*.jpg", "--exclude", "trip")
    assert "5 photos: 5 new." in result.stderr
    assert "excluded" in result.stderr


def test_files_are_taken_from_a_list(run: Vtsfind, photos: Path) -> None:
    names = b"\0".join(os.fsencode(photos / name) for name in ("cat.jpg", "dog.png", "no.jpg"))
    result = run("index", "--files0-from", "-", standard_input=names)
    assert result.exit_code == 3
    assert "2 new" in result.stderr
    assert "no.jpg" in result.stderr


def test_a_dry_run_changes_nothing(run: Vtsfind, photos: Path) -> None:
    result = run("index", photos, "--dry-run", "--json")
    assert result.exit_code == 0
    assert records(result)[-1]["to_read"] == 12
    assert not places().libraries.exists()
    assert "12 to read" in run("index", photos, "-n").stderr


def test_a_library_may_be_a_name_or_a_path(run: Vtsfind, photos: Path, tmp_path: Path) -> None:
    assert run("index", photos / "trip", "--library", "trips").exit_code == 0
    assert (places().libraries / "trips").is_dir()
    assert run("index", photos / "trip", "--library", tmp_path / "here").exit_code == 0
    assert (tmp_path / "here").is_dir()


def test_an_empty_folder_is_no_failure(run: Vtsfind, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run("index", tmp_path / "empty")
    assert result.exit_code == 0
    assert f"Found no photos in {tmp_path / 'empty'}." in result.stderr
    assert run("query", tmp_path / "empty").exit_code == 3


def test_a_folder_that_does_not_exist_is_named_and_makes_no_library(run: Vtsfind, tmp_path: Path) -> None:
    result = run("index", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert f"There is no folder {tmp_path / 'nowhere'}." in result.stderr
    assert not places().libraries.exists()


def test_index_without_a_folder_says_what_to_type_the_first_time(run: Vtsfind) -> None:
    result = run("index")
    assert result.exit_code == 2
    assert "vtsfind index FOLDER" in result.stderr


def test_an_unreadable_folder_is_named_and_the_rest_is_indexed(
    run: Vtsfind, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if path == os.fsencode(photos / "trip"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = run("index", photos)
    assert result.exit_code == 3
    assert "10 new" in result.stderr
    assert f"could not be read (Permission denied): {photos / 'trip'}" in result.stderr


def test_bad_pictures_are_named_with_their_reason_and_cost_nothing_else(run: Vtsfind, photos: Path) -> None:
    (photos / "half.jpg").write_bytes(encoded(noise(1, 64, 64))[:2000])
    (photos / "letter.jpg").write_bytes(b"Dear Ann, no picture this time.")
    (photos / "empty.png").touch()
    write(photos / "dot.png", scene(1, 1, 1))
    result = run("index", photos, "--verbose")
    assert result.exit_code == 3
    for name, reason in {
        "half.jpg": "is damaged or cut short",
        "letter.jpg": "is not a picture of a known kind",
        "empty.png": "is damaged or cut short",
    }.items():
        assert f"{photos / name} {reason}" in result.stderr
    assert "2 files could not be read (damaged or incomplete). Restore from a backup" in result.stderr
    assert "1 file could not be read (unknown format). What another program can open, save" in result.stderr
    assert "13 new" in result.stderr
    again = run("index")
    assert again.exit_code == 0
    assert "3 files failed before" in again.stderr
    assert "--retry-failed" in again.stderr
    assert run("index", "--retry-failed").exit_code == 3


def test_a_picture_of_50000_by_50000_pixels_is_named_and_not_decoded(run: Vtsfind, photos: Path) -> None:
    whole = encoded(scene(1), "PNG")
    header = whole[12:16] + struct.pack(">II", 50_000, 50_000) + whole[24:29]
    huge = whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]
    (photos / "trip" / "huge.png").write_bytes(huge)
    result = run("index", photos / "trip")
    assert result.exit_code == 3
    assert f"1 file could not be read (too many pixels): {photos / 'trip' / 'huge.png'}" in result.stderr
    assert "Raise the setting `pixel_limit`, then run `vtsfind index --retry-failed`." in result.stderr
    assert "2 new" in result.stderr


def test_names_with_newlines_and_invalid_utf8_are_shown_as_escapes(run: Vtsfind, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "odd")
    os.mkdir(folder)
    for name in (b"two\nlines.jpg", b"bad-\xff.jpg"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(encoded(scene(1))[:300])
    result = run("index", tmp_path / "odd")
    assert result.exit_code == 3
    assert "two\\nlines.jpg" in result.stderr
    assert "bad-\\xff.jpg" in result.stderr


def test_another_model_than_the_librarys_is_refused(run: Vtsfind, photos: Path) -> None:
    text = (places().models / "registry.toml").read_text()
    other = text.replace(block_encoder.NAME, "other.model").replace("size = 32", "size = 64")
    run("index", photos / "trip")
    (places().models / "registry.toml").write_text(text + other)
    result = run("index", "--model", "other.model")
    assert result.exit_code == 2
    assert block_encoder.NAME in result.stderr
    assert "--library" in result.stderr
    assert run("index", "--model", block_encoder.NAME).exit_code == 0


def test_a_misspelt_model_gets_a_hint(run: Vtsfind, photos: Path) -> None:
    result = run("index", photos, "--model", block_encoder.NAME.replace("mean", "maen"))
    assert result.exit_code == 2
    assert f"Did you mean '{block_encoder.NAME}'?" in result.stderr


def test_a_model_file_with_one_byte_changed_is_refused_and_nothing_is_lost(
    run: Vtsfind, photos: Path, tmp_path: Path
) -> None:
    run("index", photos / "trip")
    weights = places().models / "blocks.bin"
    weights.write_bytes(b"blocKs")
    result = run("index", photos)
    assert result.exit_code == 4
    assert str(weights) in result.stderr
    assert "damaged" in result.stderr
    assert run("query", photos / "trip" / "road.jpeg").exit_code == 0
    write(tmp_path / "new.jpg", scene(40))
    assert run("query", tmp_path / "new.jpg").exit_code == 4
    shown = run("models", "show", block_encoder.NAME, "--verify")
    assert shown.exit_code == 4
    assert str(weights) in shown.stderr


def test_a_second_index_at_the_same_time_is_refused_with_the_owner(run: Vtsfind, photos: Path) -> None:
    run("index", photos / "trip")
    with Index.open(places().library("default"), write=True):
        result = run("index")
        asked = run("query", photos / "trip" / "road.jpeg")
    assert result.exit_code == 4
    assert f"process {os.getpid()} on {socket.gethostname()}" in result.stderr
    assert asked.exit_code == 0


def test_a_full_disk_ends_the_run_and_keeps_what_was_there(run: Vtsfind, photos: Path) -> None:
    run("index", photos / "trip")
    # No file may grow beyond a few pages, which is what a full disk looks like to a program.
    code = (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))\n" + block_encoder.PROGRAM
    )
    done = subprocess.run(
        block_encoder.command("index", str(photos), code=code), capture_output=True, check=False
    )
    assert done.returncode == 4, done.stderr
    assert os.fsencode(places().library("default")) in done.stderr
    assert b"full" in done.stderr
    assert b"Traceback" not in done.stderr
    assert run("query", photos / "trip" / "road.jpeg").exit_code == 0
    assert "12 photos: 10 new, 2 unchanged" in run("index", photos).stderr


def test_a_library_of_a_newer_format_is_refused(run: Vtsfind, photos: Path) -> None:
    run("index", photos / "trip")
    with sqlite3.connect(places().library("default") / "library.db") as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    for command in (["index"], ["query", photos / "trip" / "road.jpeg"], ["doctor"]):
        result = run(*command)
        assert result.exit_code == 4
        assert "newer" in result.stdout + result.stderr


def test_a_run_killed_at_any_moment_loses_nothing_committed(
    run: Vtsfind, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("index", photos / "trip")
    monkeypatch.setenv("VTSFIND_BATCH", "1")
    slow = block_encoder.PROGRAM.replace(
        "from vtsfind.cli",
        "import os, signal\n"
        "encode = block_encoder.BlockMeans.encode\n"
        "def once_and_no_more(self, pixels):\n"
        "    if self.encoded == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return encode(self, pixels)\n"
        "block_encoder.BlockMeans.encode = once_and_no_more\n"
        "from vtsfind.engine.indexing import refresh\n"
        "refresh.COMMIT_EVERY_S = 0.0\n"
        "from vtsfind.cli",
    )
    killed = subprocess.run(
        block_encoder.command("index", str(photos), code=slow), capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert run("doctor", "--deep").exit_code == 0
    result = run("index", photos)
    assert result.exit_code == 0
    counts = records(run("index", photos, "--json"))[-1]
    assert counts["unchanged"] == 12


def test_the_first_interrupt_stops_cleanly(photos: Path, run: Vtsfind) -> None:
    program = block_encoder.PROGRAM.replace(
        "from vtsfind.cli",
        "import os, signal\n"
        "encode = block_encoder.BlockMeans.encode\n"
        "def interrupted(self, pixels):\n"
        "    if self.encoded == 4: os.kill(os.getpid(), signal.SIGINT)\n"
        "    return encode(self, pixels)\n"
        "block_encoder.BlockMeans.encode = interrupted\n"
        "from vtsfind.cli",
    )
    done = subprocess.run(
        block_encoder.command("index", str(photos), code=program),
        capture_output=True,
        check=False,
        env={**os.environ, "VTSFIND_BATCH": "1"},
    )
    assert done.returncode == 130, done.stderr
    assert b"Stopping" in done.stderr
    assert b"run the same command again to continue" in done.stderr
    assert b"Traceback" not in done.stderr
    result = run("index", photos, "--json")
    footer = records(result)[-1]
    assert footer["unchanged"] >= 4
    assert footer["unchanged"] + footer["new"] == 12


def test_the_second_interrupt_leaves_at_once(run: Vtsfind, photos: Path) -> None:
    program = block_encoder.PROGRAM.replace(
        "from vtsfind.cli",
        "import os, signal, time\n"
        "def stuck(self, pixels):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(60)\n"
        "block_encoder.BlockMeans.encode = stuck\n"
        "from vtsfind.cli",
    )
    done = subprocess.run(
        block_encoder.command("index", str(photos), code=program),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 130
    assert run("doctor", "--deep").exit_code == 0


def test_an_unknown_device_is_refused_also_if_nothing_is_new(run: Vtsfind, photos: Path) -> None:
    assert run("index", photos).exit_code == 0
    result = run("index", photos, "--device", "gpu")
    assert result.exit_code == 2
    assert "has 'gpu' for 'device'. Use auto, cuda, mps or cpu." in " ".join(result.stderr.split())
