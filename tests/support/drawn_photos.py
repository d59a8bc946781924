"""Pictures that tests draw themselves: distinct, reproducible, and in every shape that matters."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

Pixels = npt.NDArray[np.uint8]
Tags = dict[int, bytes | int | list[int]]

# How a picture whose EXIF orientation is the key must be stored, so that turning it upright gives the drawn one.
STORED_AS: dict[int, Image.Transpose | None] = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def scene(seed: int, width: int = 96, height: int = 72) -> Image.Image:
    """Draw a smooth, colourful picture that shows something else for every seed and has no symmetry."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def noise(seed: int, width: int, height: int) -> Image.Image:
    """Draw a picture that no codec can make small."""
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Encode a picture as Pillow's format `kind`; JPEG in full colour resolution and high quality unless told."""
    if isinstance(options.get("exif"), Image.Exif):
        options["exif"] = options["exif"].tobytes()  # not every writer takes it as an object
    if kind == "JPEG":
        options = {"quality": 95, "subsampling": 0, **options}
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(
    orientation: int | None = None, taken: str | None = None, camera: tuple[str, str] | None = None
) -> Image.Exif:
    """Make EXIF data with an orientation, a time of the shot (`YYYY:MM:DD HH:MM:SS`), and maker and model of the camera."""
    data = Image.Exif()
    if camera is not None:
        data[ExifTags.Base.Make], data[ExifTags.Base.Model] = camera
    if orientation is not None:
        data[ExifTags.Base.Orientation] = orientation
    if taken is not None:
        data.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    return data


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Turn a picture to the way a camera stores it with that EXIF orientation."""
    how = STORED_AS[orientation]
    return image if how is None else image.transpose(how)


def write(path: Path, image: Image.Image, **options: Any) -> Path:
    """Write a picture in the format that the name's ending says, making its folder."""
    kind = Image.registered_extensions()[path.suffix.lower()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(image, kind, **options))
    return path


def album(folder: Path) -> Path:
    """Fill a folder with twelve photos: nine scenes in six formats, and three turned copies of scene 0.

    The turned copies show scene 0 upright once their EXIF orientation is applied.
    """
    for seed, name in enumerate(
        ["beach.jpg", "cat.jpg", "dog.png", "hill.webp", "lake.tif", "moon.bmp", "park.gif"]
    ):
        write(folder / name, scene(seed))
    write(folder / "trip" / "road.jpeg", scene(7, 72, 96), exif=exif(taken="2021:07:03 12:30:45"))
    write(folder / "trip" / "TOWER.JPG", scene(8, 128, 64))
    for orientation in (3, 6, 8):
        photo = turned(scene(0), orientation)
        write(folder / "turned" / f"beach-{orientation}.jpg", photo, exif=exif(orientation))
    return folder


def rgb_profile(gamma: float = 1.0, order: str = "RGB") -> bytes:
    """Build an ICC profile whose channels, in this order, have the primaries of sRGB and one gamma."""
    # Primaries of sRGB, adapted to the white of ICC profiles (D50).
    primaries = {"R": (0.4361, 0.2225, 0.0139), "G": (0.3851, 0.7169, 0.0971), "B": (0.1431, 0.0606, 0.7141)}
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    text = "made by a test".encode("utf-16-be")
    tags = {
        b"desc": b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(text), 28) + text,
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
        **{
            slot + b"XYZ": _xyz(primaries[name]) for slot, name in zip((b"r", b"g", b"b"), order, strict=True)
        },
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _profile(b"RGB ", tags)


def grey_profile(gamma: float) -> bytes:
    """Build an ICC profile of one grey channel with a gamma."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    return _profile(b"GRAY", {b"wtpt": _xyz((0.9642, 1.0, 0.8249)), b"kTRC": curve})


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Put an ICC profile together: a header of 128 bytes, a table of tags, their data in steps of four bytes."""
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(data), b"", 0x02400000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp")
    head = head.ljust(68, b"\0") + struct.pack(">3i", *(round(v * 65536) for v in (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + table + data


def raw_photo(preview: bytes, size: tuple[int, int], orientation: int = 1) -> bytes:
    """Build a RAW photo (DNG): a preview in JPEG, and below it the sensor's values, all black."""
    with Image.open(io.BytesIO(preview)) as small:
        preview_size = small.size
    mosaic = bytes(size[0] * size[1] * 2)

    def directories(sub: int, preview_at: int, mosaic_at: int) -> tuple[bytes, bytes]:
        first: Tags = {
            **_strip(preview_size, 8, preview_at, len(preview), subfile=1, compression=7, photometric=6),
            271: b"Maker\0",
            272: b"Model\0",
            274: [orientation],
            330: sub,
            36867: b"2020:02:03 04:05:06\0",
            50706: bytes([1, 4, 0, 0]),
            50708: b"Maker Model\0",
        }
        second = _strip(size, 16, mosaic_at, len(mosaic), subfile=0, compression=1, photometric=32803)
        second |= {33421: [2, 2], 33422: bytes([0, 1, 1, 2])}
        return _directory(first, 8), _directory(second, sub)

    lengths = [len(part) for part in directories(0, 0, 0)]
    sub = 8 + lengths[0]
    preview_at = sub + lengths[1]
    parts = directories(sub, preview_at, preview_at + len(preview))
    return b"II*\0\x08\0\0\0" + b"".join(parts) + preview + mosaic


def _strip(
    size: tuple[int, int],
    depth: int,
    at: int,
    length: int,
    *,
    subfile: int,
    compression: int,
    photometric: int,
) -> Tags:
    channels = 3 if depth == 8 else 1
    return {
        254: subfile,
        256: size[0],
        257: size[1],
        258: [depth] * channels,
        259: [compression],
        262: [photometric],
        273: at,
        277: [channels],
        278: size[1],
        279: length,
    }


def _directory(tags: Tags, at: int) -> bytes:
    """Write a TIFF directory to stand at a place in a file: bytes, one long number, or short ones a tag."""
    body, extra = struct.pack("<H", len(tags)), b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, bytes):
            kind, count, data = 2 if tag in {271, 272, 306, 50708} else 1, len(value), value
        elif isinstance(value, int):
            kind, count, data = 4, 1, struct.pack("<I", value)
        else:
            kind, count, data = 3, len(value), struct.pack(f"<{len(value)}H", *value)
        if len(data) > 4:
            place = at + 2 + 12 * len(tags) + 4 + len(extra)
            extra += data + bytes(len(data) % 2)
            data = struct.pack("<I", place)
        body += struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0")
    return body + bytes(4) + extra
