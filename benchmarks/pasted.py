"""What becomes of small changes: squares of another photo, squares of other colours, and a digit on a scanned page.

    python -m benchmarks.pasted --photos FOLDER [--changes N] [--honest N] [--pages N] [--processes N] [--write]

Each photo is compared with itself, changed in a square of 2, 3 or 6 % of its longer side (`brightness and colour` from another photo, or
only its `colour`), saved as JPEG of quality 50 to 95; pages of 150 dpi with one other digit, 12 pixels high, likewise. *Called the same*
are those that are `pixels`, `resave` or `turned` in small pictures and do not differ in a part at full size: only such a file may go.
*Visible* squares differ by at least 12 levels on average in red, green or blue. The other way round, N true copies are made: saved again as
JPEG or WebP of quality 30 to 95, or resized by each filter to a half to a quarter. *Lost in small* are those that are no `resave` by small
pictures, *lost at full size* those that the check at full size costs. With --write the figures go to docs/results/pasted.json.
"""

import argparse
import io
import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from benchmarks.families.drawing import photos_in, seed_of
from benchmarks.machine import write_result
from benchmarks.verifier import extracted
from vtsfind.base.groups import SEEN_IN_SMALL, Difference
from vtsfind.find.verification.explained import FullPicture
from vtsfind.find.verification.full_size import difference
from vtsfind.find.verification.verify import verify
from vtsfind.media.jpeg_compression import jpeg_compression

SHARES = (0.02, 0.03, 0.06)
MAIN_SHARE = 0.03
VISIBLE_LEVELS = 12.0
FILTERS = ("NEAREST", "BOX", "BILINEAR", "HAMMING", "BICUBIC", "LANCZOS")
PAGE_PX = (1240, 1754)
DIGIT_FONT_PX = 16
"""Digits of this size of the font are 12 pixels high."""
Pixels = npt.NDArray[np.uint8]
Task = tuple[str, int]


def encoded(image: Image.Image, kind: str, quality: int) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, kind, quality=quality)
    return file.getvalue()


def squared(
    photo: Image.Image, other: Image.Image, share: float, rng: np.random.Generator, *, colour_only: bool
) -> tuple[Image.Image, float]:
    """A photo with a square of another one; and by how many levels the square differs, in the channel where it is most."""
    side = max(2, round(share * max(photo.size)))
    (x, y), (u, v) = (
        (int(rng.integers(0, each.width - side)), int(rng.integers(0, each.height - side)))
        for each in (photo, other)
    )
    old, new = photo.crop((x, y, x + side, y + side)), other.crop((u, v, u + side, v + side))
    if colour_only:
        new = Image.merge("YCbCr", [old.convert("YCbCr").split()[0], *new.convert("YCbCr").split()[1:]]).convert("RGB")  # fmt: skip
    changed = photo.copy()
    changed.paste(new, (x, y))
    apart = np.abs(np.asarray(new, np.float32) - np.asarray(old, np.float32)).mean((0, 1))
    return changed, float(apart.max())


