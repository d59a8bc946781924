import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageChops
from support.drawn_photos import (
    Pixels,
    encoded,
    exif,
    grey_profile,
    noise,
    raw_photo,
    rgb_profile,
    scene,
    turned,
)

from vtsfind.base.records import PictureInfo, Preprocessing, Reason
from vtsfind.media.camera import camera
from vtsfind.media.decode import DecodeError, decode, prepare, read_camera
from vtsfind.media.formats import HEAD_BYTES, formats, size_from_header, sniff
from vtsfind.media.partial_decode import _boxes_are_complete

pillow_heif.register_heif_opener()

# Pillow's name of a format to options that keep a picture as it is, or nearly so.
FAITHFUL: dict[str, dict[str, Any]] = {
    "JPEG": {},
    "PNG": {},
    "WEBP": {"lossless": True},
    "GIF": {},
    "TIFF": {},
    "BMP": {},
    "AVIF": {"quality": 95},
    "HEIF": {"quality": 95, "chroma": 444},
    "JPEG2000": {},
}
CARRYING_EXIF = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"]
PATCH = (200, 120, 60)


def pixels_of(data: bytes, shortest: int = 10_000) -> Pixels:
    return decode(data, shortest=shortest)[0]


def info_of(data: bytes) -> PictureInfo:
    return decode(data, shortest=16)[1]


def far(a: Pixels, b: Any) -> float:
    """Mean difference of two pictures of one size, in levels."""
    other = np.asarray(b)
    assert a.shape == other.shape
    return float(np.abs(a.astype(float) - other.astype(float)).mean())


def flat(mode: str, colour: Any, size: tuple[int, int] = (16, 16)) -> Image.Image:
    return Image.new(mode, size, colour)


def centre(data: bytes) -> list[int]:
    pixels = pixels_of(data)
    values: list[int] = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].tolist()
    return values


def failure(data: bytes, **options: Any) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(data, **{"shortest": 64, **options})
    return caught.value


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int, kind: int, rows: bytes, *before: bytes) -> bytes:
    """Put a PNG together from its rows, each led by its filter byte."""
    header = struct.pack(">2I5B", width, height, depth, kind, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            *before,
            chunk(b"IDAT", zlib.compress(rows)),
            chunk(b"IEND", b""),
        ]
    )


# ---------------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("kind", FAITHFUL)
def test_every_format_gives_the_picture_that_was_put_in(kind: str) -> None:
    drawn = scene(3, 120, 90)
    pixels, info = decode(encoded(drawn, kind, **FAITHFUL[kind]), shortest=10_000)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert far(pixels, drawn) < (8 if kind == "GIF" else 2)
    assert (info.width, info.height, info.format, info.orientation) == (120, 90, kind, 1)
    assert formats()[kind]


def test_a_file_is_read_like_its_content() -> None:
    data = encoded(scene(1))
    assert np.array_equal(decode(io.BytesIO(data), shortest=32)[0], decode(data, shortest=32)[0])


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_several_pictures_the_first_is_taken(kind: str) -> None:
    first = scene(1)
    data = encoded(first, kind, **FAITHFUL[kind], save_all=True, append_images=[scene(2), scene(3)])
    assert far(pixels_of(data), first) < 8


def test_the_first_picture_of_a_multi_picture_jpeg_is_taken() -> None:
    data = encoded(scene(1, 400, 300), "MPO", quality=95, save_all=True, append_images=[scene(2)])
    pixels, info = decode(data, shortest=50)
    assert far(pixels, scene(1, 400, 300).resize((100, 75), Image.Resampling.BOX)) < 3
    assert (info.format, info.width) == ("JPEG", 400)


def test_one_pixel_is_a_picture() -> None:
    for kind, options in FAITHFUL.items():
        data = encoded(flat("RGB", PATCH, (1, 1)), kind, **options)
        pixels, info = decode(data, shortest=224)
        assert pixels.shape == (1, 1, 3)
        assert (info.width, info.height) == (1, 1)
        assert prepare(pixels, Preprocessing(32)).shape == (32, 32, 3)


