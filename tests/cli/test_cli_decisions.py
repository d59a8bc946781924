"""`vtsfind decisions` as a user and a script meet it."""

import hashlib
from pathlib import Path

from support.output import Vtsfind, records


def test_a_decision_is_listed_by_the_paths_of_the_library(run: Vtsfind, album: Path) -> None:
    cat, dog = album / "photos" / "cat.jpg", album / "photos" / "dog.png"
    result = run("decisions", "add", "not-duplicate", cat, dog)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "Saved the decision for 1 pair.\n")
    listed = run("decisions", "list", "--library", album / "library").stdout
    assert "not duplicates" in listed
    assert str(cat) in listed
    assert str(dog) in listed
    assert hashlib.sha256(cat.read_bytes()).hexdigest() in run("decisions", "list").stdout


def test_exported_decisions_are_imported_once(run: Vtsfind, album: Path, tmp_path: Path) -> None:
    photos = [album / "photos" / name for name in ("cat.jpg", "dog.png", "hill.webp")]
    run("decisions", "add", "keep-both", *photos)
    exported = run("decisions", "export")
    assert len(records(exported, "decision")) == 3
    assert "path" not in exported.stdout
    file = tmp_path / "decisions.ndjson"
    file.write_text(exported.stdout)
    assert records(run("decisions", "import", file, "--json"))[-1]["changed"] == 0
    assert run("decisions", "forget", "--all").stderr == "Revoked the decision for 3 pairs.\n"
    assert run("decisions", "import", "-", standard_input=file.read_bytes()).stderr == "Nothing changed.\n"
    assert records(run("decisions", "list", "--json"), "decision") == []


def test_what_another_machine_decided_comes_in(run: Vtsfind) -> None:
    line = b'{"type":"decision","what":"keep-both","a":"%s","b":"%s","at":"2026-10-02T12:00:00Z"}\n'
    result = run("decisions", "import", "-", standard_input=line % (b"01" * 32, b"02" * 32))
    assert result.stderr == "Imported the decision for 1 pair.\n"
    [decision] = records(run("decisions", "list", "--json"), "decision")
    assert decision == {
        "type": "decision",
        "what": "keep-both",
        "a": "01" * 32,
        "b": "02" * 32,
        "at": "2026-10-02T12:00:00Z",
    }


def test_wrong_uses_are_told(run: Vtsfind, tmp_path: Path) -> None:
    for arguments in (
        ("add", "married", "a", "b"),
        ("add", "keep-both", "01" * 32),
        ("add", "keep-both", tmp_path / "no", tmp_path / "no"),
        ("forget",),
        ("import", tmp_path / "no"),
    ):
        assert run("decisions", *arguments).exit_code == 2
