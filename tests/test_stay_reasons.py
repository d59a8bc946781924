"""Why a file stays though another one of its group is kept: rule by rule."""

from dataclasses import replace
from typing import Any

import pytest
from support.made_groups import words_of

from vtsfind.act.edit_kind import kind_label
from vtsfind.act.keep_rules import KeepCandidate
from vtsfind.act.removal import stay_reason, stay_reasons
from vtsfind.base.contents import PALETTE, Contents, Item, ItemKind
from vtsfind.base.groups import COPIES, Box, Evidence, Member, Photo, StayKind, StayReason, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp

PLAIN = Contents()
FEW_COLOURS = Contents(colours=PALETTE)
TIME, NOTE = Item(ItemKind.TIME, "2024-05-01 12:00:00"), Item(ItemKind.MAKER_NOTE, "1")
SHOT: dict[str, Any] = {"camera": "Maker Model", "contents": Contents(items=(TIME, NOTE))}


def file(
    number: int, width: int = 400, height: int = 300, kind: str = "JPEG", **details: Any
) -> KeepCandidate:
    given: dict[str, Any] = {"contents": PLAIN, "enlarged": 0.0} | details
    known = Details(**given)
    info = PictureInfo(width, height, taken="2024-05-01 12:00:00", format=kind)
    return KeepCandidate(Photo(b"/%d" % number, Stamp(number, 1, 1), bytes([number]) * 32, info), known)


def member(each: KeepCandidate, verdict: Verdict | None, **evidence: Any) -> Member:
    return Member(each.photo, verdict, Evidence(**evidence), "", each.details)


def words_for(*given: Any) -> str:
    """What `stay_reason` says; empty for a file that may go."""
    return words_of(stay_reason(*given))


def words_in_group(*given: Any, **options: Any) -> dict[int, str]:
    """What `stay_reasons` says; empty for files that may go."""
    return {place: words_of(reason) for place, reason in stay_reasons(*given, **options).items()}


@pytest.mark.parametrize("verdict", [Verdict.RESAVE, Verdict.TURNED, Verdict.PIXELS])
def test_a_copy_that_shows_the_same_and_has_nothing_of_its_own_may_go(verdict: Verdict) -> None:
    assert words_for(file(1), file(2), verdict) == ""


def test_an_edit_stays_unless_a_person_asked_for_edits() -> None:
    assert words_for(file(1), file(2), Verdict.EDIT)
    assert words_for(file(1), file(2), Verdict.EDIT, {Verdict.EDIT}) == ""


def test_a_reason_calls_the_other_file_as_it_is_called() -> None:
    other = replace(file(1, width=800, enlarged=0.5), called="that one")
    assert words_for(other, file(2), Verdict.RESAVE) == "that one is larger, but may be an enlargement of it"


@pytest.mark.parametrize("verdict", [Verdict.BURST, Verdict.SIMILAR])
def test_what_shows_another_picture_stays_even_if_a_person_asked_for_its_kind(verdict: Verdict) -> None:
    assert words_for(file(1), file(2), verdict)
    assert words_for(file(1), file(2), verdict, {verdict})


def test_the_same_bytes_may_go_whatever_is_known_of_them() -> None:
    assert words_for(file(1, contents=None), file(1, contents=None), Verdict.BYTES) == ""


@pytest.mark.parametrize(("kept", "going"), [(None, PLAIN), (PLAIN, None)])
def test_a_file_stays_if_the_contents_of_one_are_not_known(
    kept: Contents | None, going: Contents | None
) -> None:
    said = words_for(file(1, contents=kept), file(2, contents=going), Verdict.PIXELS)
    assert said == "what is in it could not be read"


@pytest.mark.parametrize(
    ("kept", "going", "word"),
    [
        (Contents(), Contents(items=(TIME,)), "time of the shot 2024-05-01 12:00:00"),
        (Contents(), Contents(frames=2), "2 pictures"),
        (Contents(), Contents(frames=12, animated=True), "12 frames"),
        (Contents(), Contents(bits=16), "16 bits a channel"),
        (Contents(), Contents(bits=9), "9 bits a channel"),
        (Contents(), Contents(transparent=True), "transparency of its own"),
        (Contents(transparent=True), Contents(), "an opaque ground"),
        (Contents(), Contents(profile="Display P3"), "the colour profile Display P3"),
        (Contents(), Contents(colours="CMYK"), "CMYK colours"),
        (Contents(colours="CMYK"), Contents(colours="CIELAB"), "CIELAB colours"),
    ],
)
def test_a_file_stays_for_what_the_kept_one_lacks(kept: Contents, going: Contents, word: str) -> None:
    found = stay_reason(file(1, contents=kept), file(2, contents=going), Verdict.RESAVE)
    assert found == StayReason(f"has {word}, which the kept one lacks", StayKind.HAS_MORE)