@pytest.mark.parametrize("kind", FAITHFUL)
def test_a_large_photo_is_decoded_small_and_keeps_its_true_size(kind: str) -> None:
    drawn = scene(5, 1000, 750)
    options = {"thumbnails": [400], "quality": 50} if kind == "HEIF" else {}
    pixels, info = decode(encoded(drawn, kind, **{**FAITHFUL[kind], **options}), shortest=224)
    height, width, _ = pixels.shape
    assert 224 <= height < 2 * 224
    assert abs(width / height - 4 / 3) < 0.02
    assert (info.width, info.height) == (1000, 750)
    assert far(pixels, drawn.resize((width, height), Image.Resampling.BOX)) < (9 if kind == "GIF" else 3)


@given(
    st.integers(1, 200),
    st.integers(1, 200),
    st.integers(1, 100),
    st.sampled_from(["JPEG", "BMP", "JPEG2000"]),
)
def test_the_shorter_side_never_falls_below_what_was_asked_for(
    width: int, height: int, shortest: int, kind: str
) -> None:
    pixels, info = decode(encoded(flat("RGB", PATCH, (width, height)), kind), shortest=shortest)
    assert (info.width, info.height) == (width, height)
    side = min(pixels.shape[:2])
    assert min(shortest, width, height) <= side <= max(2 * shortest, 1)


def test_the_preview_of_a_heic_file_is_not_used_when_it_is_too_small() -> None:
    drawn = scene(5, 400, 300)
    data = encoded(drawn, "HEIF", **FAITHFUL["HEIF"], thumbnails=[100])
    assert far(pixels_of(data, shortest=150), drawn.resize((200, 150), Image.Resampling.BOX)) < 3


# ------------------------------------------------------------------------------------------------ orientation


@pytest.mark.parametrize("kind", CARRYING_EXIF)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(kind: str, orientation: int) -> None:
    drawn = scene(4, 96, 64)
    stored = turned(drawn, orientation)
    pixels, info = decode(encoded(stored, kind, **FAITHFUL[kind], exif=exif(orientation)), shortest=10_000)
    assert far(pixels, drawn) < 3
    assert (info.width, info.height, info.orientation) == (96, 64, orientation)


@given(st.integers(1, 8), st.integers(0, 50))
def test_an_orientation_commutes_with_reducing(orientation: int, seed: int) -> None:
    drawn = scene(seed, 400, 240)
    stored = turned(drawn, orientation)
    small, info = decode(encoded(stored, exif=exif(orientation)), shortest=60)
    straight, _ = decode(encoded(drawn), shortest=60)
    assert small.shape == straight.shape
    assert far(small, straight) < 3
    assert (info.width, info.height) == (400, 240)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_a_senseless_orientation_is_none(value: Any) -> None:
    data = Image.Exif()
    data[ExifTags.Base.Orientation] = value
    drawn = scene(4)
    pixels, info = decode(encoded(drawn, exif=data), shortest=10_000)
    assert info.orientation == 1
    assert far(pixels, drawn) < 2


# ----------------------------------------------------------------------------------------------------- camera


@pytest.mark.parametrize("kind", CARRYING_EXIF)
@pytest.mark.parametrize("camera", [None, ("Canon", "Canon EOS 5D"), ("NIKON CORPORATION", "NIKON D70")])
def test_the_camera_is_read_with_the_pixels_and_from_the_header_alone(
    kind: str, camera: tuple[str, str] | None
) -> None:
    data = encoded(scene(1), kind, **FAITHFUL[kind], exif=exif(taken="2021:07:03 12:30:45", camera=camera))
    assert info_of(data).camera == read_camera(io.BytesIO(data)) == (camera[1] if camera else "")


@pytest.mark.parametrize("kind", FAITHFUL)
def test_a_picture_without_exif_data_names_no_camera(kind: str) -> None:
    data = encoded(scene(1), kind, **FAITHFUL[kind])
    assert info_of(data).camera == read_camera(io.BytesIO(data)) == ""


