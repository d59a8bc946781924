"""What a person sees of a training: smoothed losses, rates of the last minute, a line an epoch, tables and curves."""

import csv
import io
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_models import draw_classes
from typer.testing import CliRunner, Result

from vtsfind.base.progress import CancelToken, Phase, SilentProgress
from vtsfind.cli.app import make_app
from vtsfind.learn.recipes import Recipe, recipe_text
from vtsfind.learn.training.loop import train_recipe
from vtsfind.learn.training.presets import PresetOptions, preset_recipe
from vtsfind.learn.training.runs import RunOptions
from vtsfind.learn.training.timing import LossTerms, StepTimer
from vtsfind.report.progress import TerminalProgress
from vtsfind.report.training import curve


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until its one number is changed."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def data(tmp_path: Path) -> Path:
    torch.set_num_threads(1)
    return draw_classes(tmp_path / "data")


def tiny(data: Path, **schedule: Any) -> Recipe:
    del data
    made = preset_recipe(
        PresetOptions("folder", "csq", 8, backbone="vitti16", batch=6, start="", epochs=3), pictures=24
    )
    network = replace(made.network, size=32, depth=1)
    validation = replace(made.validation, every=4) if made.validation else None
    return replace(
        made,
        network=network,
        validation=validation,
        schedule=replace(made.schedule, checkpoint=3, **schedule),
    )


def trained(recipe: Recipe, data: Path, folder: Path, **options: Any) -> list[str]:
    """Train, and give what was told at the ends of epochs."""
    told: list[str] = []
    run = RunOptions(folder, data, data, device="cpu", workers=0, on_epoch=told.append, **options)
    train_recipe(
        recipe_text(recipe).encode(), "x", run, options.pop("progress", SilentProgress()), CancelToken()
    )
    return told


def test_a_smoothed_loss_is_a_weighted_mean_of_all_batches() -> None:
    terms, values = LossTerms(), [3.0, 1.0, 4.0, 1.0, 5.0]
    for value in values:
        terms.add({"a.b": value, "a.c": 2.0})
    weights = [0.98**age for age in reversed(range(len(values)))]
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    assert terms.smoothed() == {"a.b": pytest.approx(mean), "a.c": pytest.approx(2.0)}
    assert terms.take_means() == {"a.b": pytest.approx(14 / 5), "a.c": 2.0}
    terms.add({"a.b": 7.0, "a.c": 2.0})
    assert terms.take_means()["a.b"] == 7.0


def test_the_speed_is_that_of_the_last_minute(clock: list[float]) -> None:
    timer = StepTimer(views=8)
    for number, _ in enumerate(timer.timed(iter(range(100)))):
        clock[0] += 10.0 if number < 60 else 1.0
    # The last 60 seconds had two steps of 10 s and 40 of 1 s.
    assert timer.recent_views_per_second == pytest.approx(8 * 42 / 60)
    assert timer.views_per_second == pytest.approx(8 * 100 / 640)


def test_a_bar_keeps_its_note_and_counts_no_earlier_run_into_its_rate(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    progress = TerminalProgress()
    progress.start(Phase.TRAIN, 10_000)
    progress.advance(4000)  # done before
    for _ in range(30):
        clock[0] += 1
        progress.advance(0, "loss 0.5")
        progress.advance(11)
    assert progress._bars is not None
    (task,) = progress._bars.tasks
    assert task.completed == 4000 + 330
    assert task.fields["note"] == "loss 0.5"
    assert float(task.fields["rate"].removesuffix("/s")) == pytest.approx(11, rel=0.05)
    for _ in range(200):
        clock[0] += 1
        progress.advance(2)
    assert float(task.fields["rate"].removesuffix("/s")) == pytest.approx(2, rel=0.05)
    progress.close()


def test_every_epoch_is_told_once_with_the_means_of_its_loss(tmp_path: Path, data: Path) -> None:
    recipe = tiny(data)  # 22 pictures in batches of 6 for three epochs: 11 batches
    told = trained(recipe, data, tmp_path / "run")
    assert [line.split(":")[0] for line in told] == [
        "Epoch 1, step 4 of 11", "Epoch 2, step 8 of 11", "Epoch 3, step 11 of 11",
    ]  # fmt: skip
    assert all("centre" in line and "quantisation" in line and "pictures/s" in line for line in told)
    assert all("on held out (best " in line for line in told)


def test_metrics_are_a_table_too_and_a_resumed_run_has_the_same(tmp_path: Path, data: Path) -> None:
    recipe = tiny(data)
    trained(recipe, data, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "run/metrics.csv").read_text())))
    assert len(rows) == len(lines) == 5  # steps 0 and 10, and three validations
    for row, line in zip(rows, lines, strict=True):
        assert {name: value for name, value in row.items() if value} == {
            name: str(value) for name, value in line.items()
        }


def test_tensorboard_gets_every_number_once(tmp_path: Path, data: Path) -> None:
    pytest.importorskip("tensorboard")
    trained(tiny(data), data, tmp_path / "run", tensorboard=True)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    for name in ("0.scene.centre", "validation_map"):
        wanted = [(line["step"], pytest.approx(line[name], rel=1e-6)) for line in lines if name in line]
        assert [(event.step, event.value) for event in events.Scalars(name)] == wanted


def call(*arguments: object) -> Result:
    return CliRunner().invoke(make_app(), ["train", *map(str, arguments)], prog_name="vtsfind")


def test_a_run_is_drawn_and_shown(tmp_path: Path, data: Path) -> None:
    pytest.importorskip("matplotlib")
    trained(tiny(data), data, tmp_path / "run")
    result = call("--run", tmp_path / "run", "--plot")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "run/curves.png").read_bytes().startswith(b"\x89PNG")
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert names == ["first", "0.scene.centre", "0.scene.quantisation", "validation"]
    assert call("--run", tmp_path / "nothing", "--plot").exit_code == 2


def test_a_curve_has_the_shape_of_its_values() -> None:
    values = [abs(place - 300) for place in range(601)]
    drawn = curve(values)
    assert len(drawn) == 60
    assert drawn[0] == drawn[-1] == "\u2588"
    assert drawn[29] == drawn[30] == "\u2581"
    heights = ["\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588".index(bar) for bar in drawn]
    assert heights[:30] == sorted(heights[:30], reverse=True)
    assert heights[30:] == sorted(heights[30:])
    assert curve([1.0, 1.0]) == "\u2581\u2581"
