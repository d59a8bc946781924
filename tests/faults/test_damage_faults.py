"""Of two versions of a photo, one of which is damaged, the damaged one is never kept in place of the other."""

import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.copies import groups
from support.fault_matrix import fault
from support.output import Vtsfind
from support.real_photos import FILES, NAMES, photo

from vtsfind.media.damage import damage

MIN_STAYING = 10
"""For one that goes: some shifts of brightness are too small to be told from a tone."""
OLD, NEW = 1_500_000_000, 1_600_000_000


def pixels(data: bytes) -> np.ndarray | None:
    """What a file shows; None if it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError):
        return None


def with_damaged_byte(data: bytes, chooser: random.Random) -> bytes:
    """A JPEG with one bit changed such that it can be decoded, and shows something else."""
    start, whole = data.find(b"\xff\xda") + 14, pixels(data)
    while True:
        changed = bytearray(data)
        changed[chooser.randrange(start, len(data) - 2)] ^= 1 << chooser.randrange(8)
        found = pixels(bytes(changed))
        if found is not None and whole is not None and found.shape == whole.shape and (found != whole).any():
            return bytes(changed)


def put(path: Path, data: bytes, time: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (time, time))
    return path


@fault(
    "One damaged byte in a copy of a real photo that can still be decoded",
    "The intact one never goes; which one is damaged is said, or that one of them is.",
    len(NAMES),
)
def test_an_intact_photo_never_goes_for_a_damaged_one(run: Vtsfind, tmp_path: Path) -> None:
    chooser = random.Random(1)
    for path in FILES:
        data = path.read_bytes()
        put(tmp_path / "photos" / path.stem / "b.jpg", data, NEW)
        put(tmp_path / "photos" / path.stem / "a.jpg", with_damaged_byte(data, chooser), OLD)
    assert run("index", tmp_path / "photos").exit_code == 0
    members = [group["members"] for group in groups(run("dupes", "--json"))]
    assert len(members) > len(NAMES) / 2
    for keeper, other in members:
        if other["stays"] == "":
            assert keeper["path"].endswith("b.jpg")
            assert "is damaged: " in keeper["reason"]
        elif other["verdict"] != "edit":  # an edit stays anyway
            assert "one of them is damaged" in other["stays"]


def sector_lost(data: bytes) -> bytes:
    """Some zeros near the end."""
    at = len(data) * 9 // 10
    return data[:at] + bytes(512) + data[at + 512 :]


def saved_grey(data: bytes) -> bytes:
    """Saved anew by a program that showed grey where data were missing."""
    with Image.open(io.BytesIO(data)) as image:
        grey = image.convert("RGB")
    grey.paste((128, 128, 128), (0, grey.height * 7 // 8, grey.width, grey.height))
    out = io.BytesIO()
    grey.save(out, "JPEG", quality=99)
    return out.getvalue()


@fault(
    "Copies that lost a part of their data, or end in grey, and smaller intact ones",
    "The intact ones are kept, and the others said to be damaged.",
    2 * len(NAMES),
)
@pytest.mark.parametrize("spoilt", [sector_lost, saved_grey])
def test_a_damaged_photo_is_not_kept_for_its_size(
    run: Vtsfind, tmp_path: Path, spoilt: Callable[[bytes], bytes]
) -> None:
    for path in FILES:
        folder = tmp_path / "photos" / path.stem
        put(folder / "damaged.jpg", spoilt(path.read_bytes()), OLD)
        image = photo(path.stem)
        image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(folder / "small.jpg", quality=90)
    assert run("index", tmp_path / "photos").exit_code in {0, 3}
    found = groups(run("dupes", "--json"))
    assert len(found) > len(NAMES) / 4
    for group in found:
        assert group["keep"].endswith("small.jpg")
        assert "the other is damaged: " in group["members"][0]["reason"]


@fault("A card with the intact photo, and the damaged one in the library", "The photo counts as missing.")
def test_a_damaged_photo_of_the_library_does_not_stand_for_an_intact_one(
    run: Vtsfind, tmp_path: Path
) -> None:
    data = FILES[0].read_bytes()
    put(tmp_path / "photos" / "a.jpg", with_damaged_byte(data, random.Random(2)), OLD)
    put(tmp_path / "card" / "a.jpg", data, NEW)
    assert run("index", tmp_path / "photos").exit_code == 0
    assert run("missing", tmp_path / "card", "--by", "look").exit_code == 1


@fault(
    "A large copy with visible damage that leaves no sign, and smaller intact ones",
    "The intact ones stay, but for one in ten at most.",
    len(NAMES),
)
def test_a_smaller_intact_photo_does_not_go_for_one_that_differs_in_a_part(
    run: Vtsfind, tmp_path: Path
) -> None:
    chooser = random.Random(3)
    for path in FILES:
        data, image = path.read_bytes(), photo(path.stem)
        damaged = next(
            each
            for each in (with_damaged_byte(data, chooser) for _ in range(500))
            if is_visibly_changed(data, each)
        )
        folder = tmp_path / "photos" / path.stem
        put(folder / "damaged.jpg", damaged, OLD)
        image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(folder / "small.jpg", quality=90)
    assert run("index", tmp_path / "photos").exit_code == 0
    found = groups(run("dupes", "--json"))
    small = [
        each
        for group in found
        for each in group["members"][1:]
        if group["keep"].endswith("damaged.jpg") and Path(each["path"]).parent == Path(group["keep"]).parent
    ]
    assert small
    assert len(small) >= MIN_STAYING * sum(not each["stays"] for each in small)
    assert any("differ in a part" in each["stays"] for each in small)


def is_visibly_changed(data: bytes, changed: bytes) -> bool:
    """Whether at least a tenth of a picture changed, and no sign of damage is in the file."""
    before, after = pixels(data), pixels(changed)
    assert before is not None
    assert after is not None
    apart = np.abs(before.astype(np.int16) - after).max(axis=2) > 8
    return bool(apart.mean() > 0.1) and not damage(changed, "JPEG", after)


def test_copies_in_other_sizes_and_qualities_may_go(run: Vtsfind, tmp_path: Path) -> None:
    for name in NAMES:
        folder = tmp_path / "photos" / name
        put(folder / "photo.jpg", next(path for path in FILES if path.stem == name).read_bytes(), NEW)
        image = photo(name)
        image.resize((image.width // 2, image.height // 2)).save(folder / "small.jpg", quality=70)
        image.save(folder / "worse.jpg", quality=40)
    assert run("index", tmp_path / "photos").exit_code == 0
    found = groups(run("dupes", "--json"))
    assert len(found) > len(NAMES) / 2
    assert not [
        (each["path"], each["stays"])
        for group in found
        for each in group["members"]
        if "damaged" in (each["stays"] or "")
    ]
