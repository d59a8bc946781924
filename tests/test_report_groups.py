"""Groups of duplicates as text: readable for three and for thirty thousand, and for one of fifty thousand photos."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from support.made_groups import group, many, photo

from vtsfind.base.groups import Box, Evidence, Group, Member, Verdict
from vtsfind.base.records import Failure, Head, Reason
from vtsfind.engine.duplicates.results import DedupStats, Duplicates
from vtsfind.report.groups import summarize_duplicates, write_csv, write_groups, write_paths
from vtsfind.report.streams import Notes, Output


def found(groups: Sequence[Group], **more: object) -> Duplicates:
    facts = {"verified": True, "stats": DedupStats(photos=1000), **more}
    return Duplicates(Path("/library"), "model", Head("copy", 256), 90, 90, groups=tuple(groups), **facts)  # type: ignore[arg-type]


def text_of(groups: Sequence[Group], capsys: pytest.CaptureFixture[str], **more: object) -> list[str]:
    write_groups(Output(), found(groups, **more))
    return capsys.readouterr().out.splitlines()


def pair(number: int, verdict: Verdict = Verdict.RESAVE) -> Group:
    photos = [photo(b"/%d/a.jpg" % number, 8_500_000), photo(b"/%d/smaller.jpg" % number, 4_300_000)]
    return group(number, photos, verdict)


def test_a_photo_is_no_crop_of_the_screenshot_that_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    shown = group(1, [photo(b"/Screenshot_1.png"), photo(b"/a.jpg")], Verdict.EDIT)
    seen = replace(shown.members[1].evidence, box=Box(0.0, 0.2, 1.0, 0.87), boxed=0)
    members = (shown.members[0], replace(shown.members[1], evidence=seen))
    text = "\n".join(text_of([replace(shown, members=members)], capsys))
    assert "what the screenshot shows; stays" in text
    assert "crop" not in text


def test_three_groups_are_a_line_each_and_two_lines_a_photo(capsys: pytest.CaptureFixture[str]) -> None:
    groups = [pair(1), pair(2, Verdict.EDIT), pair(3, Verdict.BYTES)]
    assert text_of(groups, capsys) == [
        "Group 1: 2 photos, frees 4.3 MB",
        "  keep                 /1/a.jpg",
        "                       4000x3000, 8.5 MB; kept: the most pixels",
        "  saved again          /1/smaller.jpg",
        "                       4000x3000, 4.3 MB; may go: fewer pixels",
        "",
        "Group 2: 2 photos, all kept",
        "  keep                 /2/a.jpg",
        "                       4000x3000, 8.5 MB; kept: the most pixels",
        "  edited               /2/smaller.jpg",
        "                       4000x3000, 4.3 MB; stays: an edited version, which may be wanted as well",
        "",
        "Group 3: 2 photos, frees 4.3 MB",
        "  keep                 /3/a.jpg",
        "                       4000x3000, 8.5 MB; kept: the most pixels",
        "  exact copy           /3/smaller.jpg",
        "                       4000x3000, 4.3 MB; may go: fewer pixels",
    ]


def test_thirty_thousand_groups_are_all_there_and_summed_up_in_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    burst = group(30_000, [photo(b"/photos/%d.jpg" % n) for n in range(3)], Verdict.BURST)
    groups = [*many(29_999), burst]
    lines = text_of(groups, capsys)
    assert sum(line.startswith("Group ") for line in lines) == 30_000
    assert len(lines) == sum(2 * len(each.members) + 2 for each in groups) - 1
    summarize_duplicates(Notes(), found(groups))
    summary, *kept = capsys.readouterr().err.splitlines()
    assert summary.startswith("30,000 groups among 1,000 photos: ")
    assert [line.split("; ")[0].split()[2:] for line in kept] == [["edited", "photos"], ["other", "shots"]]


def test_of_many_copies_of_one_kind_the_first_stand_for_all_and_the_rest_is_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    large = group(1, [photo(b"/%05d.jpg" % number) for number in range(50_000)], Verdict.BYTES)
    edit = Member(photo(b"/z.jpg"), Verdict.EDIT, Evidence(), "a crop", stay_reason=None)
    lines = text_of([replace(large, members=(*large.members, edit))], capsys)
    assert lines[0].startswith("Group 1: 50,001 photos, ")
    assert len(lines) == 1 + 2 * 13 + 1 + 2
    assert [line.split(maxsplit=1) for line in lines[-3:]] == [
        ["exact", "copy  and 49,987 more; --csv and --json list all"],
        ["edited", "/z.jpg"],
        ["4000x3000,", "1.0 kB; may go: a crop"],
    ]


def test_reasons_are_wrapped_below_their_path_and_paths_are_left_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Output, "width", 60)
    long = replace(pair(1), members=tuple(replace(one, reason="as good " * 9) for one in pair(1).members))
    _, *lines = text_of([long], capsys)
    assert max(map(len, lines)) <= 60
    path, *facts = lines[: len(lines) // 2]
    assert path.split() == ["keep", "/1/a.jpg"]
    assert {len(line) - len(line.lstrip()) for line in facts} == {23}
    assert " ".join(line.strip() for line in facts).endswith("as good as good")


@pytest.mark.parametrize(
    ("roots", "path"),
    [((b"/1",), "a.jpg"), ((b"/1", b"/2"), "/1/a.jpg"), ((b"/elsewhere",), "/1/a.jpg")],
)
def test_paths_of_one_folder_are_below_it(
    capsys: pytest.CaptureFixture[str], roots: tuple[bytes, ...], path: str
) -> None:
    write_groups(Output(), replace(found([pair(1)]), roots=roots))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-4].split() == ["keep", path]
    assert (len(roots) == 1) == lines[0].startswith("Paths are below")


def test_nothing_is_left_out_for_the_sake_of_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = text_of([group(1, [photo(b"/%02d.jpg" % number) for number in range(14)])], capsys)
    assert len(lines) == 1 + 2 * 14
    assert not any("more" in line for line in lines)


def test_paths_and_csv_leave_nothing_out(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    large = found([group(1, [photo(b"/%05d\xff.jpg" % number) for number in range(2000)])])
    write_paths(Output(), large, end=b"\0")
    Output().flush()
    assert capfdbinary.readouterr().out.split(b"\0") == [
        *(b"/%05d\xff.jpg" % n for n in range(1, 2000)),
        b"",
    ]
    write_csv(Output(), large)
    Output().flush()
    assert capfdbinary.readouterr().out.count(b"\n") == 2001


def test_ties_are_told_apart_by_what_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    paths, crop = (replace(pair(number), tied=True) for number in (1, 2))
    crop = replace(crop, doubt="a crop, or a collage")
    lines = text_of([paths, crop], capsys)
    headings = [line for line in lines if line.startswith("Group")]
    assert [heading.rpartition("; ")[2] for heading in headings] == [
        "only the paths differ",
        "a crop, or a collage",
    ]
    summarize_duplicates(Notes(), found([paths, crop]))
    said = capsys.readouterr().err
    assert "In 1 group only the paths decide which photo to keep." in said
    assert "Check 1 group in `vtsfind browse`: it is in doubt which photo to keep" in said


def test_pairs_that_were_not_all_found_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    detailed = Notes(verbose=True)
    summarize_duplicates(detailed, found([pair(1)]))
    assert "in at most 90 bits, and 0 by local features; 0 more" in capsys.readouterr().err
    summarize_duplicates(detailed, replace(found([pair(1)]), complete=47))
    assert "in at most 90 bits (all of those within 47), and 0 by local" in capsys.readouterr().err


def test_candidates_are_never_called_duplicates(capsys: pytest.CaptureFixture[str]) -> None:
    lines = text_of([pair(1)], capsys, verified=False)
    assert lines[0] == "Group 1: 2 photos, candidates only"
    summarize_duplicates(Notes(), found([pair(1)], verified=False))
    said = capsys.readouterr().err
    assert "1 candidate " in said
    assert "Do not remove photos by this list" in said
    assert "frees" not in said


@pytest.mark.parametrize(
    ("missing", "words"),
    [(1, "skipped its 1 photo."), (3000, "skipped its 3,000 photos.")],
)
def test_a_missing_drive_is_told_in_good_english(
    capsys: pytest.CaptureFixture[str], missing: int, words: str
) -> None:
    summarize_duplicates(Notes(), found([], absent={b"/drive": missing}))
    assert f"/drive is missing or empty; {words}" in capsys.readouterr().err


def test_thousands_of_photos_that_are_gone_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    gone = tuple(Failure(b"/p/%04d.jpg" % number, Reason.VANISHED) for number in range(5000))
    summarize_duplicates(Notes(), found([], failures=gone))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("5,000 photos (0000.jpg, ...) are gone since indexing")
    assert len(lines) == 2
