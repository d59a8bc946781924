"""The rules beside the model: what counts as unedited, as all of the frame, as another moment, and as an edit by what files hold."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vtsfind.base.contents import Contents, Item, ItemKind
from vtsfind.base.groups import UNDECIDED, Verdict
from vtsfind.base.records import PictureInfo
from vtsfind.find.features.features import Features, Pixels, features
from vtsfind.find.verification import decision, full_frame, verify
from vtsfind.find.verification.comparison import Comparison
from vtsfind.find.verification.decision import is_unedited
from vtsfind.find.verification.measures import MEASURE_NAMES, Agreement, Measures
from vtsfind.find.verification.registration import Alignment
from vtsfind.find.verification.verify import (
    PhotoFeatures,
    match_full_frame,
    match_local_features,
    seconds_apart,
)

EQUAL = Agreement(
    informative_blocks=100,
    same_share=1.0,
    changes=0,
    largest_pixels=0.0,
    coherent_shift_px=0.01,
    incoherent_shift_px=0.02,
    colour_difference=1.0,
    saturation_min=30.0,
    saturation_max=30.0,
)
MEASURES = Measures(**dict.fromkeys(MEASURE_NAMES, 1.0))
AT = "2024-05-01 12:00:00"


def picture(seed: int = 0, width: int = 320, height: int = 240) -> Pixels:
    """Coarse patches of random colours."""
    patches = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.repeat(np.repeat(patches, height // 12, 0), width // 16, 1)


PICTURE = features(picture())


def photo(number: int, shown: Features = PICTURE, taken: str | None = None, **contents: Any) -> PhotoFeatures:
    made = Contents(**contents) if contents else None
    return PhotoFeatures(shown, PictureInfo(320, 240, taken=taken), bytes([number]) * 32, None, made)


def said(first: PhotoFeatures, second: PhotoFeatures) -> tuple[Verdict, str] | None:
    found = match_full_frame(first, second)
    return (found[0], found[1].note) if isinstance(found, tuple) else None


# ------------------------------------------------------------------------------------------- unedited


@pytest.mark.parametrize(
    ("measured", "unedited"),
    [
        ({}, True),
        ({"largest_pixels": 0.00006}, True),  # what compression leaves on 35 photos, and a little
        ({"largest_pixels": 0.00014}, False),  # a square of 1 % of the side
        ({"changes": 1}, False),
        ({"colour_difference": 4.0}, True),
        ({"colour_difference": 6.0}, True),
        ({"colour_difference": 9.0}, False),
        ({"saturation_min": 15.0}, True),
        ({"saturation_min": 9.0}, False),  # of 30: colours were taken away
        ({"saturation_min": 2.0, "saturation_max": 10.0}, True),  # grey anyway
        ({"saturation_min": 2.0, "saturation_max": 12.0}, False),
        ({"saturation_min": 2.0, "saturation_max": 16.0}, False),
        ({"saturation_min": 0.0, "saturation_max": 7.0}, True),
    ],
)
def test_what_compression_leaves_is_no_edit_and_what_a_person_does_is_one(
    measured: dict[str, float], *, unedited: bool
) -> None:
    assert is_unedited(replace(EQUAL, **measured)) is unedited


def test_a_pair_passes_from_the_score_on_that_the_figures_name(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = {}
    for score in (-7.0, -4.0, 2.0, 2.5, 2.6):
        matrix = np.eye(3)
        monkeypatch.setattr(verify, "align", lambda _a, _b, m=matrix: Alignment(m, 30, 40))
        monkeypatch.setattr(verify, "compare", lambda _a, _b, _c, m=matrix: Comparison(MEASURES, m))
        monkeypatch.setattr(verify, "steady_score", lambda *_pair, s=score: s)
        found = match_local_features(photo(1), photo(2))
        assert found
        passed[score] = found[0] in {Verdict.EDIT, Verdict.RESAVE}, found[1].certain
    assert passed == {
        -7.0: (False, True),
        -4.0: (False, None),
        2.0: (False, None),
        2.5: (True, None),
        2.6: (True, None),
    }


@pytest.mark.parametrize(("inliers", "found"), [(10, None), (15, Verdict.BURST), (20, Verdict.BURST)])
def test_another_shot_needs_some_local_features_in_agreement(
    monkeypatch: pytest.MonkeyPatch, inliers: int, found: Verdict | None
) -> None:
    monkeypatch.setattr(verify, "align", lambda _a, _b: Alignment(np.eye(3), inliers, 40))
    monkeypatch.setattr(verify, "compare", lambda _a, _b, _c: Comparison(MEASURES, np.eye(3)))
    monkeypatch.setattr(verify, "version_score", lambda _measures: -1.0)
    verdict = match_local_features(photo(1), photo(2))
    assert (verdict[0] if verdict else None) is found


def test_without_a_common_map_two_pictures_are_nothing_to_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "align", lambda _a, _b: None)
    assert match_local_features(photo(1), photo(2)) is None


def test_a_model_that_was_fitted_to_other_measures_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    decision._model.cache_clear()
    monkeypatch.setattr(decision, "MEASURE_NAMES", MEASURE_NAMES[1:])
    with pytest.raises(ValueError, match="fitted to other measures"):
        decision.version_score(MEASURES)
    decision._model.cache_clear()


# ------------------------------------------------------------------------------------------- all of the frame


@pytest.mark.parametrize(
    ("measured", "match"),
    [
        ({}, True),
        ({"informative_blocks": 13}, True),
        ({"informative_blocks": 12}, True),
        ({"informative_blocks": 8}, False),
        ({"same_share": 0.95}, True),
        ({"same_share": 0.9}, False),
        ({"same_share": 0.5}, False),
        ({"changes": 1}, False),
        ({"coherent_shift_px": 0.05, "incoherent_shift_px": 0.05}, True),
        ({"coherent_shift_px": 0.08, "incoherent_shift_px": 0.05}, False),  # parallax
        ({"coherent_shift_px": 0.08, "incoherent_shift_px": 0.2}, True),  # compression moves each by itself
        ({"coherent_shift_px": 0.15, "incoherent_shift_px": 0.2}, False),
        ({"coherent_shift_px": 0.06, "incoherent_shift_px": 0.0}, False),
    ],
)
def test_frames_match_only_beyond_doubt(
    monkeypatch: pytest.MonkeyPatch, measured: dict[str, float], *, match: bool
) -> None:
    monkeypatch.setattr(full_frame, "agreement", lambda _a, _b, _m: replace(EQUAL, **measured))
    assert (match_full_frame(photo(1), photo(2)) is not UNDECIDED) is match


@pytest.mark.parametrize(("likeness", "match"), [(0.97, True), (0.92, False), (0.6, False)])
def test_frames_whose_tiny_pictures_differ_are_left_to_a_closer_look(
    monkeypatch: pytest.MonkeyPatch, likeness: float, *, match: bool
) -> None:
    monkeypatch.setattr(full_frame, "agreement", lambda _a, _b, _m: EQUAL)
    first, second = features(picture()), features(picture(1))
    own = first.thumbnail
    rest = second.thumbnail - own * (own @ second.thumbnail)
    mixed = likeness * own + np.sqrt(1 - likeness**2) * rest / np.linalg.norm(rest)
    second = replace(second, thumbnail=mixed.astype(np.float32))
    assert (full_frame.compare_full_frame(first, second) is not None) is match


@pytest.mark.parametrize(
    ("shift", "scale", "verdict"),
    [
        (0.0, 1.0, Verdict.RESAVE),
        (0.015, 1.0, Verdict.RESAVE),
        (0.03, 1.0, Verdict.EDIT),
        (0.0, 0.5, Verdict.EDIT),
    ],
)
def test_a_part_is_an_edit_and_all_but_a_rim_is_all(
    monkeypatch: pytest.MonkeyPatch, shift: float, scale: float, verdict: Verdict
) -> None:
    matrix = np.array([[scale, 0, shift * PICTURE.picture.shape[1]], [0, scale, 0], [0, 0, 1]])
    monkeypatch.setattr(verify, "compare_full_frame", lambda _a, _b: (EQUAL, matrix))
    found = match_full_frame(photo(1), photo(2))
    assert isinstance(found, tuple)
    assert found[0] is verdict
    assert (found[1].box is None) is (verdict is Verdict.RESAVE)


def test_the_box_lies_in_the_wider_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    for scale, boxed in ((0.5, 0), (2.0, 1)):
        matrix = np.diag([scale, scale, 1])
        monkeypatch.setattr(verify, "compare_full_frame", lambda _a, _b, m=matrix: (EQUAL, m))
        found = match_full_frame(photo(1), photo(2))
        assert isinstance(found, tuple)
        box = found[1].box
        assert box
        assert (found[1].boxed, box.left, box.top, box.right, box.bottom) == (boxed, 0, 0, 0.5, 0.5)


# ------------------------------------------------------------------------------------------- bytes, pixels, blanks


def test_the_same_bytes_or_pixels_need_no_look() -> None:
    blank = features(np.full((240, 320, 3), 90, np.uint8))
    assert said(photo(1, blank), photo(1, blank)) == (Verdict.BYTES, "same content")
    same = [replace(photo(n, blank), pixels_digest=b"p") for n in (1, 2)]
    assert said(*same) == (Verdict.PIXELS, "same pixels")
    assert match_full_frame(photo(1, blank), photo(2)) is None
    assert match_full_frame(photo(1), photo(2, blank)) is None


def test_other_pixels_are_looked_at() -> None:
    found = said(*(replace(photo(n), pixels_digest=bytes([n])) for n in (1, 2)))
    assert found
    assert found[0] is Verdict.RESAVE


def test_blank_frames_match_by_bytes_and_pixels_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "compare_full_frame", lambda _a, _b: (EQUAL, np.eye(3)))
    blank = features(np.full((240, 320, 3), 90, np.uint8))
    assert match_full_frame(photo(1), photo(2)) is not None
    for first, second in ((blank, PICTURE), (PICTURE, blank), (blank, blank)):
        assert match_full_frame(photo(1, first), photo(2, second)) is None


# ------------------------------------------------------------------------------------------- from look to look


def test_what_frames_say_needs_no_closer_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "align", lambda _a, _b: pytest.fail("looked closer"))
    found = verify.verify(photo(1), photo(2), distance=3, bits=256)
    assert found
    assert (found[0], found[1].distance, found[1].bits) == (Verdict.RESAVE, 3, 256)


def test_strangers_are_told_apart_at_the_first_look_or_at_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = photo(1), photo(2, features(picture(1)))
    monkeypatch.setattr(verify, "may_align", lambda _a, _b: False)
    assert verify.verify(*pair) is None
    monkeypatch.setattr(verify, "may_align", lambda _a, _b: True)
    monkeypatch.setattr(verify, "align", lambda _a, _b: Alignment(np.eye(3), 30, 40))
    monkeypatch.setattr(verify, "compare", lambda _a, _b, _c: None)
    assert verify.verify(*pair) is None


def test_frames_that_cannot_be_measured_are_left_to_a_closer_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_frame, "agreement", lambda _a, _b, _m: None)
    assert full_frame.compare_full_frame(PICTURE, PICTURE) is None


@pytest.mark.parametrize(
    ("part", "turn"), [((1, 0, 0, 1), 1), ((-1, 0, 0, 1), 2), ((-1, 0, 0, -1), 3), ((1, 0, 0, -1), 4)]
)
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_turn_of_all_and_of_a_part_is_told(
    monkeypatch: pytest.MonkeyPatch, part: tuple[int, ...], turn: int, scale: float
) -> None:
    height, width = PICTURE.picture.shape[:2]
    linear = scale * np.array(part, float).reshape(2, 2)
    shift = np.where(np.diag(linear) < 0, scale * np.array([width, height]), 0)
    matrix = np.vstack([np.column_stack([linear, shift]), [0, 0, 1]])
    monkeypatch.setattr(verify, "compare_full_frame", lambda _a, _b: (EQUAL, matrix))
    found = match_full_frame(photo(1), photo(2))
    assert isinstance(found, tuple)
    whole = Verdict.RESAVE if turn == 1 else Verdict.TURNED
    assert (found[0], found[1].turn) == (whole if scale == 1 else Verdict.EDIT, turn)


def test_all_of_a_frame_with_a_change_is_an_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(EQUAL, largest_pixels=0.01)
    monkeypatch.setattr(verify, "compare_full_frame", lambda _a, _b: (changed, np.eye(3)))
    found = match_full_frame(photo(1), photo(2))
    assert isinstance(found, tuple)
    assert (found[0], found[1].box) == (Verdict.EDIT, None)


def test_how_much_breaks_off_is_told_where_a_part_has_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    height, width = PICTURE.picture.shape[:2]
    centre = np.array([width, height]) / 2
    tilt = np.array([[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]])
    tilted = np.vstack([np.column_stack([tilt, centre - tilt @ centre]), [0, 0, 1]])
    for matrix, is_known in ((np.diag([0.5, 0.5, 1]), True), (tilted, False)):
        monkeypatch.setattr(verify, "compare_full_frame", lambda _a, _b, m=matrix: (EQUAL, m))
        found = match_full_frame(photo(1), photo(2))
        assert isinstance(found, tuple)
        assert found[0] is Verdict.EDIT
        assert (found[1].broken_off is not None) is is_known
        assert found[1].broken_off is None or found[1].broken_off == round(found[1].broken_off, 3)


# ------------------------------------------------------------------------------------------- clocks


@pytest.mark.parametrize(
    ("first", "second", "gap"),
    [
        (AT, "2024-05-01 12:00:03", 3),
        (AT, AT, 0),
        (AT, None, None),
        (None, AT, None),
        (AT + ".25", AT + ".75", 0.5),
        (AT + ".25", "2024-05-01 12:00:01", 1),
    ],
)
def test_seconds_between_two_shots(first: str | None, second: str | None, gap: float | None) -> None:
    assert seconds_apart(photo(1, taken=first), photo(2, taken=second)) == gap


@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        (AT, Verdict.RESAVE),
        ("2024-05-01 12:00:01", Verdict.BURST),
        ("2024-05-01 12:07:30", Verdict.BURST),
        ("2024-05-01 12:40:00", Verdict.BURST),
        ("2024-05-01 12:15:00", Verdict.RESAVE),  # a time zone of Nepal
        ("2024-05-01 12:45:00", Verdict.RESAVE),
        ("2024-05-01 13:00:00", Verdict.RESAVE),
        ("2024-05-01 13:20:00", Verdict.RESAVE),  # hours apart: times of saving
        ("2024-05-02 12:00:01", Verdict.RESAVE),
    ],
)
def test_two_shots_by_the_clock_are_no_copies_though_they_look_the_same(
    second: str, verdict: Verdict
) -> None:
    found = match_full_frame(photo(1, taken=AT), photo(2, taken=second))
    assert isinstance(found, tuple)
    assert found[0] is verdict
    assert (found[1].certain is True) is (verdict is Verdict.BURST)


def test_the_time_of_a_file_that_was_read_counts_with_its_fraction() -> None:
    times = (Item(ItemKind.TIME, AT), Item(ItemKind.SUBSECONDS, ".25"))
    assert photo(1, taken="2001-01-01 00:00:00", items=times).taken == AT + ".25"
    assert photo(1, taken=AT, frames=1).taken is None


# ------------------------------------------------------------------------------------------- frames and grey


@pytest.mark.parametrize(
    ("frames", "note"),
    [
        ((1, 1), ""),
        ((1, 3), "one is a single frame of the other"),
        ((3, 3), "not all frames are the same"),
        ((None, 3), "not all frames are the same"),
        ((None, 1), ""),
    ],
)
def test_a_frame_of_an_animation_is_an_edit(frames: tuple[int | None, int], note: str) -> None:
    pair = [photo(n) if each is None else photo(n, frames=each) for n, each in enumerate(frames, 1)]
    found = said(*pair)
    assert found
    assert (found[0], found[1] if note else "") == (Verdict.EDIT if note else Verdict.RESAVE, note)


@pytest.mark.parametrize(
    ("tints", "verdict"),
    [((0, 0), Verdict.RESAVE), ((0, 6), Verdict.EDIT), ((6, 6), Verdict.RESAVE)],
)
def test_a_grey_copy_of_a_photo_of_faint_colours_is_an_edit(tints: tuple[int, int], verdict: Verdict) -> None:
    grey = picture()[..., :1].repeat(3, 2) // 2 + 60
    shown = [features(grey + np.array([tint, 0, 0], np.uint8)) for tint in tints]
    found = said(photo(1, shown[0]), photo(2, shown[1]))
    assert found
    assert found[0] is verdict


@pytest.mark.parametrize(
    ("colourfulness", "verdict"),
    [
        ((0.4, 1.5), Verdict.EDIT),
        ((0.7, 1.5), Verdict.RESAVE),  # not quite grey
        ((0.4, 0.8), Verdict.RESAVE),  # both hardly have any colour
    ],
)
def test_black_and_white_is_next_to_no_colour_beside_some(
    monkeypatch: pytest.MonkeyPatch, colourfulness: tuple[float, float], verdict: Verdict
) -> None:
    levels = iter(colourfulness)
    monkeypatch.setattr(verify, "_colourfulness", lambda _features: next(levels))
    found = said(photo(1), photo(2))
    assert found
    assert found[0] is verdict
