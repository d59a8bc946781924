"""The procedure of the published code in mode `paper`, against the facts that its files state, and counts by enumeration."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny_models import draw_classes

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.learn.data.protocols import PROTOCOLS
from vtsfind.learn.models.network import make_backbone
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.pretrained.load import fit_to_backbone
from vtsfind.learn.recipes import Recipe
from vtsfind.learn.training.presets import PresetOptions, preset_recipe
from vtsfind.learn.training.training_data import open_training_data


def shown_rows(recipe: Recipe, data: Path) -> list[list[int]]:
    """The rows of every batch of a run, and how many pictures there are."""
    opened = open_training_data(recipe, data, share=(0, 1), progress=SilentProgress(), cancel=CancelToken())
    (source,) = opened.sources
    return [source[step].rows.tolist() for step in range(recipe.schedule.steps)]


def tiny(preset: PresetOptions, pictures: int) -> Recipe:
    made = preset_recipe(preset, pictures=pictures)
    return replace(made, network=replace(made.network, size=32, depth=1))


def test_an_epoch_of_paper_mode_shows_every_picture_once_and_ends_in_a_short_batch(tmp_path: Path) -> None:
    data = draw_classes(tmp_path, train=7)
    preset = PresetOptions("folder", "csq", 8, backbone="vitti16", batch=8, start="", epochs=3, mode="paper")
    batches = shown_rows(tiny(preset, 21), data)
    assert [len(batch) for batch in batches] == [8, 8, 5] * 3
    for epoch in range(3):
        shown = [row for batch in batches[3 * epoch : 3 * epoch + 3] for row in batch]
        assert sorted(shown) == list(range(21))


@pytest.mark.parametrize("epochs", [1, 4])
def test_epochs_are_of_the_pictures_that_are_learned_from(tmp_path: Path, epochs: int) -> None:
    data = draw_classes(tmp_path, train=7)  # 21 pictures, 2 of which are held out
    preset = PresetOptions("folder", "csq", 8, backbone="vitti16", batch=8, start="", epochs=epochs)
    counts = Counter(row for batch in shown_rows(tiny(preset, 21), data) for row in batch)
    assert sorted(counts) == list(range(19))
    assert set(counts.values()) <= {epochs, epochs + 1}
    assert sum(counts.values()) - epochs * 19 < 8  # no more than fills the last batch


def test_paper_mode_learns_from_every_training_picture_for_150_epochs() -> None:
    made = preset_recipe(PresetOptions("cifar10", "csq", 32, mode="paper"), pictures=5000)
    assert made.validation is None
    assert made.schedule.steps == 150 * 157  # as many batches as a loader of 5,000 pictures by 32 has
    with pytest.raises(UsageError, match="all training pictures"):
        preset_recipe(PresetOptions("cifar10", "csq", 32, mode="paper", select="validation"))
    chosen = preset_recipe(PresetOptions("cifar10", "csq", 32, mode="paper", select="test"), pictures=5000)
    assert chosen.validation is not None
    looks = range(chosen.validation.every, chosen.schedule.steps + 1, chosen.validation.every)
    assert [step // 157 for step in looks] == [30, 60, 90, 120, 150]


def test_resnet50_starts_from_the_weights_of_torchvision_that_the_paper_had() -> None:
    import timm
    from torchvision.models import ResNet50_Weights

    start = preset_recipe(PresetOptions("cifar10", "csq", 32, backbone="resnet50")).start
    tag = start.removeprefix("published:")
    config = timm.get_pretrained_cfg(f"resnet50.{tag}")
    assert config is not None
    assert config.url == ResNet50_Weights.IMAGENET1K_V1.url


VOTING = {"nuswide_21", "nuswide_21_m", "coco"}
"""The published code's own set: elsewhere CSQ and DPN take the argmax of the labels."""


@pytest.mark.parametrize("method", ["csq", "dpn", "dsh", "greedyhash"])
def test_csq_and_dpn_take_the_first_class_where_the_published_code_does(method: str) -> None:
    from vtsfind.learn.data.protocols import find_protocol

    voting = {find_protocol(name).name for name in VOTING}
    for name in PROTOCOLS:
        for mode in ("fixed", "paper"):
            preset = PresetOptions(name, method, 32, mode=mode)
            (goal,) = preset_recipe(preset, pictures=100).tasks[0].goals
            first = mode == "paper" and method in {"csq", "dpn"} and name not in voting
            assert goal.options == ({"several": "first"} if first else {})


def test_a_head_that_reads_the_class_token_has_the_rate_of_one_layer_and_a_name_of_its_own() -> None:
    whole, token = (
        preset_recipe(PresetOptions("cifar10", "csq", 32, features=features), pictures=5000)
        for features in (None, "cls")
    )
    assert (whole.schedule.head_rate, token.schedule.head_rate) == (1e-4, 1e-3)
    assert (whole.name, token.name) == ("vts16.csq.cifar10@54000.32", "vts16-cls.csq.cifar10@54000.32")


def test_names_of_runs_tell_what_differs() -> None:
    changes: list[dict[str, Any]] = [
        {}, {"features": "cls"}, {"features": "lite"}, {"seed": 2}, {"seed": 3}, {"mode": "paper"}, {"bits": 64},
        {"dataset": "cifar10@all"}, {"method": "dpn"}, {"backbone": "vts32"}, {"mode": "paper", "seed": 2},
    ]  # fmt: skip
    made = [
        PresetOptions(**{"dataset": "cifar10", "method": "csq", "bits": 32, **change}).name
        for change in changes
    ]
    assert len(set(made)) == len(changes)
    assert PresetOptions("cifar10", "csq", 32, features="all").name == made[0]


@pytest.mark.parametrize("side", [64, 96, 160])
def test_positions_are_resampled_as_the_published_code_does(side: int) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    torch.manual_seed(0)
    state = make_backbone(NetworkSpec("vitti16", 112, heads=(), depth=1)).state_dict()
    target = make_backbone(NetworkSpec("vitti16", side, heads=(), depth=1))
    made = fit_to_backbone(state, target, Path("x"), aligned_positions=True)["pos_embed"]
    given = state["pos_embed"].numpy()
    zoom = (side / 112, side / 112, 1)
    grid = ndimage.zoom(given[0, 1:].reshape(7, 7, -1), zoom, order=1)
    wanted = np.concatenate([given[:, :1], grid.reshape(1, (side // 16) ** 2, -1)], axis=1)
    np.testing.assert_allclose(made.numpy(), wanted, atol=1e-6)
    smooth = fit_to_backbone(state, target, Path("x"))["pos_embed"]
    assert float((smooth - made).abs().max()) > 1e-4
