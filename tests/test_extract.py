"""One read of a file tells all that a comparison and a keep policy want to know of it."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps
from support import real_photos
from support.drawn_photos import encoded, exif, noise
from support.textures import photograph

from vtsfind.base.progress import CancelToken
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure, Found, Reason
from vtsfind.find.features.extract import ExtractFeatures
from vtsfind.find.features.features import features
from vtsfind.find.features.packed import details_of, pack, unpack
from vtsfind.media.decode import decode
from vtsfind.media.pool import Job, JobResult, WorkPool
from vtsfind.media.quality import border, examine
from vtsfind.media.scan import stamp_of
from vtsfind.media.work import Setup

SETUP = Setup(10_000_000, 1 << 30, 30.0)


def told(data: bytes, *, full: bool = False) -> Details:
    return examine(data, SETUP, shortest=64, full=full).details


@pytest.mark.parametrize("quality", [30, 50, 75, 90, 95, 100])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(quality: int) -> None:
    assert told(encoded(photograph(0, 96, 72), quality=quality)).quality == quality


@pytest.mark.parametrize(
    ("kind", "options", "lossless"),
    [
        ("JPEG", {}, False),
        ("PNG", {}, True),
        ("BMP", {}, True),
        ("TIFF", {}, True),
        ("TIFF", {"compression": "tiff_lzw"}, True),
        ("TIFF", {"compression": "jpeg"}, False),
        ("WEBP", {"lossless": True}, True),
        ("WEBP", {"quality": 80}, False),
    ],
)
def test_what_keeps_every_pixel_is_known_as_lossless(
    kind: str, options: dict[str, Any], *, lossless: bool
) -> None:
    details = told(encoded(photograph(0, 96, 72), kind, **options))
    assert details.lossless is lossless
    assert (details.quality is not None) is (kind == "JPEG")


def test_the_exif_data_are_told() -> None:
    data = exif(taken="2021:07:03 12:30:45")
    data[ExifTags.Base.Make], data[ExifTags.Base.Model] = "Canon", "Canon EOS 5D\0"
    data[ExifTags.Base.Software] = "GIMP\n2.10"
    data[0x4746] = 4
    shot = data.get_ifd(ExifTags.IFD.Exif)
    shot[ExifTags.Base.ExifImageWidth], shot[ExifTags.Base.ExifImageHeight] = 4000, 3000
    place = data.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitude] = place[ExifTags.GPS.GPSLongitude] = (1.0, 2.0, 3.0)
    details = told(encoded(photograph(0, 96, 72), exif=data))
    assert (details.camera, details.software, details.rating) == ("Canon EOS 5D", "GIMP 2.10", 4)
    assert (details.gps, details.exif_size, details.screenshot) == (True, (4000, 3000), False)
    assert details.exif_fields >= 9
    assert told(encoded(photograph(0, 96, 72))).exif_fields == 0


def test_the_stars_of_an_xmp_packet_count() -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf xmp:Rating="5"/></x:xmpmeta>'
    assert told(encoded(photograph(0, 96, 72), xmp=packet)).rating == 5


def test_garbage_in_the_head_costs_nothing() -> None:
    data = encoded(photograph(0, 96, 72), exif=exif(taken="2021:07:03 12:30:45"))
    start = data.index(b"Exif") + 14
    broken = data[:start] + b"\xff" * 40 + data[start + 40 :]
    details = told(broken)
    assert (details.quality, details.camera) == (95, "")


def test_the_pixels_are_hashed_in_full_only_when_asked() -> None:
    image = photograph(0, 300, 200)
    assert told(encoded(image, "PNG")).pixels == b""
    one, other = (told(encoded(image, "PNG", compress_level=level), full=True) for level in (1, 9))
    assert one.pixels == other.pixels != b""
    assert told(encoded(image, "BMP"), full=True).pixels == one.pixels
    assert told(encoded(image.transpose(Image.Transpose.ROTATE_90), "PNG"), full=True).pixels != one.pixels


def test_a_border_all_around_is_told_from_a_dark_sky() -> None:
    image = photograph(0, 200, 150)
    framed = ImageOps.expand(image, 25, (246, 244, 238))
    assert border(np.asarray(image)) == 0
    assert border(np.asarray(framed)) == pytest.approx(1 - 200 * 150 / (250 * 200), abs=0.01)
    turned = image.rotate(25, expand=True)
    assert border(np.asarray(turned)) == pytest.approx(
        1 - 200 * 150 / (turned.width * turned.height), abs=0.02
    )
    sky = image.copy()
    sky.paste((5, 5, 9), (0, 0, 200, 60))
    assert border(np.asarray(sky)) == 0
    assert told(encoded(framed, quality=85)).border > 0.3


@pytest.mark.parametrize("quality", [None, 90])
def test_an_enlarged_photograph_is_told_from_a_sharp_one(quality: int | None) -> None:
    sharp: list[float | None] = []
    enlarged: list[float | None] = []
    for path in real_photos.FILES:
        image = Image.fromarray(decode(path.read_bytes(), shortest=256)[0])
        twice = image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)
        for picture, results in ((image, sharp), (twice, enlarged)):
            data = encoded(picture, quality=quality) if quality else encoded(picture, "PNG")
            results.append(told(data, full=True).detail)
    assert set(sharp) == {None}
    assert enlarged.count(0.5) >= 0.6 * len(enlarged)
    assert told(encoded(Image.new("RGB", (300, 200)), "PNG"), full=True).detail is None


def test_a_file_of_several_pictures_has_other_pixels_than_its_first_one() -> None:
    frames = [noise(seed, 40, 30).quantize(64) for seed in (0, 1)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert told(buffer.getvalue(), full=True).pixels != told(encoded(frames[0], "GIF"), full=True).pixels


def test_what_was_packed_comes_back() -> None:
    found = features(np.asarray(photograph(0)))
    details = Details(quality=90, exif_size=(4, 3), camera="\u00e9", pixels=bytes(range(32)))
    packed = pack(details, found)
    own, same = unpack(bytearray(packed))
    assert (own, details_of(packed)) == (details, details)
    assert same.to_bytes() == found.to_bytes()


@pytest.mark.parametrize("data", [b"", b"\1\0", b"\4\0\0\0null", b"\2\0\0\0{}", b"\2\0\0\0[]"])
def test_what_was_not_packed_does_not_come_back(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(data)


def test_a_look_does_not_depend_on_whether_it_was_in_full() -> None:
    data = encoded(photograph(3, 900, 700), quality=90)
    looks = [ExtractFeatures(full)(data, SETUP) for full in (False, True)]
    assert unpack(looks[0].data)[1].to_bytes() == unpack(looks[1].data)[1].to_bytes()
    assert looks[0].info == looks[1].info == decode(data, shortest=64)[1]


def test_worker_processes_look_at_photos(tmp_path: Path) -> None:
    photo, broken = tmp_path / "photo.jpg", tmp_path / "broken.jpg"
    photo.write_bytes(encoded(photograph(0)))
    broken.write_bytes(photo.read_bytes()[:3000])
    jobs = [
        Job(Found(os.fsencode(path), stamp_of(os.stat(path))), ExtractFeatures(full=True))
        for path in (photo, broken)
    ]
    with WorkPool(workers=1) as pool:
        first, second = pool.done(jobs, CancelToken())
    assert isinstance(first, JobResult)
    assert first.data is not None
    assert len(unpack(first.data)[0].pixels) == 32
    assert isinstance(second, Failure)
    assert second.reason is Reason.DAMAGED
