"""A photo that a person keeps in `vtsfind browse` is not proposed by other commands, and a plan has what was accepted there."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support import real_photos
from support.copies import family, save
from support.drawn_photos import exif, scene, write
from support.output import Vtsfind, records

from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Action
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.base.settings import Settings, places
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.review.planned import planned
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session import BrowseSession, find_groups
from vtsfind.engine.review.session_log import SavedSteps
from vtsfind.engine.review.state import Mark, ReviewStatus


def test_what_is_kept_in_a_review_stays_until_it_is_undone(run: Vtsfind, tmp_path: Path) -> None:
    family(tmp_path / "photos")
    assert run("index", tmp_path / "photos").exit_code == 0
    first, *others = run("dupes", "--paths-only").stdout.splitlines()
    groups = find_groups(Context(Settings()), DedupOptions())
    place = next(
        (number, member)
        for number, group in enumerate(groups)
        for member, each in enumerate(group.members)
        if each.photo.path.decode() == first
    )
    with SavedSteps(places().library("default")) as log:
        review = Review(groups, log)
        review.toggle(*place)
        kept = run("dupes", "--paths-only").stdout.splitlines()
        planned = records(run("plan", "--json"), "group")
        summaries = [run(command).stderr.split("frees ")[1].split(".\n")[0] for command in ("dupes", "plan")]
        review.undo()
    assert kept == others
    assert summaries[0] == summaries[1]
    files = {file["path"]: file for group in planned for file in group["files"]}
    assert files[first]["action"] == "keep"
    assert "you keep it in `vtsfind browse`" in files[first]["reason"]
    assert run("dupes", "--paths-only").stdout.splitlines() == [first, *others]


@pytest.mark.parametrize("is_accepted", [True, False])
def test_dupes_and_plan_tell_the_same_of_a_chosen_keeper(
    run: Vtsfind, tmp_path: Path, *, is_accepted: bool
) -> None:
    whole = scene(1, 480, 360)
    write(tmp_path / "photos" / "a.jpg", whole, quality=95)
    write(tmp_path / "photos" / "b.jpg", whole, quality=85)
    assert run("index", tmp_path / "photos").exit_code == 0
    groups = find_groups(Context(Settings()), DedupOptions())
    former, chosen = (each.photo.path.decode() for each in groups[0].members)
    with SavedSteps(places().library("default")) as log:
        review = Review(groups, log)
        review.choose(0, 1)
        review.toggle(0, 0) if review.mark(0, 0) is Mark.KEEP else None
        if is_accepted:
            review.accept(0)
    (found,) = records(run("dupes", "--json"), "group")
    actions = planned_actions(run)
    text = run("dupes").stdout
    gone = run("dupes", "--paths-only").stdout.splitlines()
    assert found["keep"] == chosen == found["members"][0]["path"]
    assert "kept: you chose it in `vtsfind browse`" in text
    assert actions == {
        os.path.basename(chosen): "keep",
        os.path.basename(former): "trash" if is_accepted else "keep",
    }
    assert gone == ([former] if is_accepted else [])


def test_dupes_says_of_no_file_why_the_former_keeper_was_better(run: Vtsfind, tmp_path: Path) -> None:
    for name, quality in {"a": 95, "b": 85, "c": 75}.items():
        write(tmp_path / "photos" / f"{name}.jpg", scene(1, 480, 360), quality=quality)
    assert run("index", tmp_path / "photos").exit_code == 0
    with SavedSteps(places().library("default")) as log:
        review = Review(find_groups(Context(Settings()), DedupOptions()), log)
        review.choose(0, 1)
        review.accept(0)
    (found,) = records(run("dupes", "--json"), "group")
    reasons = {os.path.basename(each["path"]): each["reason"] for each in found["members"]}
    assert reasons["c.jpg"] == "goes as a copy of b.jpg"


def test_an_edit_that_was_accepted_to_go_may_go_in_dupes_as_in_plan(run: Vtsfind, tmp_path: Path) -> None:
    photo_and_crop(tmp_path / "photos")
    assert run("index", tmp_path / "photos").exit_code == 0
    groups = find_groups(Context(Settings()), DedupOptions())
    assert run("dupes", "--paths-only").stdout == ""
    with SavedSteps(places().library("default")) as log:
        review = Review(groups, log)
        review.toggle(0, 1)
        review.accept(0)
    gone = groups[0].members[1].photo.path.decode()
    assert run("dupes", "--paths-only").stdout.splitlines() == [gone]
    assert planned_actions(run)[os.path.basename(gone)] == "trash"
    assert "removed by your choice" in run("dupes").stdout


@pytest.mark.parametrize(
    "decide", [Review.accept, Review.refuse, lambda review, number: review.choose(number, 1)]
)
def test_where_a_person_accepted_refused_or_chose_nothing_is_said_to_be_in_doubt(
    run: Vtsfind, tmp_path: Path, decide: Callable[[Review, int], None]
) -> None:
    for name in ("a.jpg", "b/a.jpg"):
        write(tmp_path / "photos" / name, scene(1, 480, 360))
        os.utime(tmp_path / "photos" / name, (1_600_000_000, 1_600_000_000))
    assert run("index", tmp_path / "photos").exit_code == 0
    assert "; only the paths differ" in run("dupes").stdout
    with SavedSteps(places().library("default")) as log:
        decide(Review(find_groups(Context(Settings()), DedupOptions()), log), 0)
    (group,) = records(run("dupes", "--json"), "group")
    assert not group["tied"]
    assert not any(
        "the paths" in text for text in (run("dupes").stdout, run("dupes").stderr, run("plan").stderr)
    )


@pytest.mark.parametrize("is_identical", [True, False])
@pytest.mark.parametrize("everything", [True, False])
def test_what_was_refused_is_proposed_again_once_the_decision_is_forgotten(
    run: Vtsfind, tmp_path: Path, *, is_identical: bool, everything: bool
) -> None:
    for name, quality in (("a.jpg", 95), ("b.jpg", 95 if is_identical else 85)):
        write(tmp_path / "photos" / name, scene(1, 480, 360), quality=quality)
    assert run("index", tmp_path / "photos").exit_code == 0
    proposed = run("dupes", "--paths-only").stdout
    assert proposed
    with reviewing() as review:
        review.refuse(0)
    with reviewing() as review:
        assert not review.groups
    assert run("dupes", "--paths-only").stdout == ""
    forgotten = run("decisions", "forget", "--all" if everything else tmp_path / "photos" / "a.jpg")
    assert forgotten.stderr == "Revoked the decision for 1 pair.\n"
    assert run("dupes", "--paths-only").stdout == proposed
    assert set(planned_actions(run).values()) == {"keep", "trash"}
    assert "Decided" not in run("plan").stderr
    with reviewing() as review:
        assert review.decision(0).status is ReviewStatus.OPEN
        review.refuse(0)
    with reviewing() as review:
        assert not review.groups, "what is refused once more stays refused"


def test_what_is_no_duplicate_stays_decided_when_other_files_of_its_group_go(
    run: Vtsfind, tmp_path: Path
) -> None:
    for quality in (95, 90, 85):
        write(tmp_path / "photos" / f"{quality}.jpg", scene(1, 480, 360), quality=quality)
    assert run("index", tmp_path / "photos").exit_code == 0
    with reviewing() as review:
        (group,) = review.groups
        stranger, copy = group.members[1:]
        review.refuse(0, 1)
        review.accept(0)
        review.settle({copy.photo.path})
    (decision,) = known_decisions()
    assert set(decision.pair) == {group.keeper.digest, stranger.photo.digest}


@pytest.mark.parametrize("decide", [Review.accept, Review.refuse])
def test_edits_of_a_group_that_is_decided_are_not_said_to_be_left_to_choose(
    run: Vtsfind, tmp_path: Path, decide: Callable[[Review, int], None]
) -> None:
    photo_and_crop(tmp_path / "photos")
    assert run("index", tmp_path / "photos").exit_code == 0
    assert "Kept 1 edited photo" in run("plan").stderr
    with SavedSteps(places().library("default")) as log:
        decide(Review(find_groups(Context(Settings()), DedupOptions()), log), 0)
    for command in ("dupes", "plan"):
        said = run(command).stderr
        assert "Kept" not in said
        assert "Decided in `vtsfind browse`: 1 of these groups." in said


def test_a_plan_says_of_a_keeper_that_a_person_chose_that_it_was_chosen(run: Vtsfind, tmp_path: Path) -> None:
    photo_and_crop(tmp_path / "photos")
    assert run("index", tmp_path / "photos").exit_code == 0
    groups = find_groups(Context(Settings()), DedupOptions())
    whole, crop = (os.path.basename(each.photo.path).decode() for each in groups[0].members)
    with SavedSteps(places().library("default")) as log:
        review = Review(groups, log)
        review.choose(0, 1)
        review.toggle(0, 0)
        review.accept(0)
    lines = {
        Path(line.split()[1]).name: line for line in run("plan").stdout.splitlines() if ".jpg  #" in line
    }
    assert lines[crop].endswith("# edit; crop, 77 % of it; kept: you chose it in `vtsfind browse`")
    assert lines[whole].startswith("trash ")


def test_a_plan_counts_the_groups_in_which_photos_go_and_those_of_other_shots(
    run: Vtsfind, tmp_path: Path
) -> None:
    photo_and_crop(tmp_path / "photos", "coffee")
    for place in (1, 2):
        taken = exif(taken=f"2024:05:03 10:00:0{place}").tobytes()
        save(tmp_path / "photos" / f"shot-{place}.jpg", real_photos.photo(f"ridge-{place}"), exif=taken)
    assert run("index", tmp_path / "photos").exit_code == 0
    copies = find_groups(Context(Settings()), DedupOptions())
    (burst,) = find_groups(Context(Settings()), DedupOptions(kinds=frozenset({Verdict.BURST})))
    with SavedSteps(places().library("default")) as log:
        review = Review(copies, log)
        review.add([replace(burst, number=len(copies) + 1)])
        review.keep_only(len(copies), 1)
        review.accept(len(copies))
    kept = Path(os.fsdecode(burst.members[1].photo.path))
    made = run("plan")
    assert f"{kept}  # burst; kept: you chose it in `vtsfind browse`" in made.stdout
    summary, *_, plan, _ = made.stderr.splitlines()
    assert summary.endswith("1 copy (edited: 1), all kept.")
    assert plan.startswith("The plan: 1 file to move to the trash (")
    assert plan.endswith(
        "), in 1 group (1 of other shots); all photos stay in 1 other group. Nothing was changed."
    )


def test_a_plan_has_what_was_accepted_in_a_review_of_copies_and_bursts(run: Vtsfind, tmp_path: Path) -> None:
    for place in (1, 2):
        shot = real_photos.photo(f"ridge-{place}")
        taken = exif(taken=f"2024:05:03 10:00:0{place}").tobytes()
        save(tmp_path / "photos" / f"shot-{place}.jpg", shot, quality=94, exif=taken)
        save(tmp_path / "photos" / f"small-{place}.jpg", shot.reduce(2), quality=88, exif=taken)
    assert run("index", tmp_path / "photos").exit_code == 0
    proposed = {name for name, action in planned_actions(run).items() if action == "trash"}
    assert proposed == {"small-1.jpg", "small-2.jpg"}
    copies = find_groups(Context(Settings()), DedupOptions())
    (burst,) = find_groups(Context(Settings()), DedupOptions(kinds=frozenset({Verdict.BURST})))
    with SavedSteps(places().library("default")) as log:
        review = Review(copies, log)
        review.add([replace(burst, number=len(copies) + 1)])
        review.accept_all(range(len(copies)))
        other = next(n for n, each in enumerate(burst.members) if each.verdict is Verdict.BURST)
        gone = os.path.basename(burst.members[other].photo.path).decode()
        review.toggle(len(copies), other)
        review.accept(len(copies))
        shown = {
            os.path.basename(each).decode()
            for each, what in planned(review).actions.items()
            if what is Action.TRASH
        }
    assert shown == proposed | {gone}
    actions = planned_actions(run)
    assert {name for name, action in actions.items() if action == "trash"} == shown
    made = run("plan")
    assert "in 3 groups (1 of other shots)." in made.stderr
    (tmp_path / "plan.txt").write_text(made.stdout, encoding="utf-8")
    assert run("apply", tmp_path / "plan.txt", "--yes").exit_code == 0
    left = {path.name for path in (tmp_path / "photos").iterdir()}
    assert len(left) == 1
    assert left.isdisjoint(shown)


@contextmanager
def reviewing() -> Iterator[Review]:
    """The review of the library, as `vtsfind browse` shows it."""
    with BrowseSession(Settings()) as session:
        yield session.load(SilentProgress(), CancelToken())[0]


def photo_and_crop(folder: Path, name: str = "ridge-1") -> None:
    """Save a real photo as `a.jpg`, and a crop of it."""
    whole = real_photos.photo(name)
    width, height = whole.size
    save(folder / "a.jpg", whole, quality=95)
    save(folder / "crop.jpg", whole.crop((width // 8, height // 8, width, height)), quality=92)


def planned_actions(run: Vtsfind) -> dict[str, str]:
    """By name what `plan` does with each file."""
    groups = records(run("plan", "--json"), "group")
    return {Path(file["path"]).name: file["action"] for group in groups for file in group["files"]}