@pytest.mark.parametrize(
    ("kept", "going"),
    [
        (Contents(items=(TIME, NOTE)), Contents(items=(TIME,))),
        (Contents(colours="CMYK"), Contents(colours="CMYK")),
        (Contents(profile="Display P3"), Contents(profile="Display P3")),
        (Contents(profile="Display P3"), Contents()),
        (Contents(), Contents(bits=8, colours="grey")),
    ],
)
def test_what_the_kept_one_has_too_is_no_reason(kept: Contents, going: Contents) -> None:
    assert words_for(file(1, contents=kept), file(2, contents=going), Verdict.RESAVE) == ""


def test_of_files_with_the_same_pixels_frames_bits_and_transparency_are_the_same() -> None:
    going = Contents(frames=2, bits=16, transparent=True)
    assert words_for(file(1), file(2, contents=going), Verdict.PIXELS) == ""


@pytest.mark.parametrize(
    ("width", "enlarged", "stays"),
    [
        (360, 0.0, False),
        (401, 0.0, True),
        (800, 0.0, True),
        (430, 0.95, False),
        (480, 0.95, True),
        (800, 0.95, True),
    ],
)
def test_a_larger_file_stays_though_it_may_be_an_enlargement(
    width: int, enlarged: float, *, stays: bool
) -> None:
    assert bool(words_for(file(1), file(2, width=width, enlarged=enlarged), Verdict.RESAVE)) is stays


@pytest.mark.parametrize(
    ("width", "enlarged", "stays"),
    [
        (430, 0.5, False),  # as good as equally large
        (480, 0.5, True),
        (800, 0.5, True),
        (800, 0.2, True),
        (800, 0.15, False),
        (800, 0.1, False),
        (800, None, True),
    ],
)
def test_a_smaller_file_goes_only_if_the_larger_one_is_no_enlargement(
    width: int, enlarged: float | None, *, stays: bool
) -> None:
    kept = file(1, width=width, enlarged=enlarged)
    assert bool(words_for(kept, file(2), Verdict.RESAVE)) is stays


def test_a_better_compressed_file_stays_and_a_worse_one_goes() -> None:
    good, bad = file(1, quality=95), file(2, quality=60)
    assert words_for(good, bad, Verdict.RESAVE) == ""
    assert stay_reason(bad, good, Verdict.RESAVE) == StayReason(
        "is the better copy: JPEG quality 95 beats 60", StayKind.BETTER
    )
    assert words_for(bad, good, Verdict.PIXELS) == ""


@pytest.mark.parametrize("verdict", [Verdict.RESAVE, Verdict.TURNED])
@pytest.mark.parametrize(
    ("kept", "going", "doubt"),
    [
        ({"width": 800, "enlarged": 0.5}, {}, "the kept one is larger, but may be an enlargement of it"),
        (
            {},
            {"kind": "WEBP"},
            (
                "is WebP and the kept one JPEG, and neither file tells which was saved from the other:"
                " compare the two, then keep one or both"
            ),
        ),
        ({"quality": 60}, {"quality": 95}, "is the better copy: JPEG quality 95 beats 60"),
    ],
)
def test_a_doubt_keeps_a_copy_though_its_kind_was_asked_for(
    kept: dict[str, Any], going: dict[str, Any], doubt: str, verdict: Verdict
) -> None:
    assert words_for(file(1, **kept), file(2, **going), verdict, COPIES) == doubt


def test_a_better_file_of_a_damaged_photo_is_said_to_be_damaged() -> None:
    found = stay_reason(file(1, quality=60), file(2, quality=95, damage="a grey area"), Verdict.RESAVE)
    assert words_of(found).startswith("is damaged, but the better copy")
    assert found is not None
    assert found.kind is StayKind.OTHER


def test_a_file_of_more_pixels_is_not_called_better_for_its_format() -> None:
    kept = file(1, width=800, quality=60)
    assert words_for(kept, file(2, quality=95), Verdict.RESAVE) == ""


