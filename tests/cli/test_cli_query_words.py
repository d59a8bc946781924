"""`vtsfind query` by words, as a user and a script meet it."""

import os
import re
from pathlib import Path

import pytest
from support import block_encoder, word_tables
from support.output import Vtsfind, records
from typer.testing import Result


@pytest.fixture
def folder(run: Vtsfind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library with two photos that are bright at the top and two that are bright at the bottom."""
    word_tables.install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    word_tables.album(tmp_path / "photos")
    assert run("index", tmp_path / "photos").exit_code == 0
    return tmp_path / "photos"


@pytest.fixture
def find(run: Vtsfind, folder: Path) -> Vtsfind:
    """Query this library."""
    assert folder.is_dir()

    def find(*arguments: object, standard_input: bytes | None = None) -> Result:
        return run("query", *arguments, standard_input=standard_input)

    return find


def names(result: Result) -> list[str]:
    """The files of the hits, in their order."""
    return [os.path.basename(hit["path"]) for hit in records(result, "hit")]


def test_words_find_what_shows_it(find: Vtsfind) -> None:
    result = find("Sky!", "--json")
    assert result.exit_code == 0
    header, first, *_ = records(result)
    assert (header["by"], header["bits"]) == ("words", 64)
    assert (first["query"], first["text"], first["not"], first["rank"]) == ("Sky!", "Sky!", None, 1)
    assert set(names(result)[:2]) == {"blue.png", "haze.png"}
    assert set(names(find("--text", "snow", "--json"))[:2]) == {"field.png", "slope.png"}


def test_every_output_takes_words(find: Vtsfind, folder: Path, tmp_path: Path) -> None:
    assert find("sky", "--paths-only", "--top", 1).stdout.strip().startswith(str(folder / "day"))
    assert re.search(r"^ *1 .*\d+/64 .*96x96", find("sky").stdout)
    assert "These fit the words best, whether or not they show it." in find("sky").stderr
    assert "fit the words" not in find(folder / "day" / "blue.png").stderr
    text = find("--text", "sky", "--text", "snow", "--top", 1).stdout
    assert "sky:\n" in text
    assert "snow:\n" in text
    assert find("sky", "--not", "snow", "--html", tmp_path / "page.html").exit_code == 0
    assert "<h2>sky, not snow: 4 photos</h2>" in (tmp_path / "page.html").read_text()


def test_several_texts_get_an_answer_each_which_names_its_words(find: Vtsfind) -> None:
    hits = records(find("sky", "--text", "snow", "--json", "--top", 1), "hit")
    assert [hit["query"] for hit in hits] == ["sky", "snow"]


def test_words_without_quotation_marks_are_one_text(find: Vtsfind) -> None:
    together = records(find("photo", "sky", "--json"), "hit")
    assert {hit["query"] for hit in together} == {"photo sky"}
    assert [hit["path"] for hit in together] == [
        hit["path"] for hit in records(find("sky photo", "--json"), "hit")
    ]


def test_a_file_of_that_name_is_a_photo_unless_text_is_asked_for(find: Vtsfind, tmp_path: Path) -> None:
    word_tables.bright(tmp_path / "sky.png", 20, 240).rename(tmp_path / "sky")
    assert set(names(find("sky", "--json"))[:2]) == {"field.png", "slope.png"}
    assert set(names(find("--text", "sky", "--json"))[:2]) == {"blue.png", "haze.png"}


@pytest.mark.parametrize("name", ["sky.jpg", "./sky", "day/sky", "sky.HEIC"])
def test_what_looks_like_a_path_stays_a_missing_file(find: Vtsfind, name: str) -> None:
    result = find(name)
    assert result.exit_code == 3
    assert "does not exist" in result.stderr


def test_a_photo_and_words_are_mixed_whether_the_library_has_it_or_not(
    find: Vtsfind, folder: Path, tmp_path: Path
) -> None:
    new = word_tables.bright(tmp_path / "new.png", 30, 200)
    for photo in (folder / "night" / "field.png", new):
        plain = records(find(photo, "--by", "words", "--json"), "hit")
        mixed = records(find(photo, "--text", "sky", "--json"), "hit")
        assert (mixed[0]["query"], mixed[0]["text"]) == (str(photo), "sky")
        far = {os.path.basename(hit["path"]): hit["distance"] for hit in plain}
        near = {os.path.basename(hit["path"]): hit["distance"] for hit in mixed}
        assert near["blue.png"] < far["blue.png"]
    skipped = names(find(folder / "night" / "field.png", "--text", "snow", "--skip-self", "--json"))
    assert "field.png" not in skipped
    assert len(skipped) == 3


def test_what_is_not_wanted_comes_last(find: Vtsfind, folder: Path) -> None:
    assert set(names(find("photo", "--not", "snow", "--json"))[:2]) == {"blue.png", "haze.png"}
    assert set(names(find(folder / "day" / "blue.png", "--not", "sky", "--json"))) >= {"field.png"}


def test_filters_and_limits_hold_for_words(find: Vtsfind, folder: Path) -> None:
    assert set(names(find("sky", "--in", folder / "night", "--json"))) == {"field.png", "slope.png"}
    assert find("sky", "--before", "1990").exit_code == 1
    assert len(names(find("sky", "--top", 3, "--json"))) == 3
    assert len(names(find("sky", "--radius", 20, "--json"))) == 2


def test_words_that_are_not_known_are_named(find: Vtsfind) -> None:
    result = find("xyzzy sky", "--json")
    assert result.exit_code == 0
    assert "Not known, and left out: xyzzy." in result.stderr
    assert set(names(result)[:2]) == {"blue.png", "haze.png"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["xyzzy"], "No word of 'xyzzy' is known."),
        (
            ["2023-10"],
            "'2023-10' is a date, and words say what a photo shows.\n  Say `vtsfind query --on 2023-10`.",
        ),
        (
            ["sky on:2021-01", "camera:nikon"],
            "'on:2021-01 camera:nikon' chooses photos on the search screen only.\n  Use --in, --on, --after,",
        ),
        (["--text", ""], "The text has no word."),
        (["--text", "\x1b\x07 ..."], "The text has no word."),
        (["sky", "--not", "..."], "--not has no word."),
        (["sky " * 300], "The text has 1,200 characters."),
        (["sky", "--by", "scene"], "Words are not compared by the codes 'scene'."),
        (["--not", "sky"], "There is nothing to search for."),
        ([], "There is nothing to search for."),
    ],
)
def test_a_text_that_cannot_be_searched_for_is_refused(
    find: Vtsfind, arguments: list[str], said: str
) -> None:
    result = find(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_library_without_codes_for_words_says_how_to_get_them(run: Vtsfind, photos: Path) -> None:
    assert run("index", photos).exit_code == 0
    result = run("query", "a dog on the beach")
    assert result.exit_code == 2
    assert f"has no codes for words: its model is '{block_encoder.NAME}'" in result.stderr
    assert "vtsfind index --upgrade" in result.stderr
