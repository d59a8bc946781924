"""What a file holds besides one picture, in every format."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.drawn_photos import encoded, raw_photo, rgb_profile, scene
from support.rich_files import (
    camera_exif,
    deep_png,
    iptc_segment,
    motion_photo,
    several,
    with_gain_map,
    with_segment,
    xmp,
)

from vtsfind.base.contents import Contents, Item, ItemKind
from vtsfind.base.quality import Details
from vtsfind.base.records import PIXEL_LIMIT
from vtsfind.media import formats
from vtsfind.media.quality import examine
from vtsfind.media.work import Setup

formats.register(formats.HEIF)  # so that tests can write them
SETUP = Setup(PIXEL_LIMIT, 0, 30)


def details(data: bytes, *, full: bool = True) -> Details:
    return examine(data, SETUP, shortest=64, full=full).details


def contents(data: bytes, *, full: bool = True) -> Contents:
    found = details(data, full=full).contents
    assert found
    return found


def kinds(data: bytes) -> set[ItemKind]:
    return {item.kind for item in contents(data, full=False).items}


def webp(image: Image.Image, **options: Any) -> bytes:
    return encoded(image, "WEBP", **options)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "HEIF", "AVIF", "JPEG2000"])
def test_a_plain_picture_holds_nothing_else(kind: str) -> None:
    found = contents(encoded(scene(0), kind))
    assert found.described() == (["palette colours"] if kind == "GIF" else [])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "HEIF", "AVIF", "JPEG2000"])
def test_what_stands_behind_the_end_of_a_picture_is_seen(kind: str) -> None:
    assert kinds(encoded(scene(0), kind) + b"\0\0something") == {ItemKind.TRAILER}
    assert kinds(encoded(scene(0), kind) + b"\0\0\0\0") == set()


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG", "WEBP", "HEIF"])
def test_frames_and_pages_are_counted(kind: str) -> None:
    found = contents(several(kind, [scene(0), scene(1), scene(2)]))
    assert (found.frames, found.animated) == (3, kind in {"GIF", "PNG", "WEBP"})


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG", "WEBP", "HEIF"])
def test_files_that_share_their_first_frame_alone_have_other_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {"quality": -1} if kind == "HEIF" else {}
    one, two = (several(kind, [scene(0), scene(n)], **options) for n in (1, 2))
    first = details(encoded(scene(0), kind, **options)).pixels
    assert len({details(one).pixels, details(two).pixels, first}) == 3
    assert details(one).pixels == details(several(kind, [scene(0), scene(1)], **options)).pixels != b""


def test_a_stereo_picture_holds_a_further_picture() -> None:
    one, two = (several("MPO", [scene(0), scene(n)]) for n in (1, 2))
    assert kinds(one) == {ItemKind.PICTURE}
    assert details(one).pixels != details(two).pixels


def test_a_motion_photo_holds_a_film_and_a_gain_map_is_no_picture_of_its_own() -> None:
    still = encoded(scene(0))
    assert kinds(motion_photo(still)) == {ItemKind.VIDEO}
    assert kinds(with_gain_map(still)) == {ItemKind.GAIN_MAP}
    assert kinds(motion_photo(with_gain_map(still))) == {ItemKind.GAIN_MAP, ItemKind.VIDEO}
    heif = encoded(scene(0), "HEIF")
    assert kinds(heif + b"\0\0\0\x0cmpvdfilm") == {ItemKind.VIDEO}


def test_the_same_part_has_the_same_value_and_another_one_another() -> None:
    still, other = encoded(scene(0)), encoded(scene(0), quality=70)
    assert contents(with_gain_map(still)).items == contents(with_gain_map(other)).items
    assert contents(with_gain_map(still, 1)).items != contents(with_gain_map(still, 2)).items


def test_an_alpha_channel_counts_if_it_is_in_use() -> None:
    image = scene(0).convert("RGBA")
    assert not contents(encoded(image, "PNG")).transparent
    image.putpixel((3, 3), (1, 2, 3, 200))
    assert contents(encoded(image, "PNG")).transparent
    assert contents(webp(image, lossless=True)).transparent


def test_white_logos_on_transparent_ground_have_other_pixels() -> None:
    pixels = np.full((64, 64, 4), 255, np.uint8)
    pixels[..., 3] = 0
    one, two = pixels.copy(), pixels.copy()
    one[10:30, 10:30, 3], two[30:50, 20:60, 3] = 255, 255
    first, second = (encoded(Image.fromarray(each), "PNG") for each in (one, two))
    assert details(first).pixels != details(second).pixels
    assert details(first).pixels == details(webp(Image.fromarray(one), lossless=True, exact=True)).pixels


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 3)])
def test_sixteen_bits_count_if_they_are_in_use(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, 65535, shape).astype(np.uint16)
    assert contents(deep_png(values)).bits == 16
    assert contents(deep_png((values >> 8) * 257)).bits == 8
    assert details(deep_png(values)).pixels != details(deep_png(values ^ 1)).pixels
    assert details(deep_png(values)).pixels == details(deep_png(values.copy())).pixels != b""


def test_label_maps_with_small_values_have_other_pixels() -> None:
    labels = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32) % 200
    assert details(deep_png(labels)).pixels != details(deep_png(labels[::-1])).pixels


def test_the_colours_as_stored_are_told() -> None:
    assert contents(encoded(scene(0).convert("CMYK"))).colours == "CMYK"
    assert contents(encoded(scene(0).convert("L"))).colours == "grey"
    assert contents(encoded(scene(0).convert("P"), "PNG")).colours == "palette"
    assert contents(encoded(scene(0), icc_profile=rgb_profile())).profile == "made by a test"


def test_the_cameras_data_are_told() -> None:
    exif = camera_exif(subseconds="120", offset="+02:00", place=(48.137, -11.575))
    assert contents(encoded(scene(0), exif=exif)).items == (
        Item(ItemKind.TIME, "2021-07-03 12:30:45"),
        Item(ItemKind.SUBSECONDS, ".12"),
        Item(ItemKind.TIME_ZONE, "+02:00"),
        Item(ItemKind.CAMERA, "Maker Model"),
        Item(ItemKind.PLACE, "48.1370, -11.5750"),
        Item(ItemKind.MAKER_NOTE, ""),
    )


def test_the_time_of_saving_is_no_time_of_the_shot() -> None:
    exif = camera_exif(taken=None, model=None, changed="2021:07:03 12:37:45")
    assert kinds(encoded(scene(0), exif=exif)) == set()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_what_people_wrote_is_told_in_every_format(kind: str) -> None:
    packet = xmp(keywords=["sea", "beach"], caption="At the sea", rating=4, faces=["Ann"])
    data = (
        _png_with_xmp(packet)
        if kind == "PNG"
        else encoded(scene(0), kind, tiffinfo={700: packet})
        if kind == "TIFF"
        else encoded(scene(0), kind, xmp=packet)
    )
    assert contents(data).items == (
        Item(ItemKind.KEYWORD, "beach"),
        Item(ItemKind.KEYWORD, "sea"),
        Item(ItemKind.CAPTION, "At the sea"),
        Item(ItemKind.RATING, "4"),
        Item(ItemKind.FACE, "Ann"),
    )


def _png_with_xmp(packet: bytes) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet.decode())
    return encoded(scene(0), "PNG", pnginfo=info)


def test_iptc_says_the_same_as_xmp() -> None:
    iptc = with_segment(encoded(scene(0)), 0xED, iptc_segment(["sea"], "At the sea"))
    assert (
        contents(iptc).items
        == contents(encoded(scene(0), xmp=xmp(keywords=["sea"], caption="At the sea"))).items
    )


def test_steps_of_editing_that_are_not_in_the_pixels_count() -> None:
    pending, applied = {"Exposure2012": "+1.00"}, {"Exposure2012": "+1.00", "AlreadyApplied": "True"}
    assert kinds(encoded(scene(0), xmp=xmp(edits=pending))) == {ItemKind.EDITS}
    assert kinds(encoded(scene(0), xmp=xmp(edits=applied))) == set()


def test_xmp_that_is_not_understood_counts_as_something_of_its_own() -> None:
    assert kinds(encoded(scene(0), xmp=b"<x><y></x>")) == {ItemKind.UNREADABLE}
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    assert kinds(encoded(scene(0), xmp=bomb)) == {ItemKind.UNREADABLE}


def test_a_depth_map_in_extended_xmp_is_seen() -> None:
    text = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Data="AAAA"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    half = len(text) // 2
    data = encoded(scene(0))
    for offset, part in ((half, text[half:]), (0, text[:half])):
        head = b"http://ns.adobe.com/xmp/extension/\0" + b"G" * 32
        lengths = len(text).to_bytes(4, "big") + offset.to_bytes(4, "big")
        data = with_segment(data, 0xE1, head + lengths + part)
    assert kinds(data) == {ItemKind.DEPTH_MAP}


def test_texts_of_a_png_are_told() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a cat in a hat")
    info.add_text("Software", "a program")
    assert contents(encoded(scene(0), "PNG", pnginfo=info)).items == (
        Item(ItemKind.TEXT, "parameters: a cat in a hat"),
    )


def test_a_raw_photo_is_deep_and_has_no_pixels_of_its_own() -> None:
    pytest.importorskip("rawpy")
    found = details(raw_photo(encoded(scene(0)), (96, 72)))
    assert found.contents
    assert found.contents.bits == 16
    assert found.pixels == b""


def test_a_large_file_is_read_from_the_disk_with_the_same_result(tmp_path: Any) -> None:
    data = motion_photo(encoded(scene(0), xmp=xmp(keywords=["sea"])))
    (tmp_path / "a.jpg").write_bytes(data)
    with open(tmp_path / "a.jpg", "rb") as file:
        assert examine(file, SETUP, shortest=64, full=True).details == details(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "HEIF"])
def test_a_file_that_breaks_off_or_is_garbled_costs_no_more_than_what_it_holds(kind: str) -> None:
    from vtsfind.media.containers import read_container

    data = encoded(scene(0), kind)
    random = np.random.default_rng(0)
    for length in random.integers(1, len(data), 40).tolist():
        read_container(data[:length].ljust(16, b"\0"), kind)
        garbled = np.frombuffer(data, np.uint8).copy()
        garbled[random.integers(0, len(data), 8)] = random.integers(0, 255, 8)
        read_container(garbled.tobytes(), kind)


def test_details_survive_their_record() -> None:
    found = details(motion_photo(encoded(scene(0), exif=camera_exif(), xmp=xmp(keywords=["sea"]))))
    assert Details.from_record(found.to_record()) == found
    with pytest.raises(ValueError, match="no details"):
        Details.from_record({})


def test_what_a_file_holds_is_said_in_few_words() -> None:
    items = (
        Item(ItemKind.VIDEO, "00ff"),
        Item(ItemKind.KEYWORD, "sea"),
        Item(ItemKind.KEYWORD, "beach"),
    )
    found = Contents(frames=3, animated=True, transparent=True, bits=16, items=items)
    assert found.described() == [
        "3 frames", "transparency", "16 bits a channel", "motion video", "keyword beach, sea",
    ]  # fmt: skip


def test_the_middle_of_a_jpeg_is_not_its_end() -> None:
    """A picture within a picture, as a thumbnail in the EXIF data, does not end the outer one."""
    buffer = io.BytesIO()
    scene(1).save(buffer, "JPEG")
    data = with_segment(encoded(scene(0)), 0xE1, b"Exif\0\0" + buffer.getvalue()[:60000])
    assert kinds(data) == set()
