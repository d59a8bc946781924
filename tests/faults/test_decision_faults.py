"""What a person decided is never forgotten in silence."""

import hashlib
from pathlib import Path

import pytest
from support.copies import save
from support.fault_matrix import fault
from support.output import Vtsfind
from support.textures import photograph

from vtsfind.base.settings import places
from vtsfind.engine.library.decisions import DecisionKind, decide_digests, known_decisions
from vtsfind.store.decisions import NAME


@fault(
    "One wrong byte in any line of the file of decisions, the last one too",
    "`dupes`, `plan`, `apply` and new decisions stop until it was looked at.",
    9,
)
@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_damaged_decision_stops_what_proposes_or_removes_photos(
    run: Vtsfind, tmp_path: Path, line: int
) -> None:
    photos = [save(tmp_path / "photos" / name, photograph(0), quality=90) for name in ("a.jpg", "b.jpg")]
    photos += [save(tmp_path / "photos" / name, photograph(1), quality=60) for name in ("c.jpg", "d.jpg")]
    photos[1].write_bytes(photos[1].read_bytes() + b"\0")
    photos[3].write_bytes(photos[3].read_bytes() + b"\0")
    library = ("--library", tmp_path / "library")
    assert run("index", tmp_path / "photos", *library).exit_code == 0
    plan = tmp_path / "plan.txt"
    assert run("plan", "--output", plan, *library).exit_code == 0
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in photos]
    decide_digests(DecisionKind.KEEP_BOTH, digests[:2])
    decide_digests(DecisionKind.KEEP_BOTH, digests[2:])
    path = places().data / NAME
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for at in (3, 40, len(lines[line - 1]) - 3):
        content = bytearray(whole)
        content[sum(map(len, lines[: line - 1])) + at] ^= 1
        path.write_bytes(content)
        for command in (
            ("plan", *library),
            ("dupes", *library),
            ("apply", plan, "--yes"),
            ("decisions", "add", "not-duplicate", photos[0], photos[2]),
        ):
            result = run(*command)
            assert (result.exit_code, result.stdout) == (4, ""), command
            assert "doctor --repair" in result.stderr
        assert all(each.exists() for each in photos)
        assert bytes(content) == path.read_bytes(), "no one has written to it"
        assert run("decisions", "list", *library).exit_code == 0
        repaired = run("doctor", "--repair", *library)
        assert (repaired.exit_code, "damaged" in repaired.stdout) == (0, True)
        assert len(known_decisions()) == (2 if line == 1 else 1)