def test_the_header_of_a_jpeg_names_the_camera_although_the_rest_is_missing() -> None:
    data = encoded(noise(1, 400, 400), exif=exif(camera=("Apple", "iPhone 13")))
    assert failure(data[:5000]).reason is Reason.DAMAGED
    assert read_camera(io.BytesIO(data[:5000])) == "Apple iPhone 13"


def test_a_png_names_its_camera_after_the_pixels() -> None:
    data = encoded(scene(1), "PNG")
    late = chunk(b"eXIf", exif(camera=("Apple", "iPhone 13")).tobytes().removeprefix(b"Exif\0\0"))
    data = data[:-12] + late + data[-12:]
    assert info_of(data).camera == read_camera(io.BytesIO(data)) == "Apple iPhone 13"


@pytest.mark.parametrize(
    ("maker", "model", "name"),
    [
        ("OLYMPUS IMAGING CORP.  ", "E-M5            ", "OLYMPUS E-M5"),
        ("Canon\0\0", "Canon\n EOS\t5D", "Canon EOS 5D"),
        ("", "Pixel 7", "Pixel 7"),
        ("Panasonic", "", "Panasonic"),
        ("Leica Camera AG", "LEICA Q (Typ 116)", "LEICA Q (Typ 116)"),
        ("X" * 500, "Y", "X" * 64),
        ("\x1b[31mred", "\u202eB", "[31mred B"),
    ],
)
def test_a_name_is_short_printable_and_has_the_maker_once(maker: str, model: str, name: str) -> None:
    assert camera({ExifTags.Base.Make: maker, ExifTags.Base.Model: model}) == name


@given(
    st.dictionaries(st.sampled_from([271, 272]), st.one_of(st.text(), st.binary(), st.integers(), st.none()))
)
def test_garbage_names_no_camera_that_cannot_be_shown(garbage: dict[int, Any]) -> None:
    name = camera(garbage)
    assert name.isprintable()
    assert name == name.strip()


# ------------------------------------------------------------------------------------------------ time of shot


@pytest.mark.parametrize("kind", CARRYING_EXIF)
def test_the_time_of_the_shot_is_read(kind: str) -> None:
    data = encoded(scene(1), kind, **FAITHFUL[kind], exif=exif(taken="2021:07:03 12:30:45"))
    assert info_of(data).taken == "2021-07-03 12:30:45"


def test_only_the_time_of_the_shot_says_when_it_was_taken() -> None:
    data = exif(taken="    :  :     :  :  ")
    data.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeDigitized] = "2020:01:02 03:04:05"
    data[ExifTags.Base.DateTime] = "2019:01:01 00:00:00"
    assert info_of(encoded(scene(1), exif=data)).taken is None


@pytest.mark.parametrize(
    "garbage", ["", "yesterday", "2021:02:30 10:00:00", "2021:13:01 10:00:00", "\x00" * 19]
)
def test_a_senseless_time_is_none(garbage: str) -> None:
    assert info_of(encoded(scene(1), exif=exif(taken=garbage))).taken is None


@given(st.binary(max_size=200))
def test_garbage_in_the_exif_data_never_costs_the_picture(garbage: bytes) -> None:
    pixels, info = decode(encoded(scene(1), exif=b"Exif\0\0" + garbage), shortest=10_000)
    assert {info.width, info.height} == {96, 72}
    assert pixels.size == 96 * 72 * 3


# ------------------------------------------------------------------------------------------------------ colour


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    expected = np.repeat((ramp / 257)[:, :, None], 3, axis=2)
    for kind in ("PNG", "TIFF", "JPEG2000"):
        assert far(pixels_of(encoded(Image.fromarray(ramp), kind)), expected) < 1
    colours = np.stack([ramp, ramp[::-1], np.full_like(ramp, 40000)], axis=2)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colours)
    assert far(pixels_of(png(64, 64, 16, 2, rows)), colours / 257) < 1


