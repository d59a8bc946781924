"""What two photos are to each other: real photographs and drawn ones, their edits, other shots, unrelated photos."""

import io
from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from support.drawn_photos import encoded, scene
from support.real_photos import NAMES, SCENES, photo

from vtsfind.base.groups import COPIES, Evidence, Verdict
from vtsfind.base.records import PictureInfo
from vtsfind.find.features.features import Features, features
from vtsfind.find.verification.verify import PhotoFeatures, verify
from vtsfind.media.decode import decode
from vtsfind.media.pixels_digest import FULL_SIZE, pixels_digest

Pixels = npt.NDArray[np.uint8]
Edit = Callable[[Image.Image], Image.Image]
PHOTOS = (
    "astronaut",
    "bag-1",
    "casa-mila",
    "cat",
    "dahlia",
    "osprey",
    "pavilion",
    "red-rock-1",
    "spaniels",
    "spices",
)


def extracted(image: Image.Image, taken: str | None = None, mark: bytes = b"") -> PhotoFeatures:
    """What is known of a picture; a mark makes it the content of another file."""
    pixels = np.asarray(image.convert("RGB"))
    info = PictureInfo(image.width, image.height, taken=taken)
    return PhotoFeatures(features(pixels), info, mark + pixels_digest(pixels), None)


def verdict(first: Image.Image, second: Image.Image) -> Verdict | None:
    found = verify(extracted(first), extracted(second, mark=b"2"))
    return found[0] if found else None


def evidence(first: Image.Image, second: Image.Image) -> Evidence:
    found = verify(extracted(first), extracted(second, mark=b"2"))
    assert found
    return found[1]


def saved(image: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encoded(image, quality=quality)))


