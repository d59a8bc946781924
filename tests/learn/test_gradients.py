"""Gradients in parts, when memory runs out, and over several processes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_models import draw_classes
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.learn.models.registry import registered_models
from vtsfind.learn.recipes import recipe_text
from vtsfind.learn.training.distributed import ProcessGroup
from vtsfind.learn.training.grad_cache import GradientCache
from vtsfind.learn.training.loop import RunOptions, train
from vtsfind.learn.training.presets import PresetOptions, preset_recipe


class Backbone(nn.Module):
    """Gives features, and runs out of memory for more than some pictures with a gradient, or without one."""

    def __init__(self, *, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(12, 5)
        self.dropout = nn.Dropout(dropout)
        self.most = {True: 100, False: 100}
        self.in_backward = 100

    def forward(self, images: Tensor) -> Tensor:
        if len(images) > self.most[torch.is_grad_enabled()]:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        features: Tensor = self.dropout(self.layer(images.flatten(1)))
        if features.requires_grad and len(images) > self.in_backward:
            hooked: Any = features
            hooked.register_hook(self.run_out)
        return features

    def run_out(self, _gradient: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory.")


def pairs(asked: list[int]) -> Callable[[Tensor], Tensor]:
    """A loss of all pairs of a batch, that counts how often it is asked."""

    def loss(features: Tensor) -> Tensor:
        asked.append(len(features))
        return (features @ features.T).tanh().sum()

    return loss


def gradient(backbone: Backbone, parts: int, on_message: list[str], asked: list[int]) -> tuple[Tensor, int]:
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    made = GradientCache(backbone, ProcessGroup(), scaler, parts=parts, seed=1, on_message=on_message.append)
    torch.manual_seed(5)
    first, second = torch.randn(8, 3, 2, 2), torch.randn(6, 3, 2, 2)
    made.add(3, [(first, pairs(asked)), (second, pairs(asked))])
    result = backbone.layer.weight.grad
    assert result is not None
    return result, made.parts


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_parts_give_the_gradient_of_the_whole_batch(parts: int) -> None:
    asked: list[int] = []
    whole, _ = gradient(Backbone(), 1, [], asked)
    split, _ = gradient(Backbone(), parts, [], asked)
    torch.testing.assert_close(split, whole)
    assert asked == [8, 6, 8, 6]


def test_parts_that_are_made_twice_drop_the_same_values() -> None:
    backbone = Backbone(dropout=0.5)
    whole, _ = gradient(backbone, 2, [], [])
    first = whole.clone()
    backbone.zero_grad()
    again, _ = gradient(backbone, 2, [], [])
    assert again.equal(first)


@pytest.mark.parametrize("where", ["forward", "backward", "both"])
def test_running_out_of_memory_halves_the_parts_and_says_so_and_asks_the_objective_once(where: str) -> None:
    whole, _ = gradient(Backbone(), 1, [], [])
    backbone, on_message, asked = Backbone(), list[str](), list[int]()
    if where != "backward":
        backbone.most = {True: 4, False: 4}
    if where != "forward":
        backbone.in_backward = 2
    split, parts = gradient(backbone, 1, on_message, asked)
    torch.testing.assert_close(split, whole)
    assert asked == [8, 6]
    assert parts == (2 if where == "forward" else 4)
    assert len(on_message) == parts // 2
    assert "2 parts of at most 4 pictures" in on_message[0]


def test_memory_that_is_too_small_for_one_picture_is_an_error() -> None:
    backbone = Backbone()
    backbone.most = {True: 0, False: 0}
    with pytest.raises(UsageError, match=r"single picture.*recompute"):
        gradient(backbone, 1, [], [])


def test_several_processes_do_not_halve_by_themselves_but_say_what_to_set() -> None:
    backbone = Backbone()
    backbone.most = {True: 1, False: 1}
    made = GradientCache(
        backbone,
        ProcessGroup(0, 2),
        torch.amp.GradScaler("cpu", enabled=False),
        parts=2,
        seed=1,
        on_message=print,
    )
    with pytest.raises(UsageError, match=r"schedule\.parts=4"):
        made.add(0, [(torch.randn(4, 3, 2, 2), torch.sum)])


def by_torchrun(recipe: Path, run: Path, data: Path) -> None:
    """Train in two processes, as users do."""
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "--",
    ]
    command += ["vtsfind", "train", f"--recipe={recipe}", f"--data={data}", f"--run={run}"]
    command += ["--device=cpu", "--workers=0", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in lines].count("model") == 1


def test_two_processes_train_the_model_that_one_trains(tmp_path: Path) -> None:
    data = draw_classes(tmp_path / "data")
    preset = PresetOptions("folder", "hashnet", 16, backbone="vitti16", batch=8, start="", epochs=2)
    recipe = tmp_path / "recipe.toml"
    text = recipe_text(preset_recipe(preset, pictures=24))
    for old, new in (
        ("size = 224", "size = 32\ndepth = 1"),
        ("centred = false", "centred = true"),
        ("average = 0.99", "average = 0.5"),
        ('precision = "auto"', 'precision = "float32"'),
        ("share = 0.1", "share = 0.25"),
        ("every = 14", "every = 3"),
        ("clip = 1.0", "clip = 0.5"),
    ):
        assert old in text
        text = text.replace(old, new)
    recipe.write_text(text)
    train(
        recipe,
        RunOptions(tmp_path / "1", data, data, device="cpu", workers=0),
        SilentProgress(),
        CancelToken(),
    )
    by_torchrun(recipe, tmp_path / "2", data)
    one, two = (registered_models((tmp_path / str(n),)).values() for n in (1, 2))
    (a,), (b,) = one, two
    assert (a.name, a.split, a.metrics.keys()) == (b.name, b.split, b.metrics.keys())
    ours, theirs = a.load(), b.load()
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        torch.testing.assert_close(theirs[name], values, rtol=1e-3, atol=2e-4, msg=name)
    first, second = (
        [json.loads(line) for line in (tmp_path / n / "metrics.jsonl").read_text().splitlines()] for n in "12"
    )
    assert [line["step"] for line in first] == [line["step"] for line in second]
    assert second[0]["0.scene.pairs"] == pytest.approx(first[0]["0.scene.pairs"], rel=1e-5)
    assert json.loads((tmp_path / "2/made.json").read_bytes())["processes"] == 2