def test_whole_numbers_and_fractions_of_tiff_are_scaled() -> None:
    ramp = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    expected = np.repeat(ramp[:, :, None] * 255, 3, axis=2)
    for values in (
        ramp,
        ramp * 3000 - 1000,
        (ramp * 65535).astype(np.int32),
        (ramp * 2e9 - 1e9).astype(np.int32),
    ):
        assert far(pixels_of(encoded(Image.fromarray(values), "TIFF")), expected) < 1
    assert pixels_of(encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF")).max() == 0


def test_one_bit_is_black_and_white() -> None:
    board = Image.fromarray(np.indices((32, 32)).sum(axis=0) % 2 == 0)
    expected = np.repeat(np.asarray(board, np.uint8)[:, :, None] * 255, 3, axis=2)
    for kind in ("PNG", "TIFF", "BMP", "GIF"):
        assert np.array_equal(pixels_of(encoded(board, kind)), expected)


def test_what_is_transparent_is_white() -> None:
    half = (*PATCH, 128)
    mixed = [round(channel * 128 / 255 + 255 * 127 / 255) for channel in PATCH]
    for kind in ("PNG", "WEBP", "TIFF", "AVIF", "HEIF"):
        options = FAITHFUL[kind]
        clear = centre(encoded(flat("RGBA", (*PATCH, 0)), kind, **options))
        assert clear == [255, 255, 255]
        assert centre(encoded(flat("RGBA", half), kind, **options)) == pytest.approx(mixed, abs=3)
    assert centre(encoded(flat("LA", (40, 0)), "PNG")) == [255, 255, 255]
    assert centre(encoded(flat("LA", (40, 255)), "PNG")) == [40, 40, 40]


def test_a_transparent_edge_does_not_bleed_its_hidden_colour_when_reduced() -> None:
    image = flat("RGBA", (0, 0, 0, 0), (400, 400))
    image.paste((255, 255, 255, 255), (133, 133, 267, 267))
    assert pixels_of(encoded(image, "PNG"), shortest=50).min() == 255


def test_transparent_colours_of_palettes_and_grey_and_true_colour_are_white() -> None:
    palette = flat("RGB", PATCH).quantize(4)
    assert centre(encoded(palette, "PNG")) == list(PATCH)
    index = palette.getpixel((0, 0))
    for kind in ("PNG", "GIF"):
        assert centre(encoded(palette, kind, transparency=index)) == [255, 255, 255]
    assert centre(encoded(palette, "PNG", transparency=bytes([128] * 4)))[0] in range(226, 230)
    assert centre(encoded(flat("L", 77), "PNG", transparency=77)) == [255, 255, 255]
    assert centre(encoded(flat("L", 78), "PNG", transparency=77)) == [78, 78, 78]
    assert centre(encoded(flat("RGB", PATCH), "PNG", transparency=PATCH)) == [255, 255, 255]
    assert centre(encoded(flat("1", 0), "PNG", transparency=0)) == [255, 255, 255]


def test_transparent_values_of_sixteen_bits_are_white() -> None:
    grey = b"".join(b"\0" + struct.pack(">4H", 1000, 30000, 1001, 65535) for _ in range(4))
    pixels = pixels_of(png(4, 4, 16, 0, grey, chunk(b"tRNS", struct.pack(">H", 1000))))
    assert pixels[0, :, 0].tolist() == [255, 117, 4, 255]
    colour = b"".join(b"\0" + struct.pack(">6H", 65535, 0, 0, 30000, 30000, 30000) for _ in range(2))
    pixels = pixels_of(png(2, 2, 16, 2, colour, chunk(b"tRNS", struct.pack(">3H", 65535, 0, 0))))
    assert pixels[0, 1].tolist() == pytest.approx([117, 117, 117], abs=1)


def test_cmyk_comes_out_right_in_jpeg_and_tiff() -> None:
    inks = Image.merge("CMYK", [flat("L", value, (32, 32)) for value in (30, 200, 220, 20)])
    expected = np.asarray(inks.convert("RGB"))
    assert expected[0, 0].tolist() == [207, 51, 32]
    for kind in ("JPEG", "TIFF"):
        assert far(pixels_of(encoded(inks, kind)), expected) < 2
    assert far(pixels_of(encoded(inks, "TIFF", compression="tiff_lzw")), expected) < 2


def test_an_adobe_jpeg_of_brightness_colour_and_black_comes_out_right() -> None:
    cyan, magenta, yellow, black = 30, 200, 220, 20
    # Adobe stores the inks inverted, the first three as brightness and colour of what is left of the light.
    light = flat("RGB", (cyan, magenta, yellow), (32, 32)).convert("YCbCr")
    stored = [*light.split(), flat("L", 255 - black, (32, 32))]
    data = bytearray(encoded(Image.merge("CMYK", [ImageChops.invert(channel) for channel in stored])))
    marker = data.index(b"Adobe")
    assert data[marker + 11] == 0
    data[marker + 11] = 2
    inks = Image.merge("CMYK", [flat("L", value, (32, 32)) for value in (cyan, magenta, yellow, black)])
    assert far(pixels_of(bytes(data)), inks.convert("RGB")) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_a_colour_profile_is_followed_to_srgb(kind: str) -> None:
    swapped = encoded(flat("RGB", PATCH), kind, **FAITHFUL[kind], icc_profile=rgb_profile(2.2, "BGR"))
    assert centre(swapped) == pytest.approx(PATCH[::-1], abs=6)


def test_linear_light_becomes_the_curve_of_srgb() -> None:
    data = encoded(flat("RGB", (55, 55, 55)), "PNG", icc_profile=rgb_profile(1.0))
    linear = 55 / 255
    assert centre(data) == pytest.approx([255 * (1.055 * linear ** (1 / 2.4) - 0.055)] * 3, abs=2)
    grey = encoded(flat("L", 55), "PNG", icc_profile=grey_profile(1.0))
    assert centre(grey) == pytest.approx(centre(data), abs=1)
    clear = encoded(flat("RGBA", (55, 55, 55, 255)), "PNG", icc_profile=rgb_profile(1.0))
    assert centre(clear) == centre(data)


def test_a_profile_that_is_damaged_or_of_other_colours_is_left_aside() -> None:
    for profile in (b"garbage" * 40, rgb_profile()[:150], grey_profile(1.0)):
        assert centre(encoded(flat("RGB", PATCH), "PNG", icc_profile=profile)) == list(PATCH)
    inks = flat("CMYK", (0, 0, 0, 128))
    assert centre(encoded(inks, "TIFF", icc_profile=rgb_profile())) == [127, 127, 127]


def test_cielab_is_understood() -> None:
    grey = encoded(Image.merge("LAB", [flat("L", value) for value in (128, 128, 128)]), "TIFF")
    assert centre(grey) == pytest.approx([119, 119, 119], abs=4)


# --------------------------------------------------------------------------------------------- hostile content


@pytest.mark.parametrize("kind", FAITHFUL)
@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
def test_a_file_that_breaks_off_is_damaged_wherever_it_does(kind: str, fraction: float) -> None:
    data = encoded(scene(2, 400, 300), kind, **FAITHFUL[kind])
    for shortest in (64, 10_000):
        error = failure(data[: max(32, int(len(data) * fraction))], shortest=shortest)
        assert error.reason is Reason.DAMAGED
        assert error.detail


def test_the_preview_of_a_heic_file_that_breaks_off_is_not_trusted() -> None:
    data = encoded(scene(5, 400, 300), "HEIF", **FAITHFUL["HEIF"], thumbnails=[100])
    assert _boxes_are_complete(io.BytesIO(data))
    endless = data.replace(struct.pack(">I", len(data) - data.index(b"mdat") + 4) + b"mdat", b"\0\0\0\0mdat")
    assert endless != data
    for broken in (data[:-1], data[:20], data + b"rest", endless):
        assert not _boxes_are_complete(io.BytesIO(broken))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("ending", [b"", b"\xff\xd9", bytes(4000), bytes(4000) + b"\xff\xd9"])
def test_a_jpeg_that_lacks_its_lower_half_is_damaged_however_it_ends(
    ending: bytes, options: dict[str, Any]
) -> None:
    data = encoded(scene(1, 320, 240), **options)
    cut = data[: len(data) // (8 if "progressive" in options else 2)]
    if ending.startswith(b"\0") and ending.endswith(b"\xff\xd9"):
        pytest.skip("zeros are valid data: they spell a picture")
    for shortest in (40, 10_000):
        assert failure(cut + ending, shortest=shortest).reason is Reason.DAMAGED


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True}]
)
def test_a_whole_jpeg_with_a_flat_lower_edge_is_no_damage(options: dict[str, Any]) -> None:
    drawn = scene(2, 320, 240)
    drawn.paste((255, 255, 255), (0, 120, 320, 240))
    for picture in (drawn, drawn.convert("L"), flat("RGB", (0, 0, 0), (200, 100))):
        for trailer in (b"", b"a video of the moment" * 100, b"\xff\xd9"):
            pixels = pixels_of(encoded(picture, **options) + trailer)
            assert far(pixels, picture.convert("RGB")) < 2


