"""What a JPEG's compression tells: which difference of two files it explains, and which quality a picture had before.

    python -m benchmarks.compression --photos FOLDER [--every N] [--start N] [--write]

*Left* is the share of the difference of two pictures that is left when the one is compressed as the other was: `saved from it` are a
photo and a JPEG of it, `square` the same with a square of another photo of 2 % of the longer side, `both from a third` two JPEGs of one
photo. Below `MAX_UNEXPLAINED` (`vtsfind.find.verification.explained`) a file counts as saved from the other.

*Traces* are of photos made smaller by 1.3 to 2, saved at quality 85 to 95: as they are, or after they were saved at quality 8 to 69, once or
three times; `webp` are those saved as WebP in the end. `seen` have a trace of an earlier quality (`vtsfind.media.earlier_compression`), `lowest off` and
`highest off` say how far it is from the lowest that there was. With --write the figures go to docs/results/compression.json.
"""

import argparse
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.families.drawing import photos_in, seed_of
from benchmarks.machine import write_result
from benchmarks.pasted import encoded, squared
from vtsfind.find.verification.explained import MAX_UNEXPLAINED
from vtsfind.media.earlier_compression import earlier_quality
from vtsfind.media.jpeg_compression import compressed, jpeg_compression

SQUARE_SHARE = 0.02


def opened(file: bytes) -> Image.Image:
    """A picture of a file."""
    return Image.open(io.BytesIO(file)).convert("RGB")


def left(origin: Image.Image, file: bytes) -> float:
    """The share of the difference between a picture and a JPEG that the JPEG's compression does not explain."""
    how = jpeg_compression(file)
    assert how
    copy, before = (np.asarray(each, np.int16) for each in (opened(file), origin))
    again = compressed(np.asarray(origin), how).astype(np.int16)
    return float(np.abs(again - copy).sum() / max(1, np.abs(before - copy).sum()))


def explained(path: Path, other: Path) -> dict[str, list[float]]:
    """What is left of the differences of a photo's files, by how they were made."""
    rng = np.random.default_rng(seed_of("explained", path.stem))
    photo = Image.open(path).convert("RGB")
    first, second, third = (int(quality) for quality in rng.integers(30, 96, 3))
    square, _ = squared(photo, Image.open(other).convert("RGB"), SQUARE_SHARE, rng, colour_only=False)
    one, two = encoded(photo, "JPEG", max(second, third)), encoded(photo, "JPEG", min(second, third))
    found = {
        "saved from it": [left(photo, encoded(photo, "JPEG", first))],
        "square": [left(photo, encoded(square, "JPEG", first))],
    }
    return found | ({"both from a third": [left(opened(one), two)]} if second != third else {})


def traces(path: Path) -> dict[str, list[tuple[int | None, int]]]:
    """The quality that a reduced photo seems to have had, and the one it had, by what was done to it."""
    rng = np.random.default_rng(seed_of("traces", path.stem))
    photo = Image.open(path).convert("RGB")
    by = rng.uniform(1.3, 2)
    photo = photo.resize((round(photo.width / by), round(photo.height / by)), Image.Resampling.LANCZOS)
    last, low, *more = (int(each) for each in (rng.integers(85, 96), *rng.integers(8, 70, 3)))
    once = opened(encoded(photo, "JPEG", low))
    often = once
    for quality in more:
        often = opened(encoded(often, "JPEG", quality))

    def seen(picture: Image.Image) -> int | None:
        return earlier_quality(np.asarray(opened(encoded(picture, "JPEG", last))), last)

    return {
        "as it is": [(earlier_quality(np.asarray(photo), None), 100)],
        "saved once": [(seen(photo), last)],
        "saved before": [(seen(once), low)],
        "saved three times before": [(seen(often), min(low, *more))],
        "saved before, webp": [(earlier_quality(np.asarray(opened(encoded(once, "WEBP", last))), None), low)],
    }


def measure(photos: list[Path], every: int, start: int) -> dict[str, Any]:
    """All figures, of every N-th photo."""
    shares: dict[str, list[float]] = {}
    seen: dict[str, list[tuple[int | None, int]]] = {}
    for number in range(start, len(photos), every):
        for sort, values in explained(photos[number], photos[(7 * number + 13) % len(photos)]).items():
            shares.setdefault(sort, []).extend(values)
        for sort, pairs in traces(photos[number]).items():
            seen.setdefault(sort, []).extend(pairs)
    return {
        "photos": len(range(start, len(photos), every)),
        "left": {
            sort: {
                "pairs": len(values),
                "least": round(min(values), 4),
                "most": round(max(values), 4),
                "explained": sum(value <= MAX_UNEXPLAINED for value in values),
            }
            for sort, values in shares.items()
        },
        "traces": {sort: _told(pairs) for sort, pairs in seen.items()},
    }


def _told(pairs: list[tuple[int | None, int]]) -> dict[str, int]:
    off = [found - was for found, was in pairs if found is not None]
    told = {"pictures": len(pairs), "seen": len(off)}
    return told | ({"lowest off": min(off), "highest off": max(off)} if off else {})


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    figures = measure(photos_in(given.photos), given.every, given.start)
    print(json.dumps(figures, indent=1))
    if given.write:
        write_result("compression", figures)


if __name__ == "__main__":
    main()
