"""Which copy is kept, and why."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.act.file_rules import is_camera_file
from vtsfind.act.keep_policy import DEFAULT_RULES, RULES, KeepCandidate, mark_recompressed, policy
from vtsfind.act.keep_rules import mark_enlarged
from vtsfind.base.contents import Contents, Item, ItemKind
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Photo
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp

SHOT = Details(camera="Maker Model", quality=95, exif_fields=40)


def candidate(
    path: bytes = b"/p/a.jpg",
    size: tuple[int, int] = (4032, 3024),
    details: Details = SHOT,
    *,
    kind: str = "JPEG",
    taken: str | None = None,
    mtime: int = 10**18,
    length: int = 10**6,
) -> KeepCandidate:
    info = PictureInfo(*size, taken=taken, format=kind)
    return KeepCandidate(Photo(path, Stamp(length, mtime, 1), b"d" * 32, info), details)


sizes = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
details = st.builds(
    Details,
    quality=st.none() | st.integers(1, 100),
    lossless=st.booleans(),
    recompressed=st.booleans(),
    earlier_quality=st.none() | st.integers(5, 92),
    detail=st.none() | st.floats(0.05, 1),
    screenshot=st.booleans(),
    exif_fields=st.integers(0, 3),
    exif_size=st.none() | st.tuples(st.integers(0, 4000), st.integers(0, 4000)),
    camera=st.sampled_from(["", "Maker Model"]),
    gps=st.booleans(),
    pixels=st.sampled_from([b"", b"1" * 32, b"2" * 32]),
)
candidates = st.builds(
    candidate,
    path=st.binary(min_size=1, max_size=3).map(b"/".__add__),
    size=sizes | st.just((640, 480)),
    details=details | st.just(SHOT),
    kind=st.sampled_from(["JPEG", "PNG", "HEIF", "RAW", "WEBP", "GIF", "", "NEW"]),
    taken=st.sampled_from([None, "2019-01-01 00:00:00", "2020-01-01 00:00:00"]),
    mtime=st.sampled_from([0, 10**18, -(2**63), 2**63]),
    length=st.integers(0, 3),
)
several = st.lists(candidates, max_size=7, unique_by=lambda each: each.photo.path)
rule_lists = st.lists(st.sampled_from(sorted(RULES)), unique=True)


@given(several, st.randoms(use_true_random=False), rule_lists | st.just(list(DEFAULT_RULES)))
def test_the_order_does_not_depend_on_the_order_of_the_input(
    photos: list[KeepCandidate], random: object, names: list[str]
) -> None:
    rules = policy(names, prefer=[b"/a", b"/"], reference=[b"/b"])
    shuffled = list(photos)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rules.ranked(shuffled) == rules.ranked(photos)


@given(several, rule_lists)
def test_of_two_different_files_one_always_wins_and_the_reason_is_in_words(
    photos: list[KeepCandidate], names: list[str]
) -> None:
    rules = policy(names)
    for better, worse in itertools.combinations(rules.ranked(photos), 2):
        assert rules.key(better) < rules.key(worse)
        assert rules.deciding_rule(better, worse) is not None
        assert rules.reason(better, worse)


@given(several)
def test_reference_files_come_before_all_others(photos: list[KeepCandidate]) -> None:
    rules = policy(reference=[b"/a", b"/b"])
    protected = [rules.protected(each.photo.path) for each in rules.ranked(photos)]
    assert protected == sorted(protected, reverse=True)


def winner(*photos: KeepCandidate, **options: object) -> KeepCandidate:
    return policy(**options).ranked(photos)[0]  # type: ignore[arg-type]


def test_more_pixels_win_and_the_reason_names_both_sizes_and_what_else_is_gained() -> None:
    large = candidate(b"/large.jpg", details=replace(SHOT, gps=True))
    small = candidate(b"/s.jpg", (2048, 1536))
    assert winner(small, large) == large
    assert policy().reason(large, small) == "4032x3024 beats 2048x1536; has GPS"


def test_what_the_kept_one_lacks_is_said() -> None:
    large, small = (
        candidate(b"/large.jpg"),
        candidate(b"/s.jpg", (2048, 1536), taken="2020-01-01 00:00:00", details=replace(SHOT, gps=True)),
    )
    assert policy().reason(large, small) == (
        "4032x3024 beats 2048x1536; without the time of the shot and GPS, which another copy has"
    )


@given(candidates, candidates)
def test_why_one_is_not_kept_is_said_of_that_one(first: KeepCandidate, second: KeepCandidate) -> None:
    kept, other = policy().ranked([first, second])
    said = policy().loss(kept, other)
    assert not said.startswith("the other")
    if kept.details.gps and not other.details.gps and kept.photo.path != other.photo.path:
        assert "GPS" in said.partition("without")[2].partition("which the kept one has")[0]


def test_both_photos_of_a_pair_have_a_reason_of_their_own() -> None:
    camera, saved = (
        candidate(b"/c.jpg", details=replace(SHOT, gps=True)),
        candidate(details=Details(quality=95)),
    )
    assert policy(["format"]).reason(camera, saved) == (
        "JPEG (with camera data) beats JPEG; has GPS and the camera's name"
    )
    assert policy(["format"]).loss(camera, saved) == (
        "the kept one is better, JPEG (with camera data) beats JPEG; without GPS and the camera's name, which the kept one has"
    )
    early, late = candidate(b"/z", taken="2019-01-01 00:00:00"), candidate(b"/a", taken="2020-01-01 00:00:00")
    assert policy().loss(early, late) == "the kept one was taken earlier, 2019-01-01 00:00:00"


@pytest.mark.parametrize("share", [0.4, 0.5, 0.6])
def test_an_enlarged_copy_does_not_win_however_its_detail_is_misjudged(share: float) -> None:
    original = candidate(b"/a/long/path/original.jpg", (2016, 1512))
    enlarged = candidate(b"/e.jpg", details=Details(detail=share, quality=98))
    assert winner(enlarged, original) == original
    assert "seems enlarged" in policy().reason(original, enlarged)


def test_an_enlarged_copy_that_kept_the_exif_data_does_not_win() -> None:
    written = replace(SHOT, exif_size=(2016, 1512))
    original = candidate(b"/a/long/path/original.jpg", (1512, 2016), details=written)
    enlarged = candidate(b"/e.jpg", (3024, 4032), details=written)
    assert winner(enlarged, original) == original
    assert "enlarged from about 1512x2016" in policy().reason(original, enlarged)


def test_saving_a_picture_again_does_not_make_it_better_by_hiding_that_it_seems_enlarged() -> None:
    first = candidate(b"/a/long/path/first.jpg", (1200, 900), Details(quality=92, enlarged=0.98))
    again = candidate(b"/again.jpg", (1200, 900), Details(quality=85, enlarged=0.81))
    marked = mark_enlarged([again, first])
    assert winner(*marked).photo == first.photo
    assert policy().reason(first, marked[0]) == "JPEG quality 92 beats 85"
    smaller = candidate(b"/the/longest/path/smaller.jpg", (800, 600), Details(quality=85, enlarged=0.01))
    assert winner(*mark_enlarged([again, first, smaller])) == smaller


@pytest.mark.parametrize(
    "details", [Details(quality=85, enlarged=0.01), replace(SHOT, quality=85, exif_size=(1200, 900))]
)
def test_a_picture_that_is_certainly_not_enlarged_beats_one_of_its_size_that_seems_enlarged(
    details: Details,
) -> None:
    through_a_smaller_one = candidate(b"/a.jpg", (1200, 900), Details(quality=92, enlarged=0.98))
    original = candidate(b"/long/original.jpg", (1200, 900), details)
    assert winner(*mark_enlarged([through_a_smaller_one, original])) == original
    assert "of the same size, seems enlarged" in policy(["pixels"]).reason(original, through_a_smaller_one)


def test_an_enlarged_copy_still_beats_a_thumbnail() -> None:
    enlarged = candidate(details=Details(detail=0.5))
    assert winner(candidate(b"/t", (160, 120)), enlarged) == enlarged


def test_a_blurred_shot_of_the_size_that_its_camera_wrote_down_is_no_enlargement() -> None:
    blurred = candidate(b"/long/blurred.jpg", details=replace(SHOT, detail=0.3, exif_size=(4032, 3024)))
    assert winner(blurred, candidate(b"/half.jpg", (2016, 1512))) == blurred


def test_a_png_made_of_a_jpeg_does_not_win() -> None:
    jpeg = candidate(b"/a/long/path/shot.jpg", details=Details(quality=60), length=10**6)
    png = candidate(b"/s.png", kind="PNG", details=Details(recompressed=True, lossless=True), length=10**7)
    assert winner(png, jpeg) == jpeg
    assert policy().reason(jpeg, png) == "JPEG beats PNG (made from a JPEG)"
    webp = replace(jpeg, photo=replace(jpeg.photo, info=replace(jpeg.photo.info, format="WEBP")))
    assert policy().reason(jpeg, webp) == "JPEG beats WebP (a format of web pages)"


def test_a_png_with_the_very_pixels_of_a_jpeg_was_made_of_it() -> None:
    same = b"p" * 32
    jpeg = candidate(b"/a/long/path/shot.jpg", details=Details(quality=60, pixels=same))
    png = candidate(b"/s.png", kind="PNG", details=Details(lossless=True, pixels=same))
    assert winner(png, jpeg) == jpeg
    assert [each.details.recompressed for each in mark_recompressed([png, jpeg])] == [True, False]


@pytest.mark.parametrize(("kind", "lossless"), [("PNG", True), ("HEIF", False), ("WEBP", False)])
def test_a_file_with_the_traces_of_a_jpeg_of_its_size_was_made_of_it(kind: str, *, lossless: bool) -> None:
    jpeg = candidate(b"/a/long/path/shot.jpg", details=Details(quality=60))
    made = candidate(b"/m", kind=kind, details=Details(lossless=lossless, earlier_quality=58))
    assert winner(*mark_recompressed([made, jpeg])) == jpeg
    other_size = candidate(b"/a/long/path/small.jpg", (2016, 1512), Details(quality=60))
    other_quality = candidate(b"/a/long/path/worse.jpg", details=Details(quality=80))
    for other in (other_size, other_quality):
        assert mark_recompressed([made, other]) == [made, other]


def test_a_jpeg_that_was_worse_before_does_not_win_by_what_its_file_says_now() -> None:
    shot = candidate(b"/long/shot.jpg", details=Details(quality=80))
    again = candidate(b"/a.jpg", details=Details(quality=95, earlier_quality=14))
    assert winner(again, shot) == shot
    assert policy().reason(shot, again) == "the other was made from a JPEG of quality 14"
    poor = candidate(b"/p.jpg", details=Details(quality=11))
    assert winner(poor, again) == again
    poor = candidate(b"/long/poor.jpg", details=Details(quality=14))
    assert winner(poor, again) == again


def test_a_png_that_shows_no_traces_beats_a_jpeg_without_camera_data() -> None:
    png = candidate(b"/long/drawing.png", kind="PNG", details=Details(lossless=True))
    assert winner(candidate(details=Details(quality=99)), png) == png


def test_heif_from_the_camera_beats_its_jpeg() -> None:
    heif = candidate(b"/long/shot.heic", kind="HEIF", details=replace(SHOT, quality=None))
    assert winner(candidate(), heif) == heif


def test_the_lighter_compression_wins() -> None:
    light = candidate(b"/long/light.jpg", details=replace(SHOT, quality=92))
    heavy = candidate(b"/h.jpg", details=replace(SHOT, quality=70))
    assert winner(heavy, light) == light
    assert policy().reason(light, heavy) == "JPEG quality 92 beats 70"


def test_a_screenshot_of_a_photo_does_not_win() -> None:
    photo = candidate(b"/long/photo.jpg", (1600, 1200))
    screen = candidate(b"/s.png", (1170, 2532), kind="PNG", details=Details(lossless=True, screenshot=True))
    assert winner(screen, photo) == photo


def test_a_live_photo_beats_its_still_alone() -> None:
    still = candidate(b"/s.heic")
    live = candidate(b"/long/live.heic")
    live = replace(live, photo=replace(live.photo, sidecars=(b"/long/live.mov",)))
    assert winner(still, live) == live
    assert policy().reason(live, still) == "has 1 more sidecar"


def test_the_shot_taken_earlier_wins_and_without_times_the_file_changed_earlier() -> None:
    early = candidate(b"/long/early.jpg", taken="2019-01-01 00:00:00")
    late = candidate(b"/l.jpg", taken="2020-01-01 00:00:00", mtime=1)
    assert winner(late, early) == early
    assert policy().reason(early, late) == "was taken earlier, 2019-01-01 00:00:00"
    first, second = candidate(b"/long/first.jpg", mtime=10**18), candidate(b"/s.jpg", mtime=2 * 10**18)
    assert winner(second, first) == first
    assert policy().reason(first, second) == "is the older file, 2001-09-09 against 2033-05-18"


def test_files_changed_at_nearly_the_same_time_are_of_one_age() -> None:
    first, second = candidate(b"/first.jpg", mtime=10**18), candidate(b"/s.jpg", mtime=10**18 + 10**9)
    assert policy().reason(second, first) == "has the shorter path"


def test_a_preferred_folder_outranks_the_age_but_not_the_pixels() -> None:
    sorted_out, messy = candidate(b"/sorted/a.jpg", mtime=2 * 10**18), candidate(b"/m/a.jpg", mtime=1)
    assert winner(messy, sorted_out, prefer=[b"/sorted"]) == sorted_out
    assert policy(prefer=[b"/sorted"]).reason(sorted_out, messy) == "is in a preferred folder"
    small = candidate(b"/sorted/a.jpg", (800, 600))
    assert winner(messy, small, prefer=[b"/sorted"]) == messy
    assert winner(messy, small, names=["folder", "pixels"], prefer=[b"/sorted"]) == small


def test_a_folder_does_not_hold_the_files_of_another_whose_name_begins_with_its() -> None:
    assert not policy(reference=[b"/sorted"]).protected(b"/sorted-not/a.jpg")
    assert policy(reference=[b"/"]).protected(b"/a.jpg")


def test_a_reference_file_wins_over_more_pixels() -> None:
    thumbnail = candidate(b"/archive/a.jpg", (80, 60))
    assert winner(candidate(), thumbnail, reference=[b"/archive"]) == thumbnail


def test_files_that_only_their_paths_tell_apart_are_tied() -> None:
    rules = policy()
    assert rules.tied(candidate(b"/a.jpg"), candidate(b"/b/a.jpg"))
    assert rules.reason(candidate(b"/a.jpg"), candidate(b"/b/a.jpg")) == "has the shorter path"
    assert not rules.tied(candidate(b"/a.jpg"), candidate(b"/b.jpg", mtime=10**18 + 10**10))
    assert not rules.tied(candidate(b"/a.jpg"), candidate(b"/a (1).jpg"))


OWN = Contents(items=(Item(ItemKind.TIME, "2021-07-03 12:30:45"), Item(ItemKind.MAKER_NOTE, "")))
ORIGINAL = replace(SHOT, contents=OWN, exif_size=(3024, 4032))


def test_what_the_camera_wrote_wins_over_what_was_made_of_it_whatever_its_size() -> None:
    original = candidate(b"/long/original.jpg", details=ORIGINAL)
    enlarged = candidate(b"/e.png", (6048, 4536), Details(lossless=True), kind="PNG")
    assert winner(enlarged, original) == original
    assert policy().reason(original, enlarged).startswith("is as the camera wrote it, Maker Model")
    smaller = candidate(b"/s.jpg", (2016, 1512), ORIGINAL)
    assert winner(smaller, original) == original
    assert policy().reason(original, smaller).startswith("has the size that its camera wrote down")


@pytest.mark.parametrize(
    "changes",
    [
        {"software": "Adobe Photoshop 25.0"},
        {"screenshot": True},
        {"contents": Contents()},
        {"contents": None},
        {"exif_size": (2000, 1500)},
    ],
)
def test_what_was_saved_anew_is_no_camera_file(changes: dict[str, object]) -> None:
    assert is_camera_file(candidate(details=ORIGINAL))
    assert not is_camera_file(candidate(details=replace(ORIGINAL, **changes)))  # type: ignore[arg-type]


def test_at_the_same_quality_more_bits_and_then_more_contents_win() -> None:
    deep = candidate(b"/long/deep.jpg", details=replace(SHOT, contents=Contents(bits=16)))
    keyword = Contents(items=(Item(ItemKind.KEYWORD, "sea"),))
    rich = candidate(b"/rich.jpg", details=replace(SHOT, contents=keyword))
    plain = candidate(b"/p.jpg", details=replace(SHOT, contents=Contents()))
    assert winner(plain, rich, deep) == deep
    assert policy().reason(deep, rich).startswith("16 bits per channel beat 8")
    assert winner(plain, rich) == rich
    assert policy().reason(rich, plain) == "has keyword sea"


def test_jpeg_inside_of_tiff_is_no_lossless_picture() -> None:
    tiff = candidate(b"/t.tif", kind="TIFF", details=Details(lossless=False))
    assert (
        winner(tiff, candidate(b"/long/a.png", kind="PNG", details=Details(lossless=True))).photo.path
        == b"/long/a.png"
    )


def test_a_picture_of_few_colours_is_not_lossless() -> None:
    palette = candidate(
        b"/p.png", kind="PNG", details=Details(lossless=True, contents=Contents(colours="palette"))
    )
    jpeg = candidate(b"/long/a.jpg", details=Details(quality=60))
    assert winner(palette, jpeg) == jpeg


def test_a_plain_background_is_no_border() -> None:
    large = candidate(b"/long/a.jpg", details=Details(quality=95, border=0.31))
    small = candidate(b"/b.jpg", details=Details(quality=50, border=0.3))
    assert winner(large, small) == large


def test_a_wrong_rule_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'pixels'"):
        policy(["pixel"])
    with pytest.raises(UsageError, match="twice"):
        policy(["path", "path"])


def test_preferred_folders_count_even_if_the_rule_is_not_named() -> None:
    mine, other = candidate(b"/mine/a.jpg", mtime=2), candidate(b"/o.jpg", mtime=1)
    assert winner(mine, other, names=["pixels", "oldest"], prefer=[b"/mine"]) == mine
