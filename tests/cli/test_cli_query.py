"""`vtsfind query` as a user and a script meet it."""

import base64
import json
import math
import os
import subprocess
from dataclasses import astuple
from datetime import datetime
from pathlib import Path

import pytest
from support import block_encoder
from support.drawn_photos import encoded, exif, scene, write
from support.output import Vtsfind, records
from typer.testing import Result

from vtsfind.base.settings import Settings
from vtsfind.engine.library.access import open_library
from vtsfind.engine.search.where import Where, passing
from vtsfind.store.index import Index
from vtsfind.store.rows import join_codes, row_crc
from vtsfind.store.schema import VERSION


def test_query_writes_one_line_a_hit_best_first(ask: Vtsfind, album: Path) -> None:
    result = ask(album / "photos" / "cat.jpg", "--top", 3)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].split()[0] == "1"
    assert "0/64" in lines[0]
    assert "96x72" in lines[0]
    assert lines[0].endswith(str(album / "photos" / "cat.jpg"))


def test_query_in_json_has_the_promised_fields(ask: Vtsfind, album: Path) -> None:
    name = str(album / "photos" / "trip" / "road.jpeg")
    result = ask(name, "--json", "--by", "copy", "--top", 2)
    header, first, second, footer = records(result)
    assert (header["command"], header["by"], header["bits"]) == ("query", "copy", 256)
    assert header["model"] == block_encoder.NAME
    for key, value in {
        "type": "hit",
        "query": name,
        "rank": 1,
        "path": name,
        "distance": 0,
        "bits": 256,
        "verdict": "bytes",
        "taken": "2021-07-03 12:30:45",
        "width": 72,
        "height": 96,
        "missing": False,
    }.items():
        assert first[key] == value
    assert (second["rank"], second["verdict"]) == (2, None)
    assert footer == {"type": "footer", "queries": 1, "hits": 2, "failed": 0}


def test_without_by_both_codes_are_compared_together(ask: Vtsfind, album: Path) -> None:
    cat = album / "photos" / "cat.jpg"
    scenes, copies = (
        {hit["path"]: hit["distance"] for hit in records(ask(cat, "--by", by, "--json"), "hit")}
        for by in ("scene", "copy")
    )
    wanted = {path: math.ceil(0.7 * scenes[path] + 0.3 * copies[path] * 64 / 256 - 1e-9) for path in scenes}
    header, *hits, _ = records(ask(cat, "--json"))
    assert (header["by"], header["bits"]) == ("likeness", 64)
    assert {hit["path"]: hit["distance"] for hit in hits} == wanted
    assert [hit["distance"] for hit in hits] == sorted(wanted.values())
    assert records(ask(cat, "--by", "likeness", "--json"), "hit") == hits
    for radius in (0, 20, max(wanted.values()) - 1):
        near = records(ask(cat, "--radius", radius, "--json"), "hit")
        assert [hit["path"] for hit in near] == [hit["path"] for hit in hits if hit["distance"] <= radius]


def test_several_photos_get_an_answer_each(ask: Vtsfind, album: Path) -> None:
    images = [album / "photos" / name for name in ("cat.jpg", "dog.png")]
    hits = records(ask(*images, "--json", "--top", 2), "hit")
    assert [hit["query"] for hit in hits] == [str(image) for image in images for _ in range(2)]
    assert [hit["rank"] for hit in hits] == [1, 2, 1, 2]
    text = ask(*images, "--top", 1).stdout
    assert f"{images[0]}:\n" in text
    assert f"{images[1]}:\n" in text


def test_paths_come_as_they_are_one_a_line_or_nul_separated(ask: Vtsfind, album: Path) -> None:
    cat = album / "photos" / "cat.jpg"
    lines = ask(cat, "--paths-only", "--top", 3).stdout_bytes.split(b"\n")
    assert lines[0] == os.fsencode(cat)
    assert len(lines) == 4
    assert ask(cat, "--print0", "--top", 3).stdout_bytes.split(b"\0") == lines


