"""Draw a contact sheet of pairs that are no versions of each other.

python -m benchmarks.negatives --photos FOLDER --sheet SHEET.png [--kinds KIND ...] [--columns N]
"""

import argparse
from pathlib import Path

from benchmarks.families.drawing import Others, photos_in, seed_of
from benchmarks.families.sheet import sheet
from benchmarks.negatives import KINDS, pair


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--sheet", type=Path, required=True)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--columns", type=int, default=4, help="pairs in a row")
    given = parser.parse_args()
    photos = photos_in(given.photos)
    rows = []
    for kind in given.kinds:
        pairs = [pair(kind, n, Others(photos, None, seed_of(kind, n))) for n in range(given.columns)]
        rows.append((kind, [picture for two in pairs for picture in two]))
    sheet(rows).save(given.sheet)


if __name__ == "__main__":
    main()
