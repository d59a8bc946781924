"""Heads on features: every method learns classes that can be told apart, and the same seed gives the same head."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vtsfind.base import bits as code_bits
from vtsfind.base.errors import UsageError
from vtsfind.base.progress import Cancelled, CancelToken
from vtsfind.learn.evaluation.codes import EncodingOptions
from vtsfind.learn.evaluation.heads import FeatureHead, Hyperparameters, head_outputs
from vtsfind.learn.evaluation.metrics import histograms, labelled_codes, map_hash
from vtsfind.learn.paper.grid import HYPERPARAMETERS, train_named_head
from vtsfind.learn.paper.results import FRAMEWORKS

Values = np.ndarray[tuple[int, ...], np.dtype[np.float16]]
CLASSES, EACH, WIDTH = 4, 40, 24
QUICK = Hyperparameters(epochs=8, batch=32, rate=5e-3)


def drawn(seed: int) -> tuple[list[Values], np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """Two views of 160 pictures of four classes, which lie about centres, far from 0 and unevenly wide."""
    centres = np.random.default_rng(0).normal(size=(CLASSES, WIDTH))
    random = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(CLASSES), EACH)
    views = []
    for _ in range(2):
        values = centres[numbers] + 0.5 * random.normal(size=(len(numbers), WIDTH))
        views.append((100 + values * np.geomspace(0.1, 10, WIDTH)).astype(np.float16))
    return views, np.eye(CLASSES, dtype=np.float32)[numbers]


def precision(head: FeatureHead, bits: int) -> float:
    """Mean average precision of new pictures of the classes, looked for among themselves."""
    views, labels = drawn(2)
    one = labelled_codes(code_bits.pack(head_outputs(head, views[0])), labels, bits=bits)
    return map_hash(histograms(one, one))[0]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_method_learns_classes_that_can_be_told_apart(framework: str) -> None:
    views, labels = drawn(1)
    hyperparameters = replace(QUICK, options=HYPERPARAMETERS[framework].options)
    head = train_named_head(framework, views, labels, 16, hyperparameters)
    assert precision(head, 16) > 0.9


@pytest.mark.parametrize("change", [{"hidden": 16}, {"dropout": 0.2}, {"centred": False}])
def test_hidden_layers_dropout_and_no_centring_learn_too(change: dict[str, int | float | bool]) -> None:
    views, labels = drawn(1)
    assert precision(train_named_head("csq", views, labels, 16, replace(QUICK, **change)), 16) > 0.9  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_head_and_leaves_others_chance_alone() -> None:
    views, labels = drawn(1)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = (
        head_outputs(train_named_head("csq", views, labels, 16, QUICK, seed=seed), views[0])
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_feature_that_never_varies_does_no_harm() -> None:
    views, labels = drawn(1)
    for view in views:
        view[:, 3] = 7
    assert precision(train_named_head("dpn", views, labels, 16, QUICK), 16) > 0.8


def test_images_of_several_classes_are_learned() -> None:
    views, labels = drawn(1)
    labels[:, 0] = 1
    head = train_named_head("csq", views, labels, 16, QUICK)
    assert np.isfinite(head_outputs(head, views[0])).all()


def test_a_loss_that_is_not_finite_names_its_batch() -> None:
    views, labels = drawn(1)
    views[0][:, 0] = views[1][:, 0] = np.inf
    with pytest.raises(UsageError, match="not finite in epoch 1, batch 1"):
        train_named_head("csq", views, labels, 16, QUICK)


def test_a_single_picture_is_refused() -> None:
    views, labels = drawn(1)
    with pytest.raises(UsageError, match="on 1 pictures"):
        train_named_head("csq", [view[:1] for view in views], labels[:1], 16, QUICK)


def test_training_stops_when_asked() -> None:
    views, labels = drawn(1)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        train_named_head("csq", views, labels, 16, QUICK, encoding=EncodingOptions(cancel=token))