def test_the_shot_itself_is_kept_for_whatever_was_made_of_it() -> None:
    shot = file(1, **SHOT, quality=60)
    assert words_for(shot, file(2, kind="PNG", quality=None, lossless=True), Verdict.RESAVE) == ""
    assert words_for(file(1, quality=60), file(2, kind="PNG", lossless=True), Verdict.RESAVE)
    assert words_for(shot, file(2, width=800), Verdict.RESAVE)


def test_of_two_files_as_a_camera_wrote_them_neither_goes_if_their_formats_differ() -> None:
    jpeg, heif = file(1, kind="HEIF", **SHOT), file(2, **SHOT)
    assert words_for(jpeg, heif, Verdict.RESAVE) == (
        "is JPEG and the kept one HEIF with the camera's own notes, too, so either may be what it wrote:"
        " compare the two, then keep one or both"
    )
    assert words_for(file(1, **SHOT), file(2, **SHOT), Verdict.RESAVE) == ""
    sized: dict[str, Any] = {
        "camera": "Maker Model",
        "exif_size": (400, 300),
        "contents": Contents(items=(TIME,)),
    }
    assert words_for(file(1, kind="HEIF", **sized), file(2, **sized), Verdict.RESAVE) == ""


@pytest.mark.parametrize(
    ("kept", "going", "stays"),
    [
        ({}, {"kind": "WEBP"}, True),
        ({"kind": "PNG", "lossless": True}, {"kind": "WEBP"}, False),
        (
            {"kind": "PNG", "lossless": True, "contents": FEW_COLOURS},
            {"kind": "GIF", "contents": FEW_COLOURS},
            True,
        ),
        ({}, {}, False),
        ({"width": 800}, {"kind": "WEBP"}, False),
    ],
)
def test_of_two_lossy_files_of_one_size_and_different_formats_none_goes(
    kept: dict[str, Any], going: dict[str, Any], *, stays: bool
) -> None:
    said = words_for(file(1, **kept), file(2, **going), Verdict.RESAVE)
    assert ("neither file tells which was saved from the other" in said) is stays


def test_a_copy_with_traces_of_a_jpeg_is_not_said_to_tell_nothing_of_its_source() -> None:
    kept = file(1, quality=90)
    webp = file(2, kind="WEBP", quality=None, earlier_quality=88)
    assert words_for(kept, webp, Verdict.RESAVE).startswith(
        "is WebP made from a JPEG, but not certainly from the kept one: compare"
    )


@pytest.mark.parametrize(
    ("kept", "going", "stays"),
    [
        ({"width": 800, "enlarged": 0.5}, {}, False),
        ({}, {"kind": "WEBP"}, False),
        ({"width": 800, "enlarged": 0.5}, {"camera": "Maker Model"}, True),
        ({"width": 800, "enlarged": 0.95}, {}, True),
        ({"enlarged": 0.95}, {"enlarged": 0.5}, False),
        ({"enlarged": 0.95}, {"kind": "WEBP", "enlarged": 0.5}, False),
        ({"enlarged": 0.95}, {}, True),
        ({"enlarged": 0.95}, {"kind": "WEBP"}, True),
        ({}, {"width": 800}, True),
    ],
)
def test_a_copy_that_names_no_camera_goes_for_one_that_does_and_is_as_large(
    kept: dict[str, Any], going: dict[str, Any], *, stays: bool
) -> None:
    copy = file(2, **going)
    undated = replace(copy.photo, info=replace(copy.photo.info, taken=""))
    kept_one = file(1, camera="Maker Model", **kept)
    assert bool(words_for(kept_one, replace(copy, photo=undated), Verdict.RESAVE)) is stays


def test_a_photo_stays_for_a_screenshot_of_it() -> None:
    screen, photo = file(1, screenshot=True), file(2)
    asked = {Verdict.EDIT}
    assert words_for(screen, photo, Verdict.EDIT, asked) == "the kept one is a screenshot of it"
    assert words_for(photo, screen, Verdict.EDIT, asked) == ""
    assert words_for(screen, file(2, screenshot=True), Verdict.EDIT, asked) == ""
    assert "screenshot of it" not in words_for(screen, photo, Verdict.RESAVE)


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        ("", "a part of it differs from the kept one, which is a screenshot"),
        ("Maker Model", "the kept one is a screenshot of it"),
    ],
)
def test_what_shows_all_of_a_screenshot_is_a_copy_of_it_unless_a_camera_wrote_it(
    camera: str, words: str
) -> None:
    screen = member(file(1, 1080, 1920, screenshot=True), None)
    made = file(2, 432, 768, camera=camera)
    undated = replace(made.photo, info=replace(made.photo.info, taken=""))
    copy = member(replace(made, photo=undated), Verdict.EDIT, agreement=1.0)
    for asked in (set(), {Verdict.EDIT}):
        (found,) = stay_reasons([screen, copy], asked=asked).values()
        assert words_of(found) == words
    assert kind_label(copy, screen) == ("its photo" if camera else "edited")