@pytest.mark.parametrize(
    "data",
    [
        b"#!/bin/sh\necho photo\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"8BPS\0\1" + bytes(100),
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100),
        b"BMessage to nobody, of more than twenty bytes",
        b"\xff\xd8",
        bytes(1000),
    ],
)
def test_what_has_no_known_signature_is_no_picture(data: bytes) -> None:
    assert sniff(data) is None
    assert failure(data).reason is Reason.NOT_A_PICTURE


def test_an_empty_file_is_damaged_and_says_so() -> None:
    error = failure(b"")
    assert error.reason is Reason.DAMAGED
    assert "empty" in str(error)


def test_fifty_thousand_pixels_squared_are_refused_by_the_header_alone() -> None:
    error = failure(png(50_000, 50_000, 8, 2, b""))
    assert error.reason is Reason.TOO_LARGE
    assert "50000 x 50000" in str(error)


@pytest.mark.parametrize("kind", FAITHFUL)
def test_the_limit_of_pixels_holds_for_every_format(kind: str) -> None:
    data = encoded(scene(1, 100, 80), kind, **FAITHFUL[kind])
    assert failure(data, pixel_limit=7999).reason is Reason.TOO_LARGE
    assert decode(data, shortest=8, pixel_limit=8000)[1].width == 100


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {}, {"save_all": True, "append_images": [scene(2, 99, 77)]}]
)
def test_the_size_of_a_webp_file_is_told_by_its_head(options: dict[str, Any]) -> None:
    data = encoded(scene(1, 99, 77), "WEBP", **options)
    assert size_from_header("WEBP", data[:HEAD_BYTES]) == (99, 77)


