"""Other shots of one scene that were really taken: folders of photos, and which of them show one scene.

Files that are named by six digits, as those of INRIA Holidays are, show the scene of their first four; those of even scenes
are for choosing, those of odd ones are opened for measuring only. Elsewhere each folder is one scene.
"""

import re
from collections import defaultdict
from itertools import combinations
from pathlib import Path

from benchmarks.families.drawing import photos_in

_HOLIDAY = re.compile(r"\d{6}")


def load_scenes(folder: Path, *, measure: bool = False) -> dict[str, list[Path]]:
    """The scenes in a folder and the folders in it, by name.

    Parameters
    ----------
    folder
        Where the photos are.
    measure
        Whether to take the odd scenes of INRIA Holidays, and not the even ones.

    Returns
    -------
    Name of the scene to its photos, of scenes with at least two.
    """
    found = defaultdict(list)
    for path in photos_in(folder):
        holiday = _HOLIDAY.fullmatch(path.stem)
        if holiday and int(path.stem[:4]) % 2 != int(measure):
            continue
        parent = path.parent.relative_to(folder).as_posix()
        found[f"{parent}/{path.stem[:4]}" if holiday else parent].append(path)
    return {name: photos for name, photos in found.items() if len(photos) > 1}


def scene_pairs(scenes: dict[str, list[Path]], most: int) -> list[tuple[Path, Path]]:
    """Pairs of photos of one scene: all of them, or the `most` of a scene that are nearest in the order of names.

    In a series those were mostly taken one after the other, and are the most alike.
    """
    pairs = []
    for photos in scenes.values():
        places = sorted(combinations(range(len(photos)), 2), key=lambda two: two[1] - two[0])
        pairs += [(photos[first], photos[second]) for first, second in places[:most]]
    return pairs
