"""Draw a contact sheet of families of edits, or write the edits of a folder's photos.

    python -m benchmarks.families --photos FOLDER --sheet SHEET.png [--families A|B|all|NAME ...] [--columns N]
    python -m benchmarks.families --photos FOLDER --out OUT [--families ...] [--every N] [--each N]

With --out each photo is written as PHOTO.webp beside N edits of it, PHOTO.FAMILY.jpg, of families drawn for each photo.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.families import FAMILIES, edited, names
from benchmarks.families.drawing import Others, photos_in, seed_of
from benchmarks.families.sheet import sheet


def chosen(words: list[str]) -> list[str]:
    """The families that are meant: a half's, all, or those named."""
    return names(words[0]) if words[0] in {"A", "B", "all"} else words


def write(photos: list[Path], out: Path, families: list[str], each: int) -> int:
    """Write photos with edits of each; gives how many files there are."""
    out.mkdir(parents=True, exist_ok=True)
    files = 0
    for path in photos:
        photo = Image.open(path).convert("RGB")
        photo.save(out / f"{path.stem}.webp", quality=95)
        rng = np.random.default_rng(seed_of("families of", path.stem))
        for number in rng.permutation(len(families))[:each]:
            name = families[int(number)]
            made = edited(name, photo, path.stem, Others(photos, path, seed_of(name, path.stem)))
            made.save(out / f"{path.stem}.{name.replace(' ', '-')}.jpg", quality=int(rng.integers(70, 97)))
            files += 1
    return files + len(photos)


def main() -> None:
    """Do what is asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--families", nargs="+", default=["all"])
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--each", type=int, default=8)
    given = parser.parse_args()
    photos = photos_in(given.photos)[:: given.every]
    families = chosen(given.families)
    if given.sheet:
        step = max(1, len(photos) // given.columns)
        some = photos[::step][: given.columns]
        rows = [
            (
                f"{name} {FAMILIES[name].half}",
                [
                    edited(name, Image.open(path), path.stem, Others(photos, path, seed_of(name, path.stem)))
                    for path in some
                ],
            )
            for name in families
        ]
        sheet(rows).save(given.sheet)
    if given.out:
        print(f"{write(photos, given.out, families, given.each)} files written to {given.out}")


if __name__ == "__main__":
    main()
