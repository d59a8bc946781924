"""`vtsfind calibrate` as a user and a script meet it."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.drawn_photos import write
from support.output import Vtsfind, records

from vtsfind.engine.library.curve import read_curve
from vtsfind.store.index import Index


def mosaic(seed: int) -> Image.Image:
    """Draw a picture with corners to recognise it by."""
    colours = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(colours.repeat(20, axis=0).repeat(20, axis=1))


@pytest.fixture
def library(run: Vtsfind, tmp_path: Path) -> Path:
    """A library of eight pictures and a copy of one of them."""
    for seed in range(8):
        write(tmp_path / "photos" / f"{seed}.jpg", mosaic(seed))
    write(tmp_path / "photos" / "again.jpg", mosaic(0), quality=70)
    assert run("index", tmp_path / "photos", "--library", tmp_path / "library").exit_code == 0
    return tmp_path / "library"


def test_a_library_is_calibrated_and_the_curve_is_kept_and_drawn(
    run: Vtsfind, library: Path, tmp_path: Path
) -> None:
    plot = tmp_path / "curve.png"
    result = run("calibrate", "--library", library, "--edited", 2, "--plot", plot)
    assert result.exit_code == 0, result.stderr
    assert "Compared 9 of 9 photos with all: 36 pairs" in result.stderr
    assert "Edited 2 photos 6 times each." in result.stderr
    assert "mild edits found" in result.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")

    shown = run("calibrate", "--library", library, "--show", "--json")
    header, *points, footer = records(shown)
    assert (header["command"], header["bits"]) == ("calibrate", 256)
    assert [point["radius"] for point in points] == list(range(len(points)))
    assert footer["pairs"] == 36
    assert footer["looked"] > 0
    assert [point["rate"] for point in points[:40]] == [0] * 40  # the near pair was seen to be two copies
    assert points[-1]["mild"] >= points[0]["mild"]

    refused = run("calibrate", "--library", library, "--show", "--max-false-match", 1e-5)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "By 36 pairs of photos no rate of 1e-05 can be promised" in refused.stderr
    marked = run("calibrate", "--library", library, "--show", "--max-false-match", 1)
    assert "<- radius" in marked.stdout


def test_duplicates_are_looked_for_within_the_radius_that_this_librarys_curve_promises(
    run: Vtsfind, library: Path
) -> None:
    rate = 0.3
    without = run("dupes", "--library", library, "--max-false-match", rate, "--json")
    assert run("calibrate", "--library", library, "--edited", 1).exit_code == 0
    with Index.open(library) as index:
        curve = read_curve(library, index.signature)
    assert curve is not None
    found = run("dupes", "--library", library, "--max-false-match", rate, "--json")
    former_name = run("dupes", "--library", library, "--max-false-merge", rate, "--json")
    assert records(former_name)[0] == records(found)[0]
    assert records(found)[0]["radius"] == curve.radius_for(rate) != records(without)[0]["radius"]
    assert len(records(found, "group")) == 1
    refused = run("dupes", "--library", library, "--max-false-match", 1e-5)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "By 36 pairs of photos no rate of 1e-05 can be promised" in refused.stderr


def test_photos_that_are_gone_are_taken_for_different_ones(
    run: Vtsfind, library: Path, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "photos")
    result = run("calibrate", "--library", library, "--edited", 2, "--json")
    assert result.exit_code == 0, result.stderr
    footer = records(result)[-1]
    assert (footer["looked"], footer["edited"]) == (0, 0)
    assert footer["unseen"] > 0
    assert records(result, "point")[40]["rate"] == pytest.approx(1 / 36)
    assert "could not be read and counted as unrelated" in result.stderr


def test_wrong_uses_are_told(run: Vtsfind, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "has no calibration" in run("calibrate", "--library", library, "--show").stderr
    assert run("calibrate", "--library", library, "--sample", 1).exit_code == 2
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    shutil.rmtree(library)
    assert run("calibrate", "--library", library).exit_code == 2
