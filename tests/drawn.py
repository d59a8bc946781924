"""Pictures that tests draw themselves: distinct, reproducible, and in every shape that matters."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

Pixels = npt.NDArray[np.uint8]

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
    if kind == "JPEG":
        options = {"quality": 95, "subsampling": 0, **options}
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int | None = None, taken: str | None = None) -> Image.Exif:
    """Make EXIF data with an orientation and a time of the shot (`YYYY:MM:DD HH:MM:SS`)."""
    data = Image.Exif()
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
