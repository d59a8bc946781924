"""Closed and full standard streams stop no change half way; nothing that vtsfind prints controls the terminal."""

import os
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("pty", reason="needs a system with terminals")

import pty

from support.block_encoder import command, register
from support.disks import copies
from support.fault_matrix import fault
from support.made_plans import group, origin_with, photo
from support.output import Vtsfind

from vtsfind.act.make_plan import make_plan
from vtsfind.act.plan_text import plan_text
from vtsfind.cli.command import ExitCode
from vtsfind.report.streams import escaped

COUNT = 70
"""More operations than share one flush of the journal."""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan that removes all but one of some copies."""
    register()
    paths = copies(tmp_path / "photos", COUNT + 1)
    origin = origin_with(tmp_path / "library", tmp_path / "photos")
    (tmp_path / "plan").write_text(plan_text(make_plan([group(1, *map(photo, paths))], origin)))
    return tmp_path / "plan"


STREAMS = {
    "stdout closed": "{} >&-",
    "stdout full": "{} > /dev/full",
    "stdout's reader gone": "{} | head -0; exit ${{PIPESTATUS[0]}}",
    "stderr closed": "{} 2>&-",
    "stderr full": "{} 2> /dev/full",
    "both closed": "{} >&- 2>&-",
}


def _require_device(line: str) -> None:
    if "/dev/full" in line and not os.path.exists("/dev/full"):
        pytest.skip("no device that is always full")


def in_shell(line: str, *arguments: str | bytes) -> subprocess.CompletedProcess[bytes]:
    """Run vtsfind in a shell, with streams as the line says."""
    return subprocess.run(
        ["bash", "-c", line.format('"$@"'), "shell", *command(*arguments)],
        capture_output=True,
        check=False,
        timeout=120,
    )


@fault(
    "`apply` and `undo` of 70 files with standard output or standard error closed or full",
    "All is done; exit code 5; no traceback.",
    2 * len(STREAMS),
)
@pytest.mark.parametrize("line", STREAMS.values(), ids=STREAMS)
def test_a_closed_stream_stops_no_change_half_way(plan: Path, line: str) -> None:
    _require_device(line)
    photos = plan.parent / "photos"
    for arguments, left in ((("apply", str(plan), "--yes"), 1), (("undo", "--yes"), COUNT + 1)):
        done = in_shell(line, *arguments)
        assert len(list(photos.iterdir())) == left
        quiet = "stderr" in line and done.returncode == ExitCode.DONE  # nothing had to be said there
        assert done.returncode == ExitCode.OUTPUT or quiet, done.stderr
        assert b"Traceback" not in done.stderr
        assert b"Exception" not in done.stderr


@fault("`history` with standard output closed or full", "Exit code 5; no traceback.", 3)
@pytest.mark.parametrize("name", ["stdout closed", "stdout full", "stdout's reader gone"])
def test_output_that_nobody_takes_has_an_exit_code_of_its_own(plan: Path, name: str) -> None:
    _require_device(STREAMS[name])
    assert in_shell("{}", "apply", str(plan), "--yes").returncode == 0
    done = in_shell(STREAMS[name], "history", "--json")
    assert (done.returncode, b"Traceback" in done.stderr) == (ExitCode.OUTPUT, False)


EVIL = "a\x1b[2J\x07\nb\u202ec\u009bd.jpg"


def on_terminal(*arguments: str | bytes) -> bytes:
    """What a vtsfind process writes to a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(command(*arguments), stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    written = b""
    try:
        while some := os.read(leader, 65536):
            written += some
    except OSError:  # the process has ended
        pass
    process.wait(timeout=60)
    os.close(leader)
    return written


def is_harmless(written: bytes) -> bool:
    """Whether no sequence but those of styles is in what was written."""
    text = written.decode("utf-8", "replace")
    for code in ("0", "2", "1", "32", "33", "1;31"):
        text = text.replace(f"\x1b[{code}m", "")
    return not set(text) & set("\x1b\x07\u202e\u009b")


@fault(
    "Names and arguments with ESC, BEL, a line break, U+202E, U+009B, on a terminal", "They are escaped.", 8
)
def test_no_name_controls_the_terminal(run: Vtsfind, tmp_path: Path, photos: Path) -> None:
    one = photos / EVIL
    one.write_bytes((photos / "beach.jpg").read_bytes())
    assert run("index", photos).exit_code == 0
    plan = tmp_path / f"plan{EVIL}"
    assert run("plan", "--output", plan).exit_code == 0
    assert run("apply", plan, "--yes").exit_code == 0
    assert run("undo", "--yes").exit_code == 0
    for arguments in (
        ("history",),
        ("models", "show", EVIL),
        ("query", str(one), "--top", "3"),
        ("query", str(one), "--paths-only"),
        ("dupes", "--csv"),
        ("dupes", "--json"),
        ("dupes", f"--{EVIL}"),
        ("index", f"/nowhere/{EVIL}"),
    ):
        written = on_terminal(*arguments)
        assert written
        assert is_harmless(written), (arguments, written)
        is_quoted = "--csv" in arguments  # a line break in quotation marks belongs to the format
        assert is_quoted or b"\nb" not in written, (arguments, written)


@fault("The same names in JSON", "They are escaped as JSON does.")
def test_json_has_no_characters_that_control_a_terminal(run: Vtsfind, photos: Path) -> None:
    (photos / EVIL).write_bytes((photos / "beach.jpg").read_bytes())
    assert run("index", photos).exit_code == 0
    text = run("dupes", "--json").stdout
    assert "\\u202e" in text
    assert all(line.isprintable() for line in text.splitlines())


def test_text_without_such_characters_stays_as_it_is() -> None:
    for text in ("", "beach.jpg", "\u00e4\u65e5\u672c \N{SNOWMAN} caf\u00e9"):
        assert escaped(text) == text
