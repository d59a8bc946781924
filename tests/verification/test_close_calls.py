"""A score a little below the limit is the mean over several grids of blocks; any other one is that of the first grid."""

from dataclasses import replace

import numpy as np
import pytest

from vtsfind.find.features.features import Features, features
from vtsfind.find.verification import close_calls
from vtsfind.find.verification.close_calls import steady_score
from vtsfind.find.verification.comparison import Comparison
from vtsfind.find.verification.measures import MEASURE_NAMES, Measures
from vtsfind.find.verification.registration import Alignment, Matrix, project

MEASURES = Measures(**dict.fromkeys(MEASURE_NAMES, 0.0))
COARSE = features(np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8))
FINE = features(np.random.default_rng(1).integers(0, 256, (180, 240, 3), dtype=np.uint8))
SHRINKING = Alignment(np.diag([0.5, 0.5, 1.0]), 30, 40)
GROWING = Alignment(np.diag([2.0, 2.0, 1.0]), 30, 40)


def measured(
    monkeypatch: pytest.MonkeyPatch, scores: list[float | None]
) -> list[tuple[Features, Features, Matrix]]:
    """Let each further grid give a score, or nothing; gives what was compared."""
    compared: list[tuple[Features, Features, Matrix]] = []

    def compare(first: Features, second: Features, alignment: Alignment) -> Comparison | None:
        compared.append((first, second, alignment.matrix))
        score = scores[len(compared) - 1]
        return None if score is None else Comparison(replace(MEASURES, inliers=score), alignment.matrix)

    monkeypatch.setattr(close_calls, "compare", compare)
    monkeypatch.setattr(close_calls, "version_score", lambda found: found.inliers)
    return compared


def test_a_score_that_passes_or_is_far_from_it_is_what_the_first_grid_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = measured(monkeypatch, [])
    for score in (0.4, 2.5, 4.0):
        assert steady_score(FINE, COARSE, GROWING, score) == score
    assert not compared


@pytest.mark.parametrize(("others", "mean"), [([3.0, 4.0, 1.0], 2.5), ([None, 4.0, None], 3.0)])
def test_a_close_one_is_the_mean_of_all_grids_that_can_be_laid(
    monkeypatch: pytest.MonkeyPatch, others: list[float | None], mean: float
) -> None:
    measured(monkeypatch, others)
    assert steady_score(FINE, COARSE, GROWING, 2.0) == mean


@pytest.mark.parametrize("edge", [0.5, 2.4])
def test_so_is_one_at_the_edge_of_what_is_close(monkeypatch: pytest.MonkeyPatch, edge: float) -> None:
    measured(monkeypatch, [0.0, 0.0, 0.0])
    assert steady_score(FINE, COARSE, GROWING, edge) == edge / 4


@pytest.mark.parametrize(
    ("first", "second", "alignment"), [(FINE, COARSE, GROWING), (COARSE, FINE, SHRINKING)]
)
def test_the_grid_of_the_coarser_photo_moves_by_half_a_block_and_the_map_with_it(
    monkeypatch: pytest.MonkeyPatch, first: Features, second: Features, alignment: Alignment
) -> None:
    compared = measured(monkeypatch, [2.0, 2.0, 2.0])
    steady_score(first, second, alignment, 2.0)
    moved = []
    for one, other, matrix in compared:
        fine, coarse = (one, other) if second is COARSE else (other, one)
        assert np.array_equal(fine.picture, FINE.picture)
        top, left = np.subtract(COARSE.picture.shape, coarse.picture.shape)[:2]
        moved.append((int(left), int(top)))
        assert np.array_equal(coarse.picture, COARSE.picture[top:, left:])
        assert np.array_equal(coarse.grey, COARSE.grey[top:, left:])
        corner = np.array([[left, top]]) if second is COARSE else np.array([[2 * left, 2 * top]])
        here = corner - [[left, top]] if second is COARSE else corner
        there = project(alignment.matrix, corner) - ([[0, 0]] if second is COARSE else [[left, top]])
        assert project(matrix, here) == pytest.approx(there)
    assert moved == [(8, 0), (0, 8), (8, 8)]
