"""Boosted trees as arrays: the score is the sum of the leaves that a plain walk comes to, and files keep it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.find.verification.decision import MODEL
from vtsfind.find.verification.measures import MEASURE_NAMES
from vtsfind.find.verification.trees import BoostedTrees

STUMP = BoostedTrees(
    inputs=("a", "b"),
    start=-0.5,
    roots=np.array([0, 5], np.int32),
    feature=np.array([0, 1, -1, -1, -1, -1], np.int16),
    threshold=np.array([1.0, 4.0, 0, 0, 0, 0], np.float32),
    left=np.array([1, 2, 2, 3, 4, 5], np.int32),
    right=np.array([4, 3, 2, 3, 4, 5], np.int32),
    value=np.array([0, 0, 1.0, 10.0, 100.0, 1000.0], np.float32),
    depth=2,
)


@pytest.mark.parametrize(
    ("a", "b", "leaf"), [(1.0, 4.0, 1.0), (1.0, 4.5, 10.0), (1.5, 0.0, 100.0), (-9.0, -9.0, 1.0)]
)
def test_a_vector_goes_left_up_to_the_threshold(a: float, b: float, leaf: float) -> None:
    assert STUMP.score(np.array([a, b], np.float32)) == pytest.approx(-0.5 + leaf + 1000)


def walk(trees: BoostedTrees, vector: list[float]) -> float:
    total = trees.start
    for root in trees.roots.tolist():
        node = root
        while trees.feature[node] >= 0:
            below = vector[trees.feature[node]] <= trees.threshold[node]
            node = int((trees.left if below else trees.right)[node])
        total += float(trees.value[node])
    return total


@given(st.lists(st.floats(-1000, 1000, width=32), min_size=len(MEASURE_NAMES), max_size=len(MEASURE_NAMES)))
def test_the_model_that_ships_gives_what_a_plain_walk_gives(vector: list[float]) -> None:
    model = BoostedTrees.load(MODEL)
    assert model.inputs == MEASURE_NAMES
    assert model.score(np.array(vector, np.float32)) == pytest.approx(walk(model, vector), abs=1e-4)


def test_a_file_keeps_the_trees(tmp_path: Path) -> None:
    STUMP.save(tmp_path / "trees.npz")
    again = BoostedTrees.load(tmp_path / "trees.npz")
    assert again.inputs == STUMP.inputs
    vector = np.array([0.5, 9.0], np.float32)
    assert again.score(vector) == STUMP.score(vector)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.npz").write_bytes(b"no arrays")
    with pytest.raises(ValueError, match=r"pickle|Cannot load|zip"):
        BoostedTrees.load(tmp_path / "other.npz")
