import numpy as np
import pytest
from PIL import Image

from benchmarks.families import FAMILIES, PASSED_AROUND, SMALLEST, edited, names
from benchmarks.families.drawing import texture


def drawn(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    image = texture(rng, 160, 120)
    for _ in range(12):
        x, y, w, h = (int(v) for v in rng.integers(8, 60, 4))
        image.paste(tuple(int(v) for v in rng.integers(0, 256, 3)), (2 * x, y, 2 * x + w, y + h))
    return image


@pytest.mark.parametrize("name", [*FAMILIES, *PASSED_AROUND])
def test_the_same_photo_and_key_give_the_same_edit_and_another_key_another(name: str) -> None:
    photo = drawn(1)
    first, again, second = (edited(name, photo, key, lambda: drawn(2)) for key in ("a", "a", "b"))
    assert first.mode == "RGB"
    assert min(first.size) >= SMALLEST
    assert (first.size, first.tobytes()) == (again.size, again.tobytes())
    assert (first.size, first.tobytes()) != (photo.size, photo.tobytes())
    several = {edited(name, photo, key, lambda: drawn(2)).tobytes() for key in "bcdefg"}
    assert len(several | {second.tobytes()}) > 1


def test_each_half_has_families_of_every_kind_and_none_is_in_both() -> None:
    halves = names("A"), names("B")
    assert not set(halves[0]) & set(halves[1])
    assert sorted((*halves[0], *halves[1])) == sorted(FAMILIES)
    for half in halves:
        assert {FAMILIES[name].kind for name in half} == {
            "photometric",
            "geometric",
            "overlay",
            "screen",
            "chain",
        }


@pytest.mark.parametrize("size", [(40, 30), (31, 200)])
def test_small_and_narrow_photos_have_edits_too(size: tuple[int, int]) -> None:
    photo = drawn(3).resize(size)
    for name in (*FAMILIES, *PASSED_AROUND):
        assert min(edited(name, photo, "small", lambda: drawn(4)).size) >= SMALLEST