def half(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def window(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    w, h = image.size
    return image.crop((round(left * w), round(top * h), round(right * w), round(bottom * h)))


def bars(image: Image.Image) -> Image.Image:
    screen = Image.new("RGB", (image.width, image.height * 2), (20, 20, 22))
    screen.paste(image, (0, image.height // 2))
    return screen


def framed(image: Image.Image) -> Image.Image:
    frame = Image.new("RGB", (image.width + 60, image.height + 100), (245, 245, 240))
    frame.paste(image, (30, 30))
    return frame


def faded(image: Image.Image) -> Image.Image:
    return image.point(lambda v: 32 + 3 * v // 4)


SAVED_AGAIN: dict[str, Edit] = {
    "jpeg 60": lambda image: saved(image, 60),
    "half": half,
    "half, jpeg": lambda image: saved(half(image), 75),
}
TURNED: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
EDITED: dict[str, Edit] = {
    "crop": lambda image: window(image, 0.1, 0.1, 0.9, 0.9),
    "half of each side": lambda image: window(image, 0.25, 0.2, 0.75, 0.7),
    "crooked": lambda image: image.rotate(10, Image.Resampling.BICUBIC, expand=True),
    "screenshot": bars,
    "frame": framed,
    "faded": lambda image: image.point(lambda v: 80 + v // 2),
    "mirrored crop": lambda image: window(image, 0.1, 0.1, 0.9, 0.9).transpose(TURNED[2]),
}


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("edit", SAVED_AGAIN)
def test_a_photo_saved_again_is_a_resave(name: str, edit: str) -> None:
    image = photo(name)
    assert verdict(image, SAVED_AGAIN[edit](image)) is Verdict.RESAVE


@pytest.mark.parametrize("turn", TURNED)
def test_a_turned_photo_is_told_with_its_turn(turn: int) -> None:
    image = photo(PHOTOS[turn % len(PHOTOS)])
    other = saved(image.transpose(TURNED[turn]), 85)
    assert verdict(image, other) is Verdict.TURNED
    # The turn is what brings the second onto the first: the other way round for quarter turns.
    assert evidence(other, image).turn == turn
    assert evidence(image, other).turn == {6: 8, 8: 6}.get(turn, turn)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("edit", EDITED)
def test_an_edited_photo_is_an_edit(name: str, edit: str) -> None:
    image = photo(name)
    assert verdict(image, EDITED[edit](image)) is Verdict.EDIT


def test_the_box_is_the_part_of_the_wider_picture_that_the_narrower_shows() -> None:
    image = photo(PHOTOS[0])
    told = evidence(image, window(image, 0.25, 0.2, 0.75, 0.7))
    assert told.boxed == 0
    assert told.box
    box = told.box.left, told.box.top, told.box.right, told.box.bottom
    assert box == pytest.approx((0.25, 0.2, 0.75, 0.7), abs=0.01)


def test_the_box_in_a_screenshot_is_the_photo() -> None:
    image = photo(PHOTOS[1])
    told = evidence(image, bars(image))
    assert told.boxed == 1
    assert told.box
    assert (told.box.top, told.box.bottom) == pytest.approx((0.25, 0.75), abs=0.01)


@pytest.mark.parametrize("name", PHOTOS)
def test_a_picture_breaks_off_around_a_photo_that_was_put_there_and_not_around_a_crop(name: str) -> None:
    image = photo(name)
    for put in (framed(image), bars(image)):
        assert (evidence(image, put).broken_off or 0) > 0.5
        assert (evidence(put, image).broken_off or 0) > 0.5
    for cut in (window(image, 0.1, 0.1, 0.9, 0.9), window(image, 0.25, 0.2, 0.75, 0.7)):
        assert (evidence(image, cut).broken_off or 0) < 0.4


def test_a_photo_within_a_collage_is_an_edit() -> None:
    image, other = photo(PHOTOS[0]), photo(PHOTOS[2])
    collage = Image.new("RGB", (image.width * 2, image.height), "white")
    collage.paste(image, (image.width, 0))
    collage.paste(other.resize(image.size), (0, 0))
    assert verdict(image, collage) is Verdict.EDIT
    told = evidence(image, collage)
    assert told.boxed == 1
    assert told.box
    assert (told.box.left, told.box.right) == pytest.approx((0.5, 1), abs=0.01)


def test_two_photos_that_show_one_poster_are_no_copies() -> None:
    poster = busy(3).resize((96, 72), Image.Resampling.LANCZOS)
    rooms = [photo(name).copy() for name in (PHOTOS[0], PHOTOS[4])]
    rooms[0].paste(poster, (40, 60))
    rooms[1].paste(poster, (90, 30))
    assert verdict(*rooms) not in COPIES


def nearer(image: Image.Image, shift: float) -> Image.Image:
    """Another shot: the camera went aside, so what is in the middle moves against the rest."""
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width]
    near = np.exp(-(((x / width - 0.5) / 0.25) ** 2 + ((y / height - 0.6) / 0.3) ** 2)) > 0.5
    source = np.clip(x + np.where(near, 1.0, 0.3) * shift * width, 0, width - 1).astype(int)
    noise = np.random.default_rng(0).normal(0, 3, pixels.shape)
    return Image.fromarray(np.clip(pixels[y, source] + noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", PHOTOS)
def test_another_shot_of_the_scene_is_never_a_copy(name: str) -> None:
    image = photo(name)
    assert verdict(image, nearer(image, 0.04)) not in COPIES
    assert verdict(image, half(nearer(image, 0.06))) not in COPIES
    assert verdict(image, faded(nearer(image, 0.04))) not in COPIES


def test_photos_of_different_moments_are_a_burst_however_alike() -> None:
    image = photo(PHOTOS[0])
    first = extracted(image, "2024-05-01 10:00:00")
    found = verify(first, extracted(saved(image, 80), "2024-05-01 10:00:02", b"2"))
    assert found
    assert found[0] is Verdict.BURST
    assert found[1].seconds_apart == 2


def test_a_clock_that_was_set_right_makes_no_burst() -> None:
    image = photo(PHOTOS[0])
    first = extracted(image, "2024-05-01 10:00:00")
    found = verify(first, extracted(saved(image, 80), "2024-05-01 12:00:00", b"2"))
    assert found
    assert found[0] is Verdict.RESAVE


@pytest.mark.parametrize("name", SCENES)
def test_two_real_shots_of_one_scene_are_a_burst_or_from_too_far_apart(name: str) -> None:
    shots = photo(f"{name}-1"), photo(f"{name}-2")
    assert verdict(*shots) is (None if name == "bag" else Verdict.BURST)
    assert verdict(window(shots[0], 0.1, 0.1, 0.9, 0.9), shots[1]) not in COPIES


STEREO = pytest.param(
    "forest-path", marks=pytest.mark.xfail(strict=True, reason="two lenses, a few centimetres apart")
)


@pytest.mark.parametrize("name", [STEREO if name == "forest-path" else name for name in SCENES])
def test_two_real_shots_of_one_scene_are_no_copies_at_half_the_size(name: str) -> None:
    shots = photo(f"{name}-1"), photo(f"{name}-2")
    assert verdict(half(shots[0]), saved(shots[1], 70)) not in COPIES


def test_unrelated_photos_have_no_verdict() -> None:
    seen = {name: extracted(photo(name)) for name in NAMES}
    scene_of = {f"{name}-{shot}": name for name in SCENES for shot in (1, 2)}
    pairs = [(a, b) for a, b in combinations(NAMES, 2) if scene_of.get(a, a) != scene_of.get(b, b)]
    assert len(pairs) == 30 * 29 // 2 - len(SCENES)
    assert [(a, b) for a, b in pairs if verify(seen[a], seen[b])] == []


@pytest.mark.parametrize("levels", [(0, 0), (255, 255), (12, 14), (90, 100)])
def test_flat_frames_match_by_pixels_only(levels: tuple[int, int]) -> None:
    ramp = np.linspace(*levels, 300).astype(np.uint8)[None, :, None].repeat(200, 0).repeat(3, 2)
    frame = Image.fromarray(ramp)
    first, second = extracted(frame), extracted(saved(frame, 70), mark=b"2")
    assert first.features.flat
    assert verify(first, second) is None
    same = pixels_digest(ramp)
    found = verify(
        PhotoFeatures(first.features, first.info, b"1", same),
        PhotoFeatures(first.features, first.info, b"2", same),
    )
    assert found
    assert found[0] is Verdict.PIXELS


def test_the_same_content_is_the_same_bytes_even_of_a_flat_frame() -> None:
    frame = extracted(Image.new("RGB", (100, 80)))
    found = verify(frame, frame)
    assert found
    assert found[0] is Verdict.BYTES


def test_the_digest_of_pixels_is_of_what_is_shown_not_of_the_file() -> None:
    image = scene(3)
    png, also = encoded(image, "PNG"), encoded(image, "TIFF")
    digests = {pixels_digest(decode(data, shortest=FULL_SIZE)[0]) for data in (png, also)}
    assert len(digests) == 1
    assert pixels_digest(decode(encoded(scene(4), "PNG"), shortest=FULL_SIZE)[0]) not in digests


def test_pixels_of_another_shape_are_other_pixels() -> None:
    assert pixels_digest(np.zeros((4, 6, 3), np.uint8)) != pixels_digest(np.zeros((6, 4, 3), np.uint8))


def test_what_codes_said_is_kept_with_the_evidence() -> None:
    image = photo(PHOTOS[0])
    found = verify(extracted(image), extracted(half(image), mark=b"2"), distance=9, bits=256)
    assert found
    assert (found[1].distance, found[1].bits) == (9, 256)


@given(st.integers(0, 2**32 - 1))
def test_the_verdict_does_not_depend_on_the_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = busy(int(rng.integers(4)))
    edit = list({**SAVED_AGAIN, **EDITED}.values())[int(rng.integers(len(SAVED_AGAIN) + len(EDITED)))]
    first, second = extracted(image), extracted(edit(image), mark=b"2")
    one, other = verify(first, second), verify(second, first)
    assert (one and one[0]) == (other and other[0])
    if one and other and one[1].boxed is not None:
        assert other[1].boxed == 1 - one[1].boxed
        assert other[1].box == one[1].box
    assert verify(first, second) == one


@cache
def busy(seed: int) -> Image.Image:
    """A drawn picture with many corners."""
    rng = np.random.default_rng(seed)
    image = scene(seed, 320, 240)
    draw = ImageDraw.Draw(image)
    for _ in range(120):
        x, y, w, h = (int(v) for v in rng.integers((0, 0, 6, 6), (300, 220, 40, 40)))
        draw.rectangle((x, y, x + w, y + h), tuple(int(v) for v in rng.integers(0, 256, 3)))
    return image


@pytest.mark.parametrize("image", [busy(1), Image.new("RGB", (50, 40), "white"), scene(1, 1, 1)])
def test_features_come_back_from_their_bytes_as_they_were(image: Image.Image) -> None:
    made = features(np.asarray(image))
    read = Features.from_bytes(made.to_bytes())
    assert np.array_equal(read.local.points, made.local.points)
    assert np.array_equal(read.coarse.descriptors, made.coarse.descriptors)
    assert np.array_equal(read.picture, made.picture)
    assert read.flat == made.flat


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"features|version"):
        Features.from_bytes(data)
    whole = features(np.asarray(Image.new("RGB", (20, 20)))).to_bytes()
    with pytest.raises(ValueError, match="cut short"):
        Features.from_bytes(whole + data + b"x")


def test_features_are_the_same_every_time() -> None:
    pixels = np.asarray(busy(2))
    assert features(pixels).to_bytes() == features(pixels.copy()).to_bytes()


@pytest.mark.parametrize("name", ["cat", "pavilion"])
def test_which_of_two_has_no_colours_is_told(name: str) -> None:
    image = photo(name)
    grey = image.convert("L").convert("RGB").point(lambda level: min(255, level + 12))
    assert (evidence(image, grey).grey, evidence(grey, image).grey) == (1, 0)
    assert evidence(image, saved(image, 60)).grey is None