def test_a_large_photo_within_the_limit_raises_no_warning() -> None:
    rows = (b"\0" + b"\xff" * 1250) * 10_000
    pixels, info = decode(png(10_000, 10_000, 1, 0, rows), shortest=100)
    assert info.width == 10_000
    assert pixels.min() == 255


@given(
    st.sampled_from(sorted(FAITHFUL)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=6),
)
def test_flipped_bits_give_a_picture_or_a_named_failure_and_nothing_else(
    kind: str, flips: list[tuple[float, int]]
) -> None:
    data = bytearray(SMALL[kind])
    for place, mask in flips:
        data[int(place * len(data))] ^= mask
    outcome: tuple[Pixels, PictureInfo] | DecodeError
    try:
        outcome = decode(bytes(data), shortest=32, pixel_limit=100_000)
    except DecodeError as error:
        outcome = error
    if isinstance(outcome, DecodeError):
        assert outcome.reason in {Reason.DAMAGED, Reason.NOT_A_PICTURE, Reason.TOO_LARGE, Reason.MEMORY}
        assert str(outcome).isprintable()
    else:
        pixels, info = outcome
        assert pixels.dtype == np.uint8
        assert pixels.shape[2] == 3
        assert info.width * info.height <= 100_000


SMALL = {kind: encoded(scene(2, 60, 50), kind, **options) for kind, options in FAITHFUL.items()}


