"""Closed-form starts: what they keep of features, and what they leave."""

import numpy as np
import pytest
import torch

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head, Preprocessing
from vtsfind.learn.batches import Batch
from vtsfind.learn.headstart import Matrix, identity_head, start_heads, targets_head
from vtsfind.learn.network import HashNetwork
from vtsfind.learn.recipes import Goal
from vtsfind.learn.spec import NetworkSpec


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
        ("started", identity_head(features, rows, 64, seed=0)),
        ("random", np.random.default_rng(3).normal(size=(64, 24))),
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


def test_only_the_heads_that_ask_for_it_are_started() -> None:
    torch.manual_seed(0)
    network = HashNetwork(NetworkSpec("vitti16", 32, (Head("a", 8), Head("b", 8), Head("c", 8)), depth=1))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    goals = {
        0: Goal("a", "instance", start="identity"),
        1: Goal("b", "csq", start="targets"),
        2: Goal("c", "csq"),
    }
    targets = {1: torch.sign(torch.randn(20, 8))}
    start_heads(network, goals, targets, batches(), preprocessing=Preprocessing(size=32), seed=1)
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"heads.a.0.weight", "heads.a.0.bias", "heads.b.0.weight", "heads.b.0.bias"}


def test_a_head_with_hidden_layers_cannot_be_started_in_closed_form() -> None:
    network = HashNetwork(NetworkSpec("vitti16", 32, (Head("a", 8),), features="all", depth=1))
    goals = {0: Goal("a", "instance", start="identity")}
    with pytest.raises(UsageError, match="hidden layers"):
        start_heads(network, goals, {}, batches(), preprocessing=Preprocessing(size=32), seed=1)
