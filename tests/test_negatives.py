from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.families.drawing import texture
from benchmarks.negatives import KINDS, pair
from benchmarks.negatives.scenes import load_scenes, scene_pairs


class Drawn:
    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> Image.Image:
        self.number += 1
        rng = np.random.default_rng(self.number)
        image = texture(rng, 180, 130)
        for _ in range(12):
            x, y, w, h = (int(v) for v in rng.integers(8, 60, 4))
            red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
            image.paste((red, green, blue), (2 * x, y, 2 * x + w, y + h))
        return image


@pytest.mark.parametrize("kind", KINDS)
def test_a_number_gives_the_same_two_pictures_that_differ(kind: str) -> None:
    first, second = pair(kind, 3, Drawn())
    again = pair(kind, 3, Drawn())
    assert [(one.size, one.tobytes()) for one in (first, second)] == [
        (one.size, one.tobytes()) for one in again
    ]
    assert (first.size, first.tobytes()) != (second.size, second.tobytes())
    assert [one.tobytes() for one in pair(kind, 4, Drawn())] != [first.tobytes(), second.tobytes()]


def test_only_even_scenes_are_loaded_until_it_is_measured(tmp_path: Path) -> None:
    for name in ("100000", "100001", "100100", "100101", "100102", "100200"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    (tmp_path / "bridge").mkdir()
    for name in "ab":
        Image.new("RGB", (8, 8)).save(tmp_path / "bridge" / f"{name}.png")
    chosen, measured = load_scenes(tmp_path), load_scenes(tmp_path, measure=True)
    assert {name: len(photos) for name, photos in chosen.items()} == {"./1000": 2, "bridge": 2}
    assert {name: len(photos) for name, photos in measured.items()} == {"./1001": 3, "bridge": 2}
    assert len(scene_pairs(measured, 9)) == 4
    assert len(scene_pairs(measured, 2)) == 3