def test_an_error_of_the_system_is_not_taken_for_damage() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(OSError, match="Input/output error"):
        decode(Failing(encoded(noise(1, 400, 400))), shortest=64)


# -------------------------------------------------------------------------------------------------------- RAW


def test_a_raw_photo_is_never_taken_for_its_thumbnail() -> None:
    photo = raw_photo(encoded(scene(1, 160, 120)), (640, 480))
    assert sniff(photo) == "TIFF"
    if formats()["RAW"]:
        assert info_of(photo).format == "RAW"
    else:
        error = failure(photo)
        assert error.reason is Reason.NOT_A_PICTURE
        assert "rawpy" in str(error)


def test_a_tiff_that_is_whole_but_of_an_unknown_kind_is_not_called_damaged() -> None:
    data = encoded(scene(1), "TIFF")
    unknown = data.replace(struct.pack("<HHIHH", 262, 3, 1, 2, 0), struct.pack("<HHIHH", 262, 3, 1, 32803, 0))
    assert unknown != data
    assert failure(data[:8]).reason is Reason.DAMAGED
    assert failure(unknown).reason is Reason.NOT_A_PICTURE


def test_a_raw_photo_is_read_by_its_preview() -> None:
    pytest.importorskip("rawpy", reason="the extra vtsfind[raw] is not installed")
    drawn = scene(1, 120, 160)
    photo = raw_photo(encoded(turned(drawn, 6)), (640, 480), orientation=6)
    pixels, info = decode(photo, shortest=10_000)
    assert far(pixels, drawn) < 2
    assert read_camera(io.BytesIO(photo)) == "Maker Model"
    assert info == PictureInfo(480, 640, 6, "2020-02-03 04:05:06", "RAW", "Maker Model")


# ---------------------------------------------------------------------------------------------------- prepare


def test_squash_resizes_the_whole_picture_to_the_square() -> None:
    drawn = scene(6, 300, 200)
    squashed = prepare(np.asarray(drawn), Preprocessing(112))
    assert squashed.dtype == np.uint8
    assert np.array_equal(squashed, np.asarray(drawn.resize((112, 112), Image.Resampling.BICUBIC)))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(300, 200), (200, 300), (256, 256), (50, 400)])
def test_crop_takes_the_middle_of_the_resized_picture(size: tuple[int, int], interpolation: Any) -> None:
    drawn = scene(6, *size)
    record = Preprocessing(96, fit="crop", resize=128, interpolation=interpolation)
    scale = 128 / min(size)
    whole = drawn.resize(
        (round(size[0] * scale), round(size[1] * scale)), Image.Resampling[interpolation.upper()]
    )
    left, top = round((whole.width - 96) / 2), round((whole.height - 96) / 2)
    assert far(prepare(np.asarray(drawn), record), whole.crop((left, top, left + 96, top + 96))) < 2


def test_a_very_long_picture_is_prepared_without_making_it_huge() -> None:
    strip = np.zeros((200_000, 1, 3), np.uint8)
    for fit in ("squash", "crop"):
        record = Preprocessing(224, fit=fit, resize=256 if fit == "crop" else 0)
        assert prepare(strip, record).shape == (224, 224, 3)


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from(["squash", "crop"]), st.integers(0, 9))
def test_preparing_gives_the_square_and_the_same_every_time(
    width: int, height: int, fit: Any, resize_by: int
) -> None:
    pixels = np.asarray(noise(1, width, height))
    record = Preprocessing(24, fit=fit, resize=24 + resize_by if fit == "crop" else 0)
    first = prepare(pixels, record)
    assert first.shape == (24, 24, 3)
    assert np.array_equal(first, prepare(pixels.copy(), record))
    one_colour = prepare(np.full_like(pixels, 77), record)
    assert np.unique(one_colour).tolist() == [77]


def test_reducing_first_hardly_changes_what_the_model_sees() -> None:
    data = encoded(scene(3, 2000, 1500))
    record = Preprocessing(112)
    small = prepare(decode(data, shortest=224)[0], record)
    full = prepare(decode(data, shortest=10_000)[0], record)
    assert far(small, full) < 2
