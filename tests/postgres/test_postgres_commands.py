"""The commands do on a server's library what they do on an embedded one."""

import json
from pathlib import Path

import pytest
from support import drawn_photos, word_tables
from support.output import Vtsfind

from vtsfind.base.machine import host_name
from vtsfind.engine.apply.plans import parse_plan


def _records(text: str) -> list[dict[str, object]]:
    """The records of an output, but for what differs by place and time."""
    records = [json.loads(line) for line in text.splitlines()]
    return [
        {
            key: value
            for key, value in record.items()
            if key not in {"library", "host", "made", "made_by", "seconds"}
        }
        for record in records
    ]


def test_index_query_dupes_and_plan_say_the_same(
    run: Vtsfind, photos: Path, database: str, tmp_path: Path
) -> None:
    known = next(each for each in sorted(photos.rglob("*.jpg")))
    (tmp_path / "new.jpg").write_bytes(drawn_photos.encoded(drawn_photos.scene(99)))
    for command in (
        ["index", photos, "--json"],
        ["index", "--json"],
        ["query", known, "--json"],
        ["query", tmp_path / "new.jpg", "--json"],
        ["query", known, "--radius", "24", "--json"],
        ["query", known, "--in", photos, "--json"],
        ["dupes", "--json"],
        ["plan", "--json"],
        ["decisions", "list", "--json"],
        ["doctor", "--deep", "--json"],
    ):
        embedded = run(*command, "--library", tmp_path / "library")
        served = run(*command, "--library", database)
        assert (embedded.exit_code, served.exit_code) == (0, 0), (command, served.output)
        assert embedded.stdout
        assert _records(served.stdout) == _records(embedded.stdout)


def test_words_find_the_same(
    run: Vtsfind, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word_tables.install(monkeypatch)
    word_tables.album(tmp_path / "photos")
    (tmp_path / "sky.png").write_bytes((tmp_path / "photos" / "day" / "blue.png").read_bytes())
    for command in (
        ["index", tmp_path / "photos", "--json"],
        ["query", "sky", "--json"],
        ["query", "sky", "--radius", "20", "--json"],
        ["query", "--text", "photo", "--not", "snow", "--in", tmp_path / "photos", "--json"],
        ["query", tmp_path / "sky.png", "--text", "snow", "--json"],
    ):
        embedded = run(*command, "--library", tmp_path / "library")
        served = run(*command, "--library", database)
        assert (embedded.exit_code, served.exit_code) == (0, 0), (command, served.output)
        assert _records(served.stdout) == _records(embedded.stdout)


def test_a_server_without_codes_for_words_says_what_to_do(run: Vtsfind, photos: Path, database: str) -> None:
    assert run("index", photos, "--library", database).exit_code == 0
    result = run("query", "a dog", "--library", database)
    assert result.exit_code == 2
    assert "vtsfind index --upgrade" in result.stderr


def test_a_plan_is_applied_and_undone(run: Vtsfind, photos: Path, database: str, tmp_path: Path) -> None:
    before = {each: each.read_bytes() for each in photos.rglob("*") if each.is_file()}
    assert run("index", photos, "--library", database).exit_code == 0
    lines = run("plan", "--library", database, "--json").stdout_bytes
    assert parse_plan(lines, "it").host == host_name()
    assert run("plan", "--library", database, "--output", tmp_path / "plan.txt").exit_code == 0
    text = (tmp_path / "plan.txt").read_text()
    assert f"library {database}\nhost {host_name()}\n" in text
    for other in (f"host {host_name()}-2\n", ""):
        (tmp_path / "other.txt").write_text(text.replace(f"host {host_name()}\n", other))
        refused = run("apply", tmp_path / "other.txt", "--yes", "--outside")
        assert refused.exit_code == 2
        assert f"this is {host_name()}. Nothing was changed." in " ".join(refused.stderr.split())
    applied = run("apply", tmp_path / "plan.txt", "--yes")
    assert applied.exit_code == 0, applied.output
    assert len([each for each in photos.rglob("*") if each.is_file()]) < len(before)
    assert run("undo", "--yes").exit_code == 0
    assert {each: each.read_bytes() for each in photos.rglob("*") if each.is_file()} == before


def test_what_one_machine_has_compared_another_does_not_compare_again(
    run: Vtsfind, photos: Path, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("index", photos, "--library", database).exit_code == 0
    footers = []
    for machine in ("one", "one", "other"):
        monkeypatch.setenv("VTSFIND_DATA_DIR", str(tmp_path / machine))
        lines = run("dupes", "--json", "--library", database).stdout.splitlines()
        footers.append((json.loads(lines[-1]), lines[1:-1]))
    (first, groups), (again, _), (other, same) = footers
    assert first["compared"] > 0
    assert again["compared"] == 0
    assert other["compared"] == 0
    assert same == groups


def test_a_missing_library_is_explained(run: Vtsfind, database: str) -> None:
    asked = run("dupes", "--library", database)
    assert asked.exit_code == 2
    assert f"There is no library at {database}." in asked.stderr
    assert "vtsfind index FOLDER --library" in asked.stderr


def test_a_password_in_an_address_is_refused_and_never_shown(run: Vtsfind) -> None:
    for address in (
        "postgresql://ann:s3cret@nas/photos",
        "postgresql://nas/photos?password=s3cret",
        "postgres://ann:s3cret@[::1/photos",
    ):
        asked = run("dupes", "--library", address)
        assert asked.exit_code == 2
        assert "s3cret" not in asked.output
        assert "vtsfind" in asked.output


@pytest.mark.parametrize("name", ["POSTGRESQL://nas/photos", "mysql://nas/photos", "host=nas dbname=photos"])
def test_what_is_almost_an_address_makes_no_library_in_a_folder(
    run: Vtsfind, photos: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    asked = run("index", photos, "--library", name)
    assert asked.exit_code == 2
    assert "postgresql://HOST/DATABASE" in asked.stderr
    assert not list((tmp_path / "here").iterdir())


def test_files_of_a_servers_library_are_not_overwritten(run: Vtsfind, photos: Path, database: str) -> None:
    assert run("index", photos, "--library", database).exit_code == 0
    photo = next(each for each in sorted(photos.rglob("*.jpg")))
    content = photo.read_bytes()
    asked = run("plan", "--library", database, "--output", photo, "--force")
    assert asked.exit_code == 2
    assert f"is a photo of the library {database}" in asked.stderr
    assert photo.read_bytes() == content


def test_paths_names_the_address_without_asking_the_server(run: Vtsfind) -> None:
    address = "postgresql://ann@no-such-host/photos"
    lines = run("paths", "--library", address, "--json").stdout.splitlines()
    (library,) = [record for record in map(json.loads, lines) if record.get("name") == "library"]
    assert (library["path"], library["exists"]) == (address, None)
