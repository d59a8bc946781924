"""`vtsfind dupes` where codes propose nothing: pairs by the details that photos have in common."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.output import Vtsfind, records
from support.textures import photograph
from typer.testing import Result

from vtsfind.engine.library.decisions import DecisionKind, decide_digests
from vtsfind.find.candidates.hash_codes import MAX_RADIUS_SHARE
from vtsfind.find.candidates.local_features import LocalCandidates, local_candidates


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A photo and a collage with it, each saved twice: a picture whose code is near no other is not looked at."""
    image = photograph(0)
    collage = Image.new("RGB", (784, 592), "white")
    for n, shown in enumerate([image, *map(photograph, (90, 91, 92))]):
        collage.paste(shown, (n % 2 * 392 + 4, n // 2 * 296 + 4))
    for name, picture in (("photo", image), ("collage", collage)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        picture.save(tmp_path / "photos" / name / f"{name}.jpg", quality=92)
        picture.save(tmp_path / "photos" / name / f"{name}-again.jpg", quality=70)
    return tmp_path / "photos"


@pytest.fixture
def search(run: Vtsfind, tmp_path: Path, folders: Path) -> Vtsfind:
    """Look for duplicates among them."""
    assert run("index", folders, "--library", tmp_path / "library").exit_code == 0

    def search(*arguments: object) -> Result:
        return run("dupes", "--library", tmp_path / "library", *arguments, "--json")

    return search


def names(group: dict[str, Any]) -> set[str]:
    return {Path(member["path"]).name for member in group["members"]}


def test_a_collage_is_found_where_its_code_is_too_far_from_the_photos(search: Vtsfind) -> None:
    result = search()
    assert records(result, "footer")[0]["sighted"] > 0
    (group,) = records(result, "group")
    assert names(group) == {"photo.jpg", "photo-again.jpg", "collage.jpg", "collage-again.jpg"}
    edits = [member["evidence"] for member in group["members"] if member["verdict"] == "edit"]
    assert edits
    assert all(each["distance"] > MAX_RADIUS_SHARE * each["bits"] for each in edits)


def test_a_second_run_compares_nothing_again(search: Vtsfind) -> None:
    first, second = search(), search()
    assert records(first, "group") == records(second, "group")
    footer = records(second, "footer")[0]
    assert footer["sighted"] > 0
    assert (footer["looked"], footer["compared"]) == (0, 0)


def test_details_are_looked_for_again_only_when_photos_have_come_or_gone(
    search: Vtsfind, run: Vtsfind, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []

    def counted(digests: Sequence[bytes], *arguments: Any, **options: Any) -> LocalCandidates:
        searched.append(len(digests))
        return local_candidates(digests, *arguments, **options)

    monkeypatch.setattr("vtsfind.engine.duplicates.candidates.local_candidates", counted)
    search(), search()
    assert searched == [2]  # one photo stands for those that show the same in full
    for quality in (91, 69):
        photograph(7).save(folders / f"new-{quality}.jpg", quality=quality)
    assert run("index", folders, "--library", tmp_path / "library").exit_code == 0
    search(), search()
    assert searched == [2, 3]


def test_a_radius_that_was_asked_for_is_kept(search: Vtsfind) -> None:
    result = search("--radius", int(MAX_RADIUS_SHARE * 256))
    assert records(result, "footer")[0]["sighted"] == 0
    assert {frozenset(names(group)) for group in records(result, "group")} == {
        frozenset({"photo.jpg", "photo-again.jpg"}),
        frozenset({"collage.jpg", "collage-again.jpg"}),
    }


def test_different_photos_are_read_but_not_compared_unless_a_wider_radius_is_asked_for(
    run: Vtsfind, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(6):
        photograph(number).save(tmp_path / "photos" / f"{number}.jpg")
    library = ("--library", tmp_path / "library")
    assert run("index", tmp_path / "photos", *library).exit_code == 0
    (footer,) = records(run("dupes", *library, "--json"), "footer")
    assert footer["looked"] > 0
    assert (footer["candidates"], footer["sighted"], footer["compared"]) == (0, 0, 0)
    assert footer["dropped"] > 0
    (footer,) = records(run("dupes", *library, "--radius", int(MAX_RADIUS_SHARE * 256), "--json"), "footer")
    assert footer["compared"] == footer["candidates"] > 0


def test_pairs_outside_the_folders_that_are_asked_about_are_not_proposed(
    search: Vtsfind, folders: Path
) -> None:
    result = search("--within", folders / "photo", "--within", folders / "collage")
    assert records(result, "footer")[0]["sighted"] == 0
    assert len(records(result, "group")) == 2


def test_what_is_no_duplicate_by_the_users_word_is_not_joined(search: Vtsfind) -> None:
    (group,) = records(search(), "group")
    digests = {Path(member["path"]).stem: bytes.fromhex(member["sha256"]) for member in group["members"]}
    for photo in ("photo", "photo-again"):
        for collage in ("collage", "collage-again"):
            decide_digests(DecisionKind.NOT_DUPLICATE, [digests[photo], digests[collage]])
    assert len(records(search(), "group")) == 2


def forbid_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def searched(*_arguments: Any, **_options: Any) -> None:
        raise AssertionError("pairs were searched for again")

    monkeypatch.setattr("vtsfind.engine.duplicates.candidates.propose_by_hash", searched)


def test_a_run_with_nothing_new_searches_for_no_pairs(
    search: Vtsfind, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = search()
    forbid_search(monkeypatch)
    second = search()
    assert records(first, "group") == records(second, "group")
    left_out = {"looked", "compared", "seconds"}
    footers = [records(result, "footer")[0] for result in (first, second)]
    assert footers[0].keys() == footers[1].keys()
    assert all(footers[0][key] == footers[1][key] for key in footers[0].keys() - left_out)


@pytest.mark.parametrize(
    "lost",
    ["DELETE FROM pairs WHERE verdict IS NOT NULL", "DELETE FROM features", "DELETE FROM stages"],
)
def test_where_something_of_the_last_search_is_lost_pairs_are_searched_for_again(
    search: Vtsfind, tmp_path: Path, lost: str
) -> None:
    first = search()
    with closing(sqlite3.connect(tmp_path / "library" / "evidence.db")) as connection:
        connection.execute(lost)
        connection.commit()
    assert records(search(), "group") == records(first, "group")


def test_what_changes_the_answer_is_searched_for_again(
    search: Vtsfind, run: Vtsfind, folders: Path, tmp_path: Path
) -> None:
    assert len(records(search(), "group")) == 1
    assert len(records(search("--within", folders / "photo"), "group")) == 1
    assert len(records(search("--radius", 2), "group")) == 2
    (folders / "photo" / "photo-again.jpg").unlink()
    (group,) = records(search(), "group")
    assert names(group) == {"collage.jpg", "collage-again.jpg"}  # no code is near that of the photo
    photograph(0).save(folders / "photo" / "photo-again.jpg", quality=60)
    assert run("index", folders, "--library", tmp_path / "library").exit_code == 0
    (group,) = records(search(), "group")
    assert names(group) == {"photo.jpg", "photo-again.jpg", "collage.jpg", "collage-again.jpg"}
