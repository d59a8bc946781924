"""`vtsfind dupes`, from a folder of photos to groups. `test_cli_dupes_trouble` is about what can be wrong with them."""

import csv
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageDraw, ImageOps
from support.copies import family, groups, names, save, unrelated, verdicts
from support.output import Vtsfind, records
from support.textures import photograph

from vtsfind.base.paths import show_path_from_home
from vtsfind.engine.library.decisions import DecisionKind, decide_digests


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder for photos, empty."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


# ------------------------------------------------------------------------------------------- what comes out


def test_copies_are_found_each_with_its_verdict_and_evidence(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    unrelated(photos, 1, 2, 3)
    result = dupes("--json")
    assert result.exit_code == 0, result.stderr
    (group,) = groups(result)
    assert group["keep"] == group["members"][0]["path"]
    assert names(group) == {"photo.jpg", "bytes.jpg", "pixels.png", "resave.jpg", "turned.jpg", "edit.jpg"}
    found = verdicts(group)
    keeper = os.path.basename(group["keep"])
    assert keeper in {"photo.jpg", "bytes.jpg"}
    assert found.pop(keeper) is None
    assert found[({"photo.jpg", "bytes.jpg"} - {keeper}).pop()] == "bytes"
    assert (found["pixels.png"], found["resave.jpg"]) == ("pixels", "resave")
    assert (found["turned.jpg"], found["edit.jpg"]) == ("turned", "edit")
    by_name = {os.path.basename(member["path"]): member for member in group["members"]}
    edit = by_name["edit.jpg"]["evidence"]
    assert edit["boxed"] == 0
    assert np.allclose([edit["box"][side] for side in ("left", "top")], [40 / 384, 30 / 288], atol=0.02)
    assert edit["inliers"] >= 15
    assert by_name["turned.jpg"]["evidence"]["turn"] == 2
    assert all(member["reason"] for member in group["members"])
    footer = records(result, "footer")[0]
    assert (footer["groups"], footer["copies"], footer["failed"], footer["verified"]) == (1, 5, 0, True)
    going = [member for member in group["members"] if member["stays"] == ""]
    assert {os.path.basename(member["path"]) for member in going} == names(group) - {keeper, "edit.jpg"}
    assert footer["gain"] == group["gain"] == sum(member["size"] for member in going)


def test_the_text_says_who_is_kept_and_why(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    result = dupes()
    below, _, heading, *lines = result.stdout.splitlines()
    assert below == f"Paths are below {show_path_from_home(os.fsencode(photos))}."
    assert heading.startswith("Group 1: 6 photos, ")
    labels = ["exact copy", "same pixels", "saved again", "rotated or mirrored", "edited"]
    assert [line.strip().split("  ")[0] for line in lines[::2]] == ["keep", *labels]
    assert [line.split()[-1] for line in lines[4::2]] == [
        "pixels.png",
        "resave.jpg",
        "turned.jpg",
        "edit.jpg",
    ]
    assert "; kept: " in lines[1]
    assert all("; may go: " in line for line in lines[3:-2:2])
    assert lines[-1].endswith("; stays: an edited version, which may be wanted as well")
    counts = ", ".join(f"{label}: 1" for label in labels)
    assert f"1 group among 6 photos: 5 copies ({counts})" in result.stderr


def test_groups_come_in_the_order_asked_for_and_keep_their_numbers(photos: Path, dupes: Vtsfind) -> None:
    for number, copies in ((1, 1), (2, 3), (3, 2)):
        picture = photograph(number, 80 * number, 60 * number)
        for copy in range(copies + 1):
            save(photos / f"{9 - number}-{copy}.jpg", picture)
            os.utime(photos / f"{9 - number}-{copy}.jpg", (number * 1e6, number * 1e6))

    def order(*arguments: str) -> list[tuple[str, int]]:
        given = groups(dupes("--json", *arguments, index=not arguments))
        return [(os.path.basename(group["keep"])[0], group["id"]) for group in given]

    gains = [group["gain"] for group in groups(dupes("--json"))]
    assert gains == sorted(gains, reverse=True)
    by_size = order()
    assert [number for _, number in by_size] == [1, 2, 3]
    numbers = dict(by_size)
    assert order("--sort", "path") == [(name, numbers[name]) for name in "678"]
    assert order("--sort", "count") == [(name, numbers[name]) for name in "768"]
    assert order("--sort", "date") == [(name, numbers[name]) for name in "678"]
    refused = dupes("--sort", "colour", index=False)
    assert (refused.exit_code, "size, count, path or date" in refused.stderr) == (2, True)


@pytest.mark.parametrize("command", ["dupes", "plan"])
def test_a_library_that_has_no_photos_yet_is_not_said_to_have_no_duplicates(
    photos: Path, tmp_path: Path, run: Vtsfind, command: str
) -> None:
    assert run("index", photos, "--library", tmp_path / "library").exit_code == 0
    result = run(command, "--library", tmp_path / "library")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "has no photos yet" in result.stderr


def test_a_part_that_differs_at_full_size_only_makes_an_edit_which_stays(
    photos: Path, dupes: Vtsfind
) -> None:
    image = photograph(3, 1600, 1200)
    changed = image.copy()
    changed.paste(photograph(4).crop((60, 60, 80, 80)), (700, 500))
    save(photos / "photo.jpg", image, quality=95)
    save(photos / "again.jpg", image, quality=60)
    save(photos / "changed.jpg", changed, quality=90)
    result = dupes("--json")
    (group,) = groups(result)
    assert verdicts(group) == {"photo.jpg": None, "again.jpg": "resave", "changed.jpg": "edit"}
    stays = {os.path.basename(member["path"]): member["stays"] for member in group["members"]}
    assert (stays["again.jpg"], bool(stays["changed.jpg"])) == ("", True)
    again = dupes("--json", index=False)
    assert groups(again) == groups(result)
    assert groups(dupes("--json", "--kind", "resave", index=False))[0]["members"][1:] == [
        member for member in group["members"] if member["path"].endswith("again.jpg")
    ]


def test_invoices_of_one_form_with_other_amounts_are_grouped_with_their_own_copies(
    photos: Path, dupes: Vtsfind
) -> None:
    for name, amount in (("first", "1,284.60"), ("second", "7,953.20")):
        page = form(amount)
        save(photos / f"{name}.png", page)
        save(photos / f"{name}.jpg", page, quality=80)
    result = dupes("--json")
    found = [verdicts(group) for group in groups(result)]
    assert sorted(map(sorted, found)) == [["first.jpg", "first.png"], ["second.jpg", "second.png"]]
    assert all(set(group.values()) == {None, "resave"} for group in found)
    assert groups(dupes("--json", index=False)) == groups(result)


def form(amount: str) -> Image.Image:
    """A page of 150 dpi with a frame, a letterhead, lines of text and an amount of 12 pixels height in one of them."""
    image = Image.new("RGB", (1240, 1754), (250, 250, 246))
    draw = ImageDraw.Draw(image)
    draw.rectangle((100, 80, 300, 180), (30, 60, 120))
    draw.text((340, 90), "Wood and Sons, carpenters", (40, 40, 40), font_size=48)
    for line in range(20):
        draw.rectangle((100, 300 + 60 * line, 1140, 302 + 60 * line), (120, 120, 120))
        draw.text(
            (110, 318 + 60 * line), f"{line + 1}  of boards as agreed in your letter", "black", font_size=20
        )
    draw.text((1000, 720), amount, "black", font_size=16)
    return image


def test_a_second_run_reads_and_compares_nothing(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    unrelated(photos, 1, 2)
    first, second = dupes("--json"), dupes("--json", index=False)
    assert records(first, "footer")[0]["looked"] > 0
    again = records(second, "footer")[0]
    assert (again["looked"], again["compared"]) == (0, 0)
    assert groups(first) == groups(second)


def test_the_groups_do_not_depend_on_what_was_known_before(
    photos: Path, dupes: Vtsfind, tmp_path: Path
) -> None:
    family(photos)
    first = groups(dupes("--json"))
    (tmp_path / "library" / "evidence.db").write_bytes(b"rubbish")
    assert groups(dupes("--json", index=False)) == first


def test_nothing_to_find_is_said_and_is_no_error(photos: Path, dupes: Vtsfind) -> None:
    unrelated(photos, 1, 2, 3)
    result = dupes("--exit-code")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No duplicates among 3 photos." in result.stderr


def test_exit_code_tells_that_there_are_some(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    assert dupes("--exit-code", "--quiet").exit_code == 1
    assert dupes(index=False).exit_code == 0


def test_paths_are_those_of_the_copies(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    listed = dupes("--paths-only").stdout.splitlines()
    assert {os.path.basename(path) for path in listed} >= {"pixels.png", "resave.jpg", "turned.jpg"}
    assert len(listed) == 4
    zeros = dupes("--print0", index=False).stdout
    assert zeros.split("\0") == [*listed, ""]


def test_csv_has_a_line_a_photo(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    rows = list(csv.DictReader(io.StringIO(dupes("--csv").stdout)))
    assert [row["role"] for row in rows] == ["keep", *["copy"] * 5]
    assert {row["verdict"] for row in rows[1:]} == {"bytes", "pixels", "resave", "turned", "edit"}
    assert all(row["group"] == "1" for row in rows)


def test_summary_writes_no_groups(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    result = dupes("--summary")
    assert result.stdout == ""
    assert "1 group" in result.stderr


def test_kinds_may_be_named_in_the_plural(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    assert dupes("--kind", "bursts,edits").exit_code == 0
    assert "is not a kind" in dupes("--kind", "pictures").stderr


def test_kinds_narrow_what_counts(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    (group,) = groups(dupes("--kind", "bytes", "--json"))
    assert names(group) == {"photo.jpg", "bytes.jpg"}
    (group,) = groups(dupes("--kind", "bytes,pixels", "--kind", "turned", "--json", index=False))
    assert names(group) == {"photo.jpg", "bytes.jpg", "pixels.png", "turned.jpg"}


def test_an_edit_that_shows_at_full_size_only_is_one_of_the_edits_that_are_asked_for(
    photos: Path, dupes: Vtsfind
) -> None:
    image = photograph(0, 1600, 1200)
    save(photos / "photo.jpg", image)
    red, green, blue = (int(level) + 15 for level in np.asarray(image)[505, 705])
    ImageDraw.Draw(image).rectangle((700, 500, 711, 511), fill=(red, green, blue))
    save(photos / "square.jpg", image, quality=85)
    (by_default,) = groups(dupes("--json"))
    assert verdicts(by_default)["square.jpg"] == "edit"
    (asked,) = groups(dupes("--json", "--kind", "edit", index=False))
    assert names(asked) == {"photo.jpg", "square.jpg"}
    assert groups(dupes("--json", "--kind", "resave", index=False)) == []


@pytest.mark.parametrize("edit", ["framed", "turned"])
def test_a_frame_around_a_photo_does_not_make_it_the_better_one(
    photos: Path, dupes: Vtsfind, edit: str
) -> None:
    image = photograph(0)
    save(photos / "photo.jpg", image)
    larger = (
        ImageOps.expand(image, 40, (246, 244, 238)) if edit == "framed" else image.rotate(15, expand=True)
    )
    save(photos / "larger.jpg", larger)
    (group,) = groups(dupes("--json"))
    assert group["keep"].endswith("photo.jpg")
    assert ", which contains it at " in group["members"][1]["reason"]


def shot(path: Path, image: Image.Image) -> Path:
    """Save a photo with the data of a camera."""
    data = Image.Exif()
    data[ExifTags.Base.Make], data[ExifTags.Base.Model] = "Maker", "Model 1"
    return save(path, image, exif=data.tobytes())


def collage(*photos: Image.Image) -> Image.Image:
    """Put photos of one size side by side on a card, in their own size."""
    width, height = photos[0].size
    card = photograph(77, 40 + len(photos) * (width + 40), height + 80)
    for number, photo in enumerate(photos):
        card.paste(photo, (40 + number * (width + 40), 40))
    return card


def test_a_collage_does_not_stand_for_the_shot_in_it_and_says_how_it_shows_it(
    photos: Path, dupes: Vtsfind
) -> None:
    shot(photos / "photo.jpg", photograph(0))
    save(photos / "collage.jpg", collage(photograph(0), photograph(1)))
    (group,) = groups(dupes("--json"))
    assert verdicts(group) == {"photo.jpg": None, "collage.jpg": "edit"}
    assert not group["tied"]
    size = "{width}x{height}".format(**group["members"][1])
    reason = group["members"][1]["reason"]
    assert reason.startswith(f"the kept one is better, 384x288 beats {size}, which contains it at 3")


def test_a_collage_of_two_shots_goes_to_one_of_them_and_makes_no_copies_of_the_two(
    photos: Path, dupes: Vtsfind
) -> None:
    for seed in (0, 1):
        shot(photos / f"photo-{seed}.jpg", photograph(seed))
    save(photos / "collage.jpg", collage(photograph(0), photograph(1)))
    (group,) = groups(dupes("--json"))
    assert len(names(group) & {"photo-0.jpg", "photo-1.jpg"}) == 1
    assert group["keep"].endswith((".jpg",))
    assert not group["keep"].endswith("collage.jpg")


def test_the_shot_that_a_crop_was_made_of_is_kept_whatever_the_crop_tells(
    photos: Path, dupes: Vtsfind
) -> None:
    image = photograph(0)
    shot(photos / "photo.jpg", image)
    shot(photos / "crop.jpg", image.crop((40, 30, 360, 270)))
    (group,) = groups(dupes("--json"))
    assert group["keep"].endswith("photo.jpg")
    assert group["members"][1]["reason"] == "the kept one is better, 384x288 beats 320x240"
    assert not group["tied"]


def test_a_crop_or_a_collage_without_a_cameras_data_is_a_tie_and_said(photos: Path, dupes: Vtsfind) -> None:
    image = photograph(0)
    save(photos / "photo.jpg", image)
    save(photos / "crop.jpg", image.crop((40, 30, 360, 270)))
    (group,) = groups(dupes("--json"))
    assert group["keep"].endswith("photo.jpg")
    assert (group["tied"], group["doubt"]) == (True, "a crop or a collage")
    assert "which it contains" in group["members"][1]["reason"]
    text = dupes(index=False)
    assert "; a crop or a collage" in text.stdout.splitlines()[2]
    assert "Check 1 group in `vtsfind browse`: it is in doubt which photo to keep" in text.stderr


# ------------------------------------------------------------------------------------------------ the wishes


def test_without_looking_the_groups_are_candidates_and_say_so(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    result = dupes("--no-verify", "--radius", 24, "--json")
    (group,) = groups(result)
    assert {"photo.jpg", "pixels.png", "resave.jpg"} <= names(group)
    assert {member["verdict"] for member in group["members"][1:]} <= {"bytes", "similar"}
    footer = records(result, "footer")[0]
    assert (footer["verified"], footer["looked"], footer["compared"]) == (False, 0, 0)
    assert "Candidates only" in result.stderr
    assert "candidates only" in dupes("--no-verify", "--radius", 24, index=False).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-verify"],
        ["--kind", "similar"],
        ["--kind", "similar", "--radius", "24"],
        ["--kind", "twin"],
        ["--radius", "9", "--max-false-match", "1e-4"],
        ["--json", "--csv"],
        ["--between", "/a", "/a"],
        ["--between", "/a", "/b", "--within", "/c"],
        ["--keep-by", "beauty"],
    ],
    ids=" ".join,
)
def test_a_wish_that_makes_no_sense_is_refused(photos: Path, dupes: Vtsfind, arguments: list[str]) -> None:
    unrelated(photos, 1)
    result = dupes(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_between_leaves_out_pairs_inside_one_folder(photos: Path, dupes: Vtsfind) -> None:
    family(photos / "a", 0)
    family(photos / "b", 1)
    save(photos / "b" / "far.jpg", photograph(0), quality=70)
    (group,) = groups(dupes("--between", photos / "a", photos / "b", "--json"))
    folders = {os.path.basename(os.path.dirname(member["path"])) for member in group["members"][1:]}
    assert folders == {"b"}
    assert names(group) & {"far.jpg"}


def test_within_leaves_out_everything_else(photos: Path, dupes: Vtsfind) -> None:
    family(photos / "a", 0)
    family(photos / "b", 1)
    (group,) = groups(dupes("--within", photos / "b", "--json"))
    assert all("/b/" in member["path"] for member in group["members"])


def test_a_preferred_folder_decides_between_equals(photos: Path, dupes: Vtsfind) -> None:
    original = save(photos / "a" / "photo.jpg", photograph(0))
    (photos / "other").mkdir()
    shutil.copyfile(original, photos / "other" / "photo.jpg")
    (group,) = groups(dupes("--prefer-folder", photos / "other", "--json"))
    assert group["keep"].endswith("/other/photo.jpg")


def test_photos_of_a_reference_folder_are_never_proposed_to_go(photos: Path, dupes: Vtsfind) -> None:
    image = photograph(0)
    save(photos / "master" / "small.jpg", image.resize((192, 144)))
    save(photos / "master" / "smaller.jpg", image.resize((180, 135)))
    save(photos / "large.jpg", image)
    (group,) = groups(dupes("--reference", photos / "master", "--json"))
    assert "/master/" in group["keep"]
    assert names(group) == {os.path.basename(group["keep"]), "large.jpg"}


def test_not_a_duplicate_is_remembered(photos: Path, dupes: Vtsfind) -> None:
    image = photograph(0)
    save(photos / "photo.jpg", image)
    save(photos / "copy.jpg", image, quality=60)
    (group,) = groups(dupes("--json"))
    decide_digests(
        DecisionKind.NOT_DUPLICATE, [bytes.fromhex(member["sha256"]) for member in group["members"]]
    )
    assert groups(dupes("--json", index=False)) == []


def test_a_film_and_side_cars_are_told_with_their_photo(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    for name in ("photo.MOV", "photo.xmp", "photo.jpg.json"):
        (photos / name).write_bytes(b"beside it")
    (group,) = groups(dupes("--json"))
    own = {
        os.path.basename(member["path"]): {os.path.basename(each["path"]) for each in member["companions"]}
        for member in group["members"]
    }
    assert group["keep"].endswith("photo.jpg")
    assert own["photo.jpg"] == {"photo.MOV", "photo.xmp", "photo.jpg.json"}
    assert not any(beside for name, beside in own.items() if name != "photo.jpg")


def test_a_plan_keeps_edits_unless_it_is_asked_for_their_kind(
    run: Vtsfind, dupes: Vtsfind, photos: Path, tmp_path: Path
) -> None:
    family(photos)
    assert dupes().exit_code == 0
    made = run("plan", "--library", tmp_path / "library")
    lines = [line for line in made.stdout.splitlines() if "/photos/" in line and "  # " in line]
    words = {name: line.split()[0] for line in lines for name in ("resave.jpg", "edit.jpg") if name in line}
    assert words == {"resave.jpg": "trash", "edit.jpg": "keep"}
    assert "Kept 1 edited photo;" in made.stderr
    asked = run("plan", "--library", tmp_path / "library", "--kind", "copies")
    (line,) = (line for line in asked.stdout.splitlines() if "edit.jpg" in line and "  # " in line)
    assert line.startswith("trash")
