"""Closed-form starts: what they keep of features, and what they leave."""

from typing import Literal

import numpy as np
import pytest
import torch

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head, Preprocessing
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.training.batches import Batch
from vtsfind.learn.training.closed_form import (
    Matrix,
    TaskFeatures,
    extract_features,
    fit_head,
    identity_head,
    targets_head,
)


def views(
    photos: int = 400, each: int = 3, d: int = 24
) -> tuple[Matrix, "np.ndarray[tuple[int], np.dtype[np.int64]]"]:
    """Features whose first half tells photos apart and whose second half is nothing but edits, all mixed."""
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(photos), each)
    own = rng.normal(size=(photos, d // 2))[rows] + 0.1 * rng.normal(size=(photos * each, d // 2))
    edits = rng.normal(size=(photos * each, d // 2))
    return np.concatenate([own, edits], axis=1) @ rng.normal(size=(d, d)) + 7, rows


def signs(features: Matrix, weights: Matrix) -> Matrix:
    outputs: Matrix = (features - features.mean(0)) @ weights.T
    return np.where(outputs > 0, 1.0, -1.0)


def test_an_identity_head_gives_views_of_a_photo_one_code_and_strangers_others() -> None:
    features, rows = views()
    shares = {}
    for kind, weights in (
        ("started", identity_head(features, rows, 12, seed=0)),
        ("random", np.random.default_rng(3).normal(size=(12, 24))),
    ):
        codes = signs(features, weights)
        shares[kind] = (codes[0::3] != codes[1::3]).mean(), (codes[0::3][:-1] != codes[1::3][1:]).mean()
    assert shares["started"][0] < 0.1
    assert shares["random"][0] > 0.2
    assert 0.45 < shares["started"][1] < 0.55


def test_an_identity_head_s_outputs_have_unit_variance() -> None:
    features, rows = views()
    outputs = features @ identity_head(features, rows, 32, seed=0).T
    assert np.abs(outputs.var(0) - 1).max() < 0.1


def test_a_targets_head_gives_codes_that_features_can_give() -> None:
    features, _ = views()
    wanted = np.sign((features - features.mean(0)) @ np.random.default_rng(2).normal(size=(24, 16)))
    assert (signs(features, targets_head(features, wanted)) == wanted).mean() > 0.95


def batches() -> list[Batch]:
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (40, 32, 32, 3), dtype=torch.uint8)
    return [Batch(pixels, torch.zeros(40, 0), torch.arange(40) // 2)]


def small(features: Literal["lite", "all"] = "lite") -> HashNetwork:
    torch.manual_seed(0)
    return HashNetwork(NetworkSpec("vitti16", 32, (Head("a", 8), Head("b", 8)), features=features, depth=1))


def test_a_fit_changes_its_head_alone() -> None:
    network = small()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    seen = extract_features(network, batches(), Preprocessing(size=32))
    fit_head(network.heads["a"], [seen], None, seed=1, ridge=1e-2)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"heads.a.0.weight", "heads.a.0.bias"}


def test_a_head_is_fitted_to_the_codes_of_all_its_tasks() -> None:
    network = small()
    one, two = (
        TaskFeatures(np.random.default_rng(seed).normal(size=(300, 384)), np.arange(300)) for seed in (0, 1)
    )
    rule = np.random.default_rng(2).normal(size=(384, 8))
    codes = [np.sign(part.features @ rule) for part in (one, two)]
    fit_head(network.heads["a"], [one, two], codes, seed=1, ridge=1e-2)
    weight = network.heads["a"][0].weight.detach().numpy()  # type: ignore[index]
    for part, wanted in zip((one, two), codes, strict=True):
        assert (np.sign(part.features @ weight.T) == wanted).mean() > 0.9


def test_rows_of_two_tasks_are_different_pictures() -> None:
    alone, together = small(), small()
    rng = np.random.default_rng(0)
    one, two = (
        TaskFeatures(rng.normal(size=(600, 384)) + 3 * rng.normal(size=384), np.arange(600) // 2)
        for _ in range(2)
    )
    fit_head(together.heads["a"], [one, two], None, seed=1, ridge=1e-2)
    merged = TaskFeatures(
        np.concatenate([one.features, two.features]), np.concatenate([one.rows, two.rows + 300])
    )
    fit_head(alone.heads["a"], [merged], None, seed=1, ridge=1e-2)
    assert torch.equal(alone.state_dict()["heads.a.0.weight"], together.state_dict()["heads.a.0.weight"])


def test_a_head_with_hidden_layers_that_tells_photos_apart_has_no_closed_form() -> None:
    seen = TaskFeatures(np.zeros((4, 5)), np.arange(4))
    with pytest.raises(UsageError, match="hidden layers"):
        fit_head(small("all").heads["a"], [seen], None, seed=1, ridge=1e-2)


def test_a_head_with_a_hidden_layer_learns_codes_that_no_linear_one_can_give() -> None:
    rng = np.random.default_rng(0)
    sides = rng.choice([-1.0, 1.0], (2000, 3))
    features = 5 + 3 * np.pad(sides + 0.2 * rng.normal(size=(2000, 3)), ((0, 0), (0, 381)))
    codes = np.column_stack([sides[:, n % 3] * sides[:, (n + 1) % 3] for n in range(8)])
    shown = TaskFeatures(features, np.arange(2000))
    right = {}
    for hidden in ({}, {"a": 64}):
        torch.manual_seed(0)
        spec = NetworkSpec("vitti16", 32, (Head("a", 8), Head("b", 8)), depth=1, centred=True, hidden=hidden)
        head = HashNetwork(spec).heads["a"]
        fit_head(head, [shown], [codes], seed=1, ridge=1e-2)
        with torch.inference_mode():
            given = head.eval()(torch.from_numpy(features.astype(np.float32))).numpy()
        right[bool(hidden)] = float((np.sign(given) == codes).mean())
    assert right[False] < 0.7
    assert right[True] > 0.95