@pytest.mark.parametrize(("width", "stays"), [(400, True), (1080, False), (1040, False)])
def test_a_screenshot_that_shows_the_kept_photo_larger_stays_though_edits_were_asked_for(
    width: int, *, stays: bool
) -> None:
    photo = member(file(1, width, width * 3 // 4), None)
    box = Box(0.0, 0.3, 1.0, 0.675)
    screen = member(file(2, 1080, 2160, screenshot=True), Verdict.EDIT, box=box, boxed=1)
    for asked in (set(), {Verdict.EDIT}):
        (found,) = stay_reasons([photo, screen], asked=asked).values()
        assert (found is not None and found.kind is StayKind.IN_DOUBT) is stays
    back = replace(photo, verdict=Verdict.EDIT, evidence=replace(screen.evidence, boxed=0))
    led = [replace(screen, verdict=None, evidence=Evidence()), back]
    assert bool(words_in_group(led, keeper=1, asked={Verdict.EDIT})[0]) is stays
    plain = replace(screen, details=replace(screen.details or Details(), screenshot=False))
    assert words_in_group([photo, plain], asked={Verdict.EDIT}) == {1: ""}


def test_a_damaged_file_is_not_kept_for_an_intact_one() -> None:
    assert words_for(file(1, damage="a grey area"), file(2), Verdict.RESAVE)


# ------------------------------------------------------------------------------------------- in a group


def test_members_go_for_the_keeper_that_they_were_compared_with() -> None:
    first, second, third = (
        member(file(n), v) for n, v in ((1, None), (2, Verdict.RESAVE), (3, Verdict.EDIT))
    )
    said = words_in_group([first, second, third])
    assert said == {1: "", 2: "an edited version, which may be wanted as well"}


def test_a_member_of_which_no_details_are_known_stays() -> None:
    unknown = Member(file(2).photo, Verdict.RESAVE, Evidence(), "", None)
    assert words_in_group([member(file(1), None), unknown]) == {1: "what is in it could not be read"}


def test_with_another_keeper_what_is_not_the_same_as_the_first_was_compared_with_nothing() -> None:
    members = [
        member(file(n), v) for n, v in ((1, None), (2, Verdict.EDIT), (3, Verdict.RESAVE), (4, Verdict.EDIT))
    ]
    assert words_in_group(members, keeper=2) == {
        0: "",
        1: "was not compared with the kept one",
        3: "was not compared with the kept one",
    }
    assert words_in_group(members, keeper=1)[0] == "an edited version, which may be wanted as well"
    assert words_in_group(members, keeper=1)[3] == "was not compared with the kept one"


def test_a_member_that_was_recognised_in_another_version_only_stays_though_it_is_asked_for() -> None:
    members = [member(file(1), None), member(file(2), Verdict.EDIT, indirect=True)]
    assert words_in_group(members, asked={Verdict.EDIT}) == {
        1: "is a copy of another photo of the group, not certainly of the kept one"
    }


def test_a_second_file_of_a_content_that_stays_may_go_for_the_first() -> None:
    members = [member(file(1), None), *(member(file(2), Verdict.EDIT) for _ in range(2))]
    assert words_in_group(members) == {1: "an edited version, which may be wanted as well", 2: ""}


def test_a_photo_stays_if_its_sidecars_would_be_left_alone() -> None:
    members = [member(file(1), None), *(member(file(2), Verdict.RESAVE) for _ in range(2))]
    asked = []

    def problem(photo: Photo, kept: Photo) -> str:
        asked.append((photo.path, kept.path))
        return "its sidecar would be left"

    assert stay_reasons(members, sidecar_problem=problem) == dict.fromkeys(
        (1, 2), StayReason("its sidecar would be left", StayKind.HAS_MORE)
    )
    assert asked == [(b"/2", b"/1"), (b"/2", b"/2")]