def pages(rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """A scanned page, and the same with one other digit."""
    rows = [
        " ".join(
            "".join(chr(97 + int(c)) for c in rng.integers(0, 26, rng.integers(2, 9))) for _ in range(16)
        )
        for _ in range(50)
    ]
    place, digits = int(rng.integers(2, 48)), [str(d) for d in rng.permutation(10)[:2]]
    noise = rng.normal(0, rng.uniform(0.5, 4), PAGE_PX[::-1])
    drawn = []
    for digit in digits:
        page = Image.new("L", PAGE_PX, 238)
        draw = ImageDraw.Draw(page)
        for number, row in enumerate(rows):
            text = f"{row[:60]} {digit} 7 4" if number == place else row
            draw.text((60, 40 + 33 * number), text, 20, font_size=DIGIT_FONT_PX)
        levels = np.clip(np.asarray(page, np.float32) + noise, 0, 255).astype(np.uint8)
        drawn.append(Image.fromarray(levels).convert("RGB"))
    return drawn[0], drawn[1]


def made(photos: list[Path], task: Task) -> tuple[Image.Image, bytes, str, float]:
    """A picture, the file that is compared with it, what it counts as, and how many levels its square differs."""
    name, number = task
    rng = np.random.default_rng(seed_of(name, number))
    path = photos[number % len(photos)]
    photo = Image.open(path).convert("RGB")
    quality = int(rng.integers(50, 96))
    if name == "digit":
        first, second = pages(rng)
        return first, encoded(second, "JPEG", quality), "digit", 255.0
    if name == "page":
        first, _ = pages(rng)
        return first, encoded(first, "JPEG", quality), "page saved again", 0.0
    if name == "copy":
        quality = int(rng.integers(30, 96))
        way = int(rng.integers(3))
        if way < 2:
            kind = ("JPEG", "WEBP")[way]
            return photo, encoded(photo, kind, quality), f"saved again as {kind}", 0.0
        scaled = FILTERS[int(rng.integers(len(FILTERS)))]
        size = [round(side * rng.uniform(0.25, 0.5)) for side in photo.size[:1]]
        size.append(round(size[0] * photo.height / photo.width))
        small = photo.resize((size[0], size[1]), Image.Resampling[scaled])
        return photo, encoded(small, "JPEG", quality), f"resized, {scaled.lower()}", 0.0
    sort, _, share = name.partition(" of ")
    other = Image.open(photos[(number * 7 + 13) % len(photos)]).convert("RGB")
    changed, apart = squared(photo, other, float(share), rng, colour_only=sort == "colour")
    return photo, encoded(changed, "JPEG", quality), f"{sort}, {float(share):.0%} of the side", apart


def outcome(photos: list[Path], task: Task) -> tuple[str, bool, str]:
    """What a task counts as, whether its change is visible, and what is said of it."""
    cv2.setNumThreads(1)
    photo, file, label, apart = made(photos, task)
    saved = Image.open(io.BytesIO(file))
    compression = jpeg_compression(file) if saved.format == "JPEG" else None
    copy = FullPicture(np.asarray(saved.convert("RGB")), compression)
    differs = difference(FullPicture(np.asarray(photo)), copy, 1) is not Difference.NONE
    if differs and apart:
        return label, True, "differs at full size"
    found = verify(extracted(encoded(photo, "PNG", 100)), extracted(file))
    in_small = found is not None and found[0] in SEEN_IN_SMALL
    said = "lost in small" if not in_small else "lost at full size" if differs else "the same"
    return label, apart >= VISIBLE_LEVELS, said


def tasks(changes: int, honest: int, page_pairs: int) -> Iterator[Task]:
    """What is compared."""
    for sort, share in product(("square", "colour"), SHARES):
        most = changes if (sort, share) == ("square", MAIN_SHARE) else changes // 4
        yield from ((f"{sort} of {share}", number) for number in range(most))
    yield from (("copy", number) for number in range(honest))
    yield from ((name, number) for name in ("digit", "page") for number in range(page_pairs))


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument(
        "--changes", type=int, default=1000, help="squares of 3 %%; of each other size and sort a quarter"
    )
    parser.add_argument("--honest", type=int, default=400, help="true copies")
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    photos = photos_in(given.photos)
    photos = [photos[int(n)] for n in np.random.default_rng(0).permutation(len(photos))]
    counts: dict[str, Counter[str]] = {}
    with get_context("fork").Pool(given.processes) as pool:
        for label, visible, said in pool.imap_unordered(
            partial(outcome, photos), list(tasks(given.changes, given.honest, given.pages)), chunksize=8
        ):
            count = counts.setdefault(label, Counter())
            count.update(["pairs", said])
            if said == "the same":
                count["the same though visible"] += visible
    figures: dict[str, Any] = {label: dict(sorted(count.items())) for label, count in sorted(counts.items())}
    print(json.dumps(figures, indent=1))
    if given.write:
        write_result("pasted", {"photos": len(photos), **figures})


if __name__ == "__main__":
    main()
