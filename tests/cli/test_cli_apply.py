"""`plan`, `apply`, `undo` and `history` as commands: what they print, ask, and end with."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from support import made_plans
from support.made_plans import group, origin_with, photo
from support.output import Vtsfind, records

from vtsfind.act.make_plan import make_plan
from vtsfind.base.operations import Operation, State, UndoRecord
from vtsfind.base.paths import show_path_from_home
from vtsfind.base.settings import places
from vtsfind.engine.apply.plans import save_plan
from vtsfind.engine.apply.recovery import user_journal
from vtsfind.store.decisions import NAME, DecisionKind, Decisions
from vtsfind.store.run_record import Transition


@pytest.fixture
def copies(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    paths = [folder / name for name in ("a.jpg", "b.jpg", "c.jpg")]
    for path in paths:
        path.write_bytes(b"same")
    return paths


@pytest.fixture
def plan(copies: list[Path], tmp_path: Path) -> Path:
    """A saved plan that keeps the first and trashes the others."""
    path = tmp_path / "plan.txt"
    origin = origin_with(tmp_path / "library", copies[0].parent)
    save_plan(make_plan([group(1, *map(photo, copies))], origin), path)
    return path


def test_without_a_terminal_apply_and_undo_need_yes(run: Vtsfind, plan: Path, copies: list[Path]) -> None:
    refused = run("apply", plan)
    assert refused.exit_code == 2
    assert "Add --yes" in refused.stderr
    assert all(path.exists() for path in copies)
    assert run("apply", plan, "--yes").exit_code == 0
    refused = run("undo")
    assert refused.exit_code == 2
    assert "Add --yes" in refused.stderr
    assert not copies[1].exists()


def test_a_dry_run_prints_exactly_what_the_run_prints(run: Vtsfind, plan: Path, copies: list[Path]) -> None:
    foreseen = run("apply", plan, "--dry-run")
    assert (foreseen.exit_code, "Nothing was changed" in foreseen.stderr) == (0, True)
    assert all(path.exists() for path in copies)
    done = run("apply", plan, "--yes")
    assert done.stdout == foreseen.stdout == f"trash {copies[1]}\ntrash {copies[2]}\n"
    assert [path.exists() for path in copies] == [True, False, False]


def test_undo_brings_back_a_file_and_then_the_rest(run: Vtsfind, plan: Path, copies: list[Path]) -> None:
    run("apply", plan, "--yes")
    elsewhere = run("undo", "--only", Path("/elsewhere", copies[2].name), "--yes")
    assert elsewhere.exit_code == 2
    assert "did nothing to /elsewhere/" in elsewhere.stderr
    one = run("undo", "--only", copies[2].name, "--yes")
    assert (one.exit_code, one.stdout) == (0, f"restore {copies[2]}\n")
    assert [path.exists() for path in copies] == [True, False, True]
    assert [each["what"] for each in records(run("decisions", "list", "--json"), "decision")] == ["keep-both"]
    forget = f"vtsfind decisions forget {copies[2]}"
    assert f"It is not proposed again; `{forget}` revokes that." in one.stderr
    assert run(*forget.split()[1:]).exit_code == 0
    assert records(run("decisions", "list", "--json"), "decision") == []
    rest = run("undo", "--yes")
    assert rest.stdout == f"restore {copies[1]}\n"
    nothing = run("undo", "--yes")
    assert nothing.exit_code == 2
    assert "nothing to undo" in nothing.stderr


def test_the_history_of_a_run_says_where_each_file_is_now(run: Vtsfind, plan: Path) -> None:
    run("apply", plan, "--yes")
    name = records(run("history", "--json"), "run")[0]["run"]
    places = [each["place"] for each in records(run("history", name, "--json"), "operation")]
    assert all(Path(place).read_bytes() == b"same" for place in places)
    said = run("history", name).stdout
    assert all(f"(now {place})" in said for place in places)
    run("undo", "--yes")
    assert "(now " not in run("history", name).stdout


def test_apply_names_the_folder_that_the_files_went_to_and_the_commands_that_bring_them_back(
    run: Vtsfind, plan: Path, copies: list[Path]
) -> None:
    said = run("apply", plan, "--yes").stderr
    name = records(run("history", "--json"), "run")[0]["run"]
    place = Path(records(run("history", name, "--json"), "operation")[0]["place"])
    assert place.name == copies[1].name
    folder = show_path_from_home(os.fsencode(place.parent))
    assert f"The files are in {folder}. `vtsfind history {name}` shows where each file is." in said
    assert f"`vtsfind undo {name}` brings them back; with --only FILE it brings back one." in said


def test_apply_does_not_say_that_deleted_files_can_be_brought_back(
    run: Vtsfind, plan: Path, copies: list[Path]
) -> None:
    plan.write_text(plan.read_text().replace("trash ", "delete "))
    said = run("apply", plan, "--yes", "--permanently").stderr
    assert "Deleted 2 files permanently, 8 bytes." in said
    assert not copies[1].exists()
    assert "vtsfind undo" not in said


def test_commands_say_of_files_what_the_screens_say(run: Vtsfind, plan: Path, copies: list[Path]) -> None:
    trial = run("apply", plan, "--dry-run").stderr
    assert trial == "Nothing was changed. The plan: 2 files to move to the trash (8 bytes).\n"
    assert "Moved 2 files to the trash, 8 bytes.\n" in run("apply", plan, "--yes").stderr
    assert (
        "Skipped 2 files that an earlier run has removed.\nNothing was changed."
        in run("apply", plan, "--yes").stderr
    )
    first, _ = records(run("history", "--json"), "run")
    assert "  2 skipped  " in run("history").stdout
    assert "  2 removed  " in run("history").stdout
    assert f"removed  trash {copies[1]}" in run("history", first["run"]).stdout
    run("undo", "--only", copies[2], "--yes")
    assert "  1 removed, 1 restored  " in run("history").stdout
    copies[2].write_bytes(b"else")
    assert "Skipped group 1 (1 file): " in run("apply", plan, "--yes").stderr


def test_undoing_the_rest_of_a_run_takes_back_that_a_restored_photo_stays(
    run: Vtsfind, plan: Path, copies: list[Path]
) -> None:
    run("apply", plan, "--yes")
    run("undo", "--only", copies[2], "--yes")
    assert len(records(run("decisions", "list", "--json"), "decision")) == 1
    rest = run("undo", "--yes")
    assert "Photos of this run that had been restored alone are proposed again." in rest.stderr
    assert records(run("decisions", "list", "--json"), "decision") == []


def test_undoing_the_rest_of_a_run_leaves_a_decision_from_before_it(
    run: Vtsfind, plan: Path, copies: list[Path]
) -> None:
    same = hashlib.sha256(copies[0].read_bytes()).digest()
    earlier = Decisions(places().data / NAME, now=lambda: "2020-01-01T00:00:00Z")
    earlier.add(DecisionKind.KEEP_BOTH, [(same, same)])
    run("apply", plan, "--yes")
    run("undo", "--only", copies[2], "--yes")
    assert "proposed again" not in run("undo", "--yes").stderr
    assert len(records(run("decisions", "list", "--json"), "decision")) == 1


def test_undoing_a_whole_run_decides_nothing(run: Vtsfind, plan: Path) -> None:
    run("apply", plan, "--yes")
    assert "not proposed again" not in run("undo", "--yes").stderr
    assert records(run("decisions", "list", "--json"), "decision") == []


def test_a_spared_group_is_told_and_reaches_the_exit_code(
    run: Vtsfind, plan: Path, copies: list[Path]
) -> None:
    copies[1].write_bytes(b"else")
    done = run("apply", plan, "--yes")
    assert done.exit_code == 3
    assert done.stdout == ""
    assert "Skipped group 1" in done.stderr
    assert "different content" in done.stderr
    assert all(path.exists() for path in copies)


def test_a_plan_that_breaks_the_rules_is_refused_whole(run: Vtsfind, plan: Path, copies: list[Path]) -> None:
    plan.write_text(plan.read_text().replace("keep ", "trash ", 1))
    refused = run("apply", plan, "--yes")
    assert refused.exit_code == 2
    assert "no photo is kept" in refused.stderr
    assert all(path.exists() for path in copies)


def test_the_records_of_apply_undo_and_history(run: Vtsfind, plan: Path, copies: list[Path]) -> None:
    applied = run("apply", plan, "--yes", "--json")
    operations = records(applied, "operation")
    assert [(one["path"], one["state"]) for one in operations] == [(str(path), "done") for path in copies[1:]]
    (footer,) = records(applied, "footer")
    assert (footer["done"], footer["size"]) == (2, 8)
    restored = run("undo", footer["run"], "--yes", "--json")
    assert {one["outcome"] for one in records(restored, "restore")} == {"back"}
    (entry,) = records(run("history", "--json"), "run")
    assert (entry["run"], entry["undone"]) == (footer["run"], 2)
    assert {one["state"] for one in records(run("history", footer["run"], "--json"), "operation")} == {
        "undone"
    }
    assert footer["run"] in run("history").stdout
    assert f"restored  trash {copies[1]}" in run("history", footer["run"]).stdout


def test_a_plan_comes_from_standard_input_as_json(run: Vtsfind, plan: Path, copies: list[Path]) -> None:
    from vtsfind.engine.apply.plans import read_plan
    from vtsfind.report.plan import write_plan_records
    from vtsfind.report.streams import Output

    class Caught(Output):
        def __init__(self) -> None:
            self.content = b""

        def raw(self, data: bytes) -> None:
            self.content += data

    caught = Caught()
    write_plan_records(caught, read_plan(plan))
    lines = [json.loads(line) for line in caught.content.splitlines()]
    lines[1]["files"][1]["action"] = None
    edited = "\n".join(map(json.dumps, lines)).encode()
    done = run("apply", "-", "--yes", standard_input=edited)
    assert done.stdout == f"trash {copies[2]}\n"
    broken = run("apply", "-", "--yes", standard_input=edited.replace(b'"trash"', b'"burn"'))
    assert (broken.exit_code, "line 2" in broken.stderr) == (2, True)


def test_what_a_killed_run_left_is_settled_by_the_next_command_which_says_so(
    run: Vtsfind, copies: list[Path], plan: Path
) -> None:
    (operation, *_) = _operations(plan)
    with user_journal().create([operation], command="vtsfind apply", library=b"/", version="0") as opened:
        undo_record = UndoRecord(copies[1].stat().st_ino, b"/", 0, place=os.fsencode(copies[1]) + b".gone")
        opened.transition([Transition(1, State.BEGUN, undo_record=undo_record)], durable=True)
    told = run("paths")
    assert told.exit_code == 0
    assert f"was killed during trash {copies[1]}" in told.stderr
    assert "rolled back" in told.stderr
    assert "killed" not in run("paths").stderr
    assert "1 not started" in run("history").stdout


def _operations(plan: Path) -> tuple[Operation, ...]:
    from vtsfind.act.plan import operations
    from vtsfind.engine.apply.plans import read_plan

    return operations(read_plan(plan))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--action", "burn"], "'burn' is not an action"),
        (["--action", "delete"], "--permanently"),
        (["--action", "move"], "go together"),
        (["--to", "/x"], "go together"),
    ],
)
def test_a_plan_that_makes_no_sense_is_not_made(run: Vtsfind, arguments: list[str], words: str) -> None:
    refused = run("plan", *arguments)
    assert refused.exit_code == 2
    assert words in refused.stderr


def test_from_photos_to_a_plan_and_back(run: Vtsfind, tmp_path: Path, photos: Path) -> None:
    library = tmp_path / "library"
    copy = photos / "copy of cat.jpg"
    copy.write_bytes((photos / "cat.jpg").read_bytes())
    copy.with_suffix(".xmp").write_bytes(b"<x/>")
    assert run("index", photos, "--library", library).exit_code == 0
    path = tmp_path / "plan.txt"
    made = run("plan", "--kind", "bytes", "--keep-by", "path", "--library", library, "-o", path)
    assert made.exit_code == 0, made.stderr
    assert "Nothing was changed" in made.stderr
    assert f"trash       {copy}" in path.read_text()
    done = run("apply", path, "--yes")
    moved = (
        f"move {copy.with_suffix('.xmp')} -> {photos / 'cat.xmp'}"  # the kept photo has no notes of its own
    )
    assert set(done.stdout.splitlines()) == {f"trash {copy}", moved}
    again = run("plan", "--kind", "bytes", "--library", library)
    assert str(copy) not in again.stdout
    groups = run("dupes", "--library", library)
    assert "gone" not in groups.stderr
    assert str(copy) not in groups.stdout
    run("undo", "--yes")
    assert copy.read_bytes() == (photos / "cat.jpg").read_bytes()
    assert made_plans.digest(copy) == made_plans.digest(photos / "cat.jpg")
