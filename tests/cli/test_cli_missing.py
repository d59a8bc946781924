"""`vtsfind missing` as a user and a script meet it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.drawn_photos import encoded, scene, write
from support.output import Vtsfind, records
from typer.testing import Result

Missing = Callable[..., Result]


@pytest.fixture
def home(run: Vtsfind, photos: Path) -> Path:
    """The folder of the photos that the library has."""
    assert run("index", photos).exit_code == 0
    return photos


@pytest.fixture
def card(home: Path, tmp_path: Path) -> Path:
    """A card with copies of two photos of the library."""
    folder = tmp_path / "card"
    folder.mkdir()
    for name in ("cat.jpg", "dog.png"):
        shutil.copy(home / name, folder / f"DSC_{name}")
    return folder


def test_a_card_whose_photos_are_all_there_ends_with_0(run: Vtsfind, card: Path) -> None:
    result = run("missing", card)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "2 photos: all in the library.\n"


def test_a_photo_that_is_not_there_is_named_and_ends_with_1(run: Vtsfind, card: Path) -> None:
    new = write(card / "new.jpg", scene(99))
    result = run("missing", card)
    assert (result.exit_code, result.stdout) == (1, f"{new}\n")
    summary, hint = result.stderr.splitlines()
    assert summary == "3 photos: 2 in the library, 1 not in the library."  # and nothing of its own files
    assert "--by look finds the same pictures in other files" in hint
    assert run("missing", card, "--print0").stdout_bytes == os.fsencode(new) + b"\0"
    assert run("missing", card, "--paths-only").stdout_bytes == os.fsencode(new) + b"\n"


def test_a_photo_that_only_looks_the_same_is_not_there(run: Vtsfind, card: Path, home: Path) -> None:
    resaved = card / "resaved.jpg"
    resaved.write_bytes((home / "cat.jpg").read_bytes() + b"\0")
    assert run("missing", card).stdout == f"{resaved}\n"


def test_a_card_that_is_part_of_the_library_is_not_its_own_copy(run: Vtsfind, card: Path) -> None:
    write(card / "new.jpg", scene(99))
    assert run("index", card).exit_code == 0
    result = run("missing", card)
    assert (result.exit_code, result.stdout) == (1, f"{card / 'new.jpg'}  (indexed here only)\n")
    assert result.stderr.startswith("3 photos: 2 elsewhere in the library, 1 indexed here only.\n")
    assert "in the library where it lies: that does not count as a copy." in result.stderr


def test_of_a_folder_of_the_library_is_said_what_is_indexed_what_is_not_and_why(
    run: Vtsfind, home: Path
) -> None:
    damaged = home / "damaged.jpg"
    damaged.write_bytes(encoded(scene(50))[:300])
    assert run("index").exit_code == 3
    new = write(home / "new.jpg", scene(99))
    result = run("missing", home)
    assert result.exit_code == 1
    assert f"{home / 'cat.jpg'}  (indexed here only)" in result.stdout
    assert f"{new}  (not indexed yet)" in result.stdout
    assert f"{damaged}  (could not be read)" in result.stdout
    summary, *hints = result.stderr.splitlines()
    assert summary.endswith(
        " 0 elsewhere in the library, 12 indexed here only, 1 not indexed yet, 1 could not be read."
    )
    assert "not in the library" not in result.stderr
    assert any("run `vtsfind index`" in hint for hint in hints)
    assert any(
        hint.startswith(f"1 file could not be read (damaged or incomplete): {damaged}. Restore")
        for hint in hints
    )
    notes = {
        Path(photo["path"]).name: photo["note"] for photo in records(run("missing", home, "--json"), "photo")
    }
    assert (notes["cat.jpg"], notes["new.jpg"]) == ("indexed here only", "not indexed yet")


def test_the_card_under_another_path_is_the_card_still(run: Vtsfind, card: Path, tmp_path: Path) -> None:
    new = write(card / "new.jpg", scene(99))
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "new.jpg").hardlink_to(new)
    (tmp_path / "link").symlink_to(card, target_is_directory=True)
    assert run("index", tmp_path / "mirror", tmp_path / "link").exit_code == 0
    assert run("missing", card).stdout == f"{new}  (indexed here only)\n"


def test_a_file_that_is_gone_or_changed_since_the_library_was_refreshed_does_not_count(
    run: Vtsfind, card: Path, home: Path
) -> None:
    (home / "cat.jpg").unlink()
    (home / "dog.png").write_bytes(encoded(scene(50), "PNG"))
    result = run("missing", card, "--json")
    assert result.exit_code == 1
    assert [photo["standing"] for photo in records(result, "photo")] == ["gone", "gone"]
    text = run("missing", card)
    assert f"DSC_cat.jpg  (gone from {home / 'cat.jpg'})" in text.stdout
    assert "2 known, but gone from the library's folders" in text.stderr


def test_a_file_that_was_only_touched_counts(run: Vtsfind, card: Path, home: Path) -> None:
    os.utime(home / "cat.jpg", (1, 1))
    assert run("missing", card).exit_code == 0


def test_what_vtsfind_removed_is_known_after_the_library_was_refreshed_too(
    run: Vtsfind, card: Path, home: Path, tmp_path: Path
) -> None:
    again = home / "cat-again.jpg"
    Image.open(home / "cat.jpg").save(again, quality=60)
    copy = shutil.copy(again, card / "again.jpg")
    plan = tmp_path / "plan.txt"
    assert run("index").exit_code == 0
    assert run("plan", "--output", plan).exit_code == 0
    assert run("apply", plan, "--yes").exit_code == 0
    assert not again.exists()
    assert run("index").exit_code == 0
    assert f"{copy}  (gone from {again})" in run("missing", card).stdout


def test_a_photo_with_a_second_file_in_the_library_is_there_when_the_first_is_gone(
    run: Vtsfind, card: Path, home: Path
) -> None:
    shutil.copy(home / "cat.jpg", home / "trip" / "cat again.jpg")
    run("index")
    (home / "cat.jpg").unlink()
    assert run("missing", card).exit_code == 0


@pytest.mark.parametrize(
    "name",
    ["A.GPR", "A.insp", "A.JXL", "A.CRM", "A.NEV", "A.360", "A.LRV", "a.psd", "UNKNOWN.BIN"],
)
def test_what_cannot_be_judged_is_named_and_ends_with_3(run: Vtsfind, card: Path, name: str) -> None:
    (card / name).write_bytes(b"x" * (5000 if name == "UNKNOWN.BIN" else 5))
    result = run("missing", card)
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"1 file could not be compared: {card / name}." in result.stderr


def test_small_notes_of_a_camera_are_no_reason_to_keep_a_card(run: Vtsfind, card: Path) -> None:
    (card / "M0100.CTG").write_bytes(b"index")
    assert run("missing", card).exit_code == 0


def test_films_are_told_and_end_with_3(run: Vtsfind, card: Path) -> None:
    (card / "DSC_3.MOV").write_bytes(b"film")
    (card / "AUTPRINT.MRK").write_bytes(b"print order")
    result = run("missing", card)
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"1 file could not be compared: {card / 'DSC_3.MOV'}." in result.stderr
    assert "Skipped 1 other file." in result.stderr


def test_a_file_that_cannot_be_read_is_told_and_ends_with_3(
    run: Vtsfind, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import builtins

    opened = builtins.open

    def refuse(name: object, *rest: object, **options: object) -> object:
        if isinstance(name, bytes) and name.endswith(b"DSC_cat.jpg"):
            raise PermissionError(13, "Permission denied", name)
        return opened(name, *rest, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(builtins, "open", refuse)
    result = run("missing", card)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "DSC_cat.jpg cannot be read" in result.stderr


@pytest.mark.usefixtures("home")
def test_an_empty_card_is_no_card(run: Vtsfind, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "gone"):
        result = run("missing", tmp_path / name)
        assert result.exit_code == 2
        assert "plugged in" in result.stderr


def test_the_library_is_named_with_in(run: Vtsfind, card: Path) -> None:
    assert run("missing", card, "--in", "nowhere").exit_code == 2
    assert run("missing", card, "--in", "default").exit_code == 0
    assert run("missing", card, "--in", "default", "--library", "other").exit_code == 2
    assert run("missing", card, "--json", "--print0").exit_code == 2


def test_json_tells_of_every_photo_and_counts(run: Vtsfind, card: Path, home: Path) -> None:
    write(card / "new.jpg", scene(99))
    result = run("missing", card, "--json")
    header, *photos, footer = records(result)
    assert (header["command"], header["by"]) == ("missing", "bytes")
    assert [(p["path"], p["standing"], p["verdict"], p["library_path"]) for p in photos] == [
        (str(card / "DSC_cat.jpg"), "there", "bytes", str(home / "cat.jpg")),
        (str(card / "DSC_dog.png"), "there", "bytes", str(home / "dog.png")),
        (str(card / "new.jpg"), "missing", None, None),
    ]
    counts = {"photos": 3, "there": 2, "lesser": 0, "gone": 0, "missing": 1, "films": 0, "failed": 0}
    assert footer.items() >= counts.items()


def mosaic(seed: int, **size: int) -> Image.Image:
    """Draw a picture with corners to recognise it by."""
    colours = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    side = size.get("side", 20)
    return Image.fromarray(colours.repeat(side, axis=0).repeat(side, axis=1))


def test_by_look_a_copy_that_is_no_worse_counts_and_a_lesser_one_does_not(
    run: Vtsfind, home: Path, tmp_path: Path
) -> None:
    for seed in range(4):
        write(home / f"{seed}.png", mosaic(seed))
    write(home / "small.jpg", mosaic(7, side=10), quality=60)
    run("index")
    card = tmp_path / "card"
    same = write(card / "same.jpg", mosaic(0), quality=80)
    large = write(card / "large.jpg", mosaic(7), quality=90)
    new = write(card / "new.jpg", mosaic(9))

    assert run("missing", card).stdout.splitlines() == [str(large), str(new), str(same)]
    result = run("missing", card, "--by", "look")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{large}  (only saved again: is larger, 320x240 against 160x120, and may have more detail: {home / 'small.jpg'})",
        str(new),
    ]
    assert f"{same}: saved again, {home / '0.png'}" in run("missing", card, "--by", "look", "-v").stderr
    photos = records(run("missing", card, "--by", "look", "--json"), "photo")
    told = {photo["path"]: (photo["standing"], photo["verdict"], photo["library_path"]) for photo in photos}
    assert told == {
        str(same): ("there", "resave", str(home / "0.png")),
        str(large): ("lesser", "resave", str(home / "small.jpg")),
        str(new): ("missing", None, None),
    }


def test_by_look_a_photo_that_cannot_be_decoded_is_a_failure(run: Vtsfind, home: Path, card: Path) -> None:
    (card / "broken.jpg").write_bytes((home / "cat.jpg").read_bytes()[:300])
    result = run("missing", card, "--by", "look")
    assert result.exit_code == 3
    assert "broken.jpg is damaged" in result.stderr
    assert "2 photos: all in the library, but 1 file could not be read." in result.stderr
    assert run("missing", card, "--by", "smell").exit_code == 2