def test_a_path_that_is_not_utf8_carries_its_bytes(run: Vtsfind, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/photo-\xff.jpg"
    with open(path, "wb") as file:
        file.write(encoded(scene(1)))
    run("index", tmp_path)
    done = block_encoder.vtsfind("query", path, "--json")
    assert done.returncode == 0, done.stderr
    hit = json.loads(done.stdout.splitlines()[1])
    assert base64.b64decode(hit["path_b64"]) == path
    assert base64.b64decode(hit["query_b64"]) == path
    assert block_encoder.vtsfind("query", path, "--print0").stdout == path + b"\0"


def test_a_photo_from_outside_and_from_standard_input_is_looked_for(
    ask: Vtsfind, album: Path, tmp_path: Path
) -> None:
    small = write(tmp_path / "small.jpg", scene(1).resize((48, 36)))
    cat = str(album / "photos" / "cat.jpg")
    assert records(ask(small, "--json", "--top", 1), "hit")[0]["path"] == cat
    piped = records(ask("-", "--json", "--top", 1, standard_input=small.read_bytes()), "hit")
    assert (piped[0]["path"], piped[0]["query"]) == (cat, "-")


def test_nothing_within_the_radius_is_exit_code_1(ask: Vtsfind, tmp_path: Path) -> None:
    new = write(tmp_path / "new.jpg", scene(123))
    result = ask(new, "--radius", 0)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "No photo of the library looks like" in result.stderr
    assert records(ask(new, "--radius", 0, "--json"))[-1]["hits"] == 0


def test_an_unusable_photo_is_named_and_exit_code_3(ask: Vtsfind, album: Path, tmp_path: Path) -> None:
    (tmp_path / "half.jpg").write_bytes(encoded(scene(50))[:300])
    result = ask(tmp_path / "half.jpg", album / "photos" / "cat.jpg", tmp_path / "gone.jpg", "--json")
    assert result.exit_code == 3
    assert [failure["query"] for failure in records(result, "failure")] == [
        str(tmp_path / "half.jpg"),
        str(tmp_path / "gone.jpg"),
    ]
    assert len(records(result, "hit")) == 12
    assert f"{tmp_path / 'half.jpg'} is damaged or cut short" in result.stderr
    assert f"{tmp_path / 'gone.jpg'} does not exist" in result.stderr


def test_a_missing_library_and_its_near_name_are_named(run: Vtsfind, photos: Path) -> None:
    first = run("query", photos / "cat.jpg")
    assert first.exit_code == 2
    assert "vtsfind index FOLDER" in first.stderr
    run("index", photos / "trip", "--library", "holidays")
    result = run("query", photos / "cat.jpg", "--library", "holiday")
    assert result.exit_code == 2
    assert "--library holidays" in result.stderr


def test_a_head_that_the_model_lacks_is_refused_with_those_it_has(ask: Vtsfind, album: Path) -> None:
    result = ask(album / "photos" / "cat.jpg", "--by", "colour")
    assert result.exit_code == 2
    assert "--by scene or --by copy" in result.stderr


def test_pictures_are_drawn_only_for_a_terminal_or_when_forced(ask: Vtsfind, album: Path) -> None:
    cat = album / "photos" / "cat.jpg"
    assert "\x1b" not in ask(cat, "--pictures", "--top", 1).stdout
    blocks_drawn = ask(cat, "--pictures=blocks", "--top", 1).stdout
    assert "\x1b[38;2;" in blocks_drawn
    assert str(cat) in blocks_drawn
    assert "\x1b_Ga=T" in ask("--pictures=kitty", cat, "--top", 1).stdout
    assert "\x1b]1337;File=inline=1" in ask("--pictures=iterm2", cat, "--top", 1).stdout
    wrong = ask("--pictures=kity", cat)
    assert wrong.exit_code == 2
    assert "Did you mean 'kitty'?" in wrong.stderr


def test_two_kinds_of_output_at_once_are_refused(ask: Vtsfind, album: Path) -> None:
    assert ask(album / "photos" / "cat.jpg", "--json", "--print0").exit_code == 2


def test_a_reader_who_leaves_early_ends_the_command_quietly(album: Path) -> None:
    process = subprocess.Popen(
        block_encoder.command(
            "query", str(album / "photos" / "cat.jpg"), "--json", "--library", str(album / "library")
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (5, b"")


def write_one_a_year(photos: Path, count: int) -> None:
    """Write a picture of each year from 2020 on, in `home` and `trip` by turns."""
    for number in range(count):
        path = write(photos / ("trip" if number % 2 else "home") / f"{2020 + number}.png", scene(number))
        noon = datetime(2020 + number, 3, 1, 12).astimezone().timestamp()
        os.utime(path, (noon, noon))


def test_only_photos_of_a_folder_and_of_some_days_are_looked_through(tmp_path: Path, run: Vtsfind) -> None:
    photos, library = tmp_path / "photos", tmp_path / "library"
    write_one_a_year(photos, 6)
    write(photos / "shot.jpg", scene(9), exif=exif(taken="2021:07:03 12:30:45"))
    assert run("index", photos, "--library", library).exit_code == 0

    def found(*arguments: object) -> list[str]:
        result = run("query", photos / "shot.jpg", "--library", library, "--json", *arguments)
        return sorted(Path(hit["path"]).stem for hit in records(result, "hit"))

    assert found("--in", photos / "trip") == ["2021", "2023", "2025"]
    assert found("--in", photos / "trip", "--in", photos / "home") == [
        str(year) for year in range(2020, 2026)
    ]
    assert found("--after", "2021-03-01") == ["2021", "2022", "2023", "2024", "2025", "shot"]
    assert found("--after", "2021-3-2", "--before", "2023") == ["2022", "shot"]
    assert found("--on", "2021") == found("--after", "2021", "--before", "2022") == ["2021", "shot"]
    assert found("--on", "2021-07") == found("--on", "2021-07-03") == ["shot"]
    assert found("--on", "2021", "--before", "2021-07-03") == ["2021"]
    assert found("--after", "2021-07-03", "--before", "2022") == ["shot"]
    assert found("--on", "9999-12-31") == []
    assert found("--before", "2021-07", "--in", photos / "trip") == ["2021"]
    assert found("--in", photos / "trip", "--top", 1, "--radius", 64) in (["2021"], ["2023"], ["2025"])
    nothing = run("query", photos / "shot.jpg", "--library", library, "--before", "1999")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert nothing.stderr == "No photo of the library passes the filters.\n"
    far = run("query", photos / "shot.jpg", "--library", library, "--in", photos / "home", "--radius", 0)
    assert far.exit_code == 1
    assert "No photo that the filters leave looks like" in far.stderr
    for arguments in (
        ("--after", "May"),
        ("--before", "2021-13"),
        ("--on", "June"),
        ("--in", tmp_path / "nowhere"),
    ):
        assert run("query", photos / "shot.jpg", "--library", library, *arguments).exit_code == 2


def test_filters_alone_list_photos_newest_first(tmp_path: Path, run: Vtsfind) -> None:
    photos, library = tmp_path / "photos", tmp_path / "library"
    write_one_a_year(photos, 4)
    write(photos / "shot.jpg", scene(9), exif=exif(taken="2021:07:03 12:30:45", camera=("Apple", "iPad")))
    assert run("index", photos, "--library", library).exit_code == 0

    def listed(*arguments: object) -> Result:
        return run("query", "--library", library, *arguments)

    lines = listed("--after", "2021").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["2023-03-01", "2022-03-01", "2021-07-03", "2021-03-01"]
    assert lines[2].split()[1] == "96x72"
    assert lines[2].endswith("photos/shot.jpg")
    trip = listed("--in", photos / "trip", "--paths-only")
    assert (trip.stdout.splitlines(), trip.stderr) == (
        [str(photos / "trip" / name) for name in ("2023.png", "2021.png")],
        "",
    )
    assert listed("--in", photos / "trip", "-0", "--top", 1).stdout == f"{photos / 'trip' / '2023.png'}\0"
    (photos / "shot.jpg").unlink()
    header, shot, footer = records(listed("--camera", "ipad", "--json"))
    assert header["command"] == "query"
    assert (shot["path"], shot["day"], shot["camera"]) == (
        str(photos / "shot.jpg"),
        "2021-07-03",
        "Apple iPad",
    )
    assert (shot["missing"], footer) == (True, {"type": "footer", "photos": 1})
    assert listed("--camera", "ipad").stdout.endswith("photos/shot.jpg  (gone)\n")
    nothing = listed("--before", "1999")
    assert (nothing.exit_code, nothing.stdout) == (1, "")
    assert nothing.stderr == "No photo of the library passes the filters.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--radius", "3"], "--radius needs a photo or words to search for."),
        (["--by", "copy"], "--by needs a photo or words to search for."),
        (["--pictures"], "--pictures needs a photo or words to search for."),
        (["--html", "hits.html"], "--html needs a photo or words to search for."),
        (["--not", "sky"], "There is nothing to search for."),
        (["--top", "0"], "--top is 0."),
    ],
)
def test_a_list_takes_nothing_that_compares(ask: Vtsfind, arguments: list[str], said: str) -> None:
    result = ask("--after", "2000", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_what_vtsfind_removed_is_no_answer_and_what_a_person_removed_is_said_to_be_gone(
    tmp_path: Path, run: Vtsfind
) -> None:
    photos, plan = tmp_path / "photos", tmp_path / "plan.json"
    for name, number in (("a.jpg", 1), ("copy of a.jpg", 1), ("b.jpg", 2)):
        write(photos / name, scene(number))
    assert run("index", photos).exit_code == 0
    assert run("plan", "-o", plan).exit_code == 0
    assert run("apply", plan, "--yes").exit_code == 0
    (photos / "b.jpg").unlink()
    hits = records(run("query", photos / "a.jpg", "--json"), "hit")
    assert [(Path(hit["path"]).name, hit["missing"]) for hit in hits] == [("a.jpg", False), ("b.jpg", True)]


def test_a_limited_answer_is_as_long_as_asked_for_though_nearer_photos_were_removed(
    tmp_path: Path, run: Vtsfind
) -> None:
    photos, plan = tmp_path / "photos", tmp_path / "plan.json"
    whole = scene(1, 240, 180)
    write(photos / "a.jpg", whole)
    for number in range(5):
        write(
            photos / f"saved again {number}.jpg",
            whole.resize((whole.width * 2 // 3 - number, whole.height * 2 // 3)),
            quality=60,
        )
    for number in range(2, 6):
        write(photos / f"other {number}.jpg", scene(number, 240, 180))
    assert run("index", photos).exit_code == 0
    assert run("plan", "-o", plan).exit_code == 0
    assert run("apply", plan, "--yes").exit_code == 0
    left = sorted(photos.iterdir())
    assert len(left) < 10
    asked = run("query", photos / "a.jpg", "--top", 4, "--json")
    hits = records(asked, "hit")
    assert len(hits) == 4, (left, asked.stderr)
    assert not any(hit["missing"] for hit in hits)


def test_words_of_paths_are_found_in_either_case_of_any_script(tmp_path: Path, run: Vtsfind) -> None:
    write(tmp_path / "photos" / "Übung" / "Fluß.jpg", scene(1))
    assert run("index", tmp_path / "photos").exit_code == 0
    with open_library(Settings()) as index:
        for where in (Where(words=("übung",)), Where(words=("ÜBUNG",)), Where(path_words=("FLUß",))):
            assert [
                passing(where, index)(record) for _, records in index.contents() for record in records
            ] == [True]


@pytest.fixture
def by_cameras(tmp_path: Path, run: Vtsfind) -> Path:
    """A library of photos by three cameras, and one that names none."""
    cameras = {"a": ("Canon", "Canon EOS 5D"), "b": ("Apple", "iPhone 13"), "c": ("Apple", "iPad"), "d": None}
    for number, (name, camera) in enumerate(cameras.items()):
        write(tmp_path / "photos" / f"{name}.jpg", scene(number), exif=exif(camera=camera))
    assert run("index", tmp_path / "photos", "--library", tmp_path / "library").exit_code == 0
    return tmp_path / "library"


def test_only_photos_by_some_cameras_are_looked_through(by_cameras: Path, run: Vtsfind) -> None:
    photo = by_cameras.parent / "photos" / "d.jpg"

    def found(*arguments: object) -> dict[str, str | None]:
        result = run("query", photo, "--library", by_cameras, "--json", *arguments)
        return {Path(hit["path"]).stem: hit["camera"] for hit in records(result, "hit")}

    everything = {"a": "Canon EOS 5D", "b": "Apple iPhone 13", "c": "Apple iPad", "d": None}
    assert found() == everything
    assert found("--camera", "IPHONE") == {"b": "Apple iPhone 13"}
    assert set(found("--camera", "apple", "--camera", "5d")) == {"a", "b", "c"}
    assert set(found("--camera", "apple", "--in", by_cameras.parent / "photos", "--top", 1)) in ({"b"}, {"c"})


def test_a_camera_that_no_photo_has_is_answered_with_those_there_are(by_cameras: Path, run: Vtsfind) -> None:
    photo = by_cameras.parent / "photos" / "d.jpg"
    result = run("query", photo, "--library", by_cameras, "--camera", "Cannon")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "The library has no photo by a camera 'Cannon'." in result.stderr
    assert "Use one of: Canon EOS 5D, ..." in result.stderr
    result = run("query", photo, "--library", by_cameras, "--camera", "Leica M6")
    assert "Use one of: Apple iPad, Apple iPhone 13, Canon EOS 5D." in result.stderr
    assert run("query", photo, "--library", by_cameras, "--camera", "").exit_code == 2


def test_photos_whose_camera_nobody_looked_for_are_told_of(by_cameras: Path, run: Vtsfind) -> None:
    photo = by_cameras.parent / "photos" / "d.jpg"
    with Index.open(by_cameras, write=True) as index:
        forget_cameras(index, b"a.jpg", b"c.jpg")
    result = run("query", photo, "--library", by_cameras, "--camera", "iphone", "--paths-only")
    assert (result.exit_code, Path(result.stdout.strip()).name) == (0, "b.jpg")
    assert "Left out 2 photos whose camera is not known yet; `vtsfind index` looks for it." in result.stderr
    result = run("query", photo, "--library", by_cameras, "--camera", "canon")
    assert result.exit_code == 2
    assert "The cameras of 2 photos are not known yet: run `vtsfind index`." in result.stderr
    result = run("index", "--library", by_cameras)
    assert "Read the cameras of 2 photos" in result.stderr
    assert run("query", photo, "--library", by_cameras, "--camera", "canon").exit_code == 0


def forget_cameras(index: Index, *names: bytes) -> None:
    for content, files in index.contents():
        if os.path.basename(files[0].path) in names:
            facts = (files[0].stamp.size, *astuple(files[0].info))
            codes = index.codes_of_digest(files[0].digest)
            assert codes
            crc = row_crc(
                VERSION, files[0].digest, join_codes(index.signature.heads, codes), (*facts[:-1], None)
            )
            index.database.connection.execute(
                "UPDATE contents SET camera = NULL, crc = ? WHERE id = ?", (crc, content)
            )
