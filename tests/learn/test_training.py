"""Training by a protocol: what is learned from, how a run is judged, how it goes on, and what it refuses."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny_models import draw_classes

from vtsfind.base.errors import DiskFull, StorageError, UsageError, VtsfindError
from vtsfind.base.progress import Cancelled, CancelToken, SilentProgress
from vtsfind.learn.data.protocols import open_protocol
from vtsfind.learn.models.registry import ModelCard, registered_models
from vtsfind.learn.recipes import (
    Recipe,
    Schedule,
    Validation,
    parse_recipe,
    read_recipe,
    recipe_text,
)
from vtsfind.learn.training import schedule as rates
from vtsfind.learn.training import state
from vtsfind.learn.training import training_data as materials
from vtsfind.learn.training.loop import train_recipe
from vtsfind.learn.training.presets import PresetOptions, preset_recipe
from vtsfind.learn.training.runs import RunOptions
from vtsfind.learn.training.training_data import hold_out, open_training_data, preprocessing_of

PRESET = PresetOptions("folder", "csq", 8, backbone="vitti16", batch=6, start="", epochs=2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return draw_classes(tmp_path / "data")


def tiny(preset: PresetOptions = PRESET, **schedule: Any) -> Recipe:
    """A recipe of the field for a network of one block at 32 pixels."""
    made = preset_recipe(preset, pictures=24)
    network = replace(made.network, size=32, depth=1 if preset.backbone == "vitti16" else None)
    return replace(made, network=network, schedule=replace(made.schedule, **{"checkpoint": 3, **schedule}))


def trained(
    recipe: Recipe, folder: Path, data: Path, *, cancel: CancelToken | None = None, progress: Any = None
) -> ModelCard:
    run = RunOptions(folder, data, data, device="cpu", workers=0)
    content = recipe_text(recipe).encode()
    train_recipe(content, "the recipe", run, progress or SilentProgress(), cancel or CancelToken())
    (card,) = registered_models((folder,)).values()
    return card


class StopAfter(SilentProgress):
    """Asks a run to stop after some steps."""

    def __init__(self, steps: int) -> None:
        self.steps, self.token = steps, CancelToken()

    def advance(self, steps: int = 1, note: str = "") -> None:
        del note
        self.steps -= steps
        if steps and self.steps <= 0:
            self.token.cancel()


def metrics(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_recipe_of_the_field_is_written_and_read_back_the_same() -> None:
    for mode in ("fixed", "paper"):
        for backbone in ("vts16", "vts32", "resnet50", "alexnet", "transhash", "vits14"):
            made = preset_recipe(PresetOptions("cifar10", "csq", 32, backbone=backbone, mode=mode))
            assert parse_recipe(recipe_text(made).encode(), "x") == made
            assert made.name == f"{backbone}.csq.cifar10@54000.32" + (".paper" if mode == "paper" else "")


@pytest.mark.parametrize("backbone", ["vts16", "vts32"])
def test_the_recipes_that_ship_are_those_that_the_command_makes(backbone: str) -> None:
    name = f"{backbone}.csq.cifar10@54000.32"
    shipped = Path(__file__).parents[2] / "weights" / "recipes" / f"{name}.toml"
    assert read_recipe(shipped) == preset_recipe(PresetOptions("cifar10@54000", "csq", 32, backbone=backbone))


def test_paper_mode_is_trained_as_the_published_code_trains() -> None:
    made = preset_recipe(PresetOptions("coco", "dpn", 64, mode="paper", select="test"))
    schedule = made.schedule
    assert (schedule.optimiser, schedule.backbone_rate, schedule.head_rate) == ("adam", 1e-5, 1e-5)
    assert (schedule.course, schedule.warmup, schedule.weight_decay, schedule.clip) == ("constant", 0, 0, 0)
    assert schedule.steps == 150 * 313
    assert (made.tasks[0].short_batches, made.aligned_positions, made.network.paper_init) == (
        True,
        True,
        True,
    )
    assert made.tasks[0].views == "window"
    assert made.validation == Validation(every=30 * 313, on="test")
    assert preprocessing_of(made).mean == (0.485, 0.456, 0.406)
    assert (preprocessing_of(made).fit, preprocessing_of(made).resize) == ("crop", 256)


def test_only_the_training_set_is_learned_from_and_held_out_pictures_are_not(data: Path) -> None:
    made = tiny()
    opened = open_training_data(made, data, share=(0, 1), progress=SilentProgress(), cancel=CancelToken())
    pictures, split = open_protocol("folder", data, seed=1, shortest=36)
    rows, out = hold_out(split.train, 0.1, made.seed)
    assert (len(rows), len(out)) == (22, 2)
    assert set(rows) | set(out) == set(split.train)
    own = opened.sources[0].pictures
    assert len(own) == 22
    for place, row in enumerate(rows):
        np.testing.assert_array_equal(own.picture(place), pictures.picture(int(row)))
    assert opened.validation_set is not None
    np.testing.assert_array_equal(opened.validation_set.queries.picture(1), pictures.picture(int(out[1])))
    assert opened.validation_set.database is None


def test_the_test_queries_are_looked_at_only_when_asked_for_and_the_model_is_marked(
    tmp_path: Path, data: Path
) -> None:
    marked = trained(tiny(replace(PRESET, select="test"), steps=4), tmp_path / "test", data)
    assert str(marked.metrics["selected on"]).startswith("test queries")
    assert metrics(tmp_path / "test")[-1]["on"] == "test"
    last = trained(tiny(replace(PRESET, select="last"), steps=4), tmp_path / "last", data)
    assert last.metrics == {}
    fair = trained(tiny(steps=4), tmp_path / "fair", data)
    assert fair.metrics["selected on"] == "held-out training pictures"


def test_windows_of_a_picture_move_and_are_mirrored(data: Path) -> None:
    made = tiny()
    opened = open_training_data(made, data, share=(0, 1), progress=SilentProgress(), cancel=CancelToken())
    (source,) = opened.sources
    shown = source._augmented_view
    whole = source.pictures.picture(0)
    views = {shown(whole, np.random.default_rng(seed)).tobytes() for seed in range(20)}
    assert len(views) == 20
    assert source[0].pixels.shape == (6, 32, 32, 3)


def test_shares_of_a_batch_put_together_are_the_batch(data: Path) -> None:
    made = tiny()

    def opened(share: tuple[int, int]) -> Any:
        of = open_training_data(made, data, share=share, progress=SilentProgress(), cancel=CancelToken())
        return of.sources[0][3]

    whole, parts = opened((0, 1)), [opened((number, 3)) for number in range(3)]
    for name in ("pixels", "labels", "rows"):
        assert torch.cat([getattr(part, name) for part in parts]).equal(getattr(whole, name))


@pytest.mark.parametrize("method", ["csq", "hashnet", "greedyhash", "dfh"])
def test_a_killed_run_goes_on_bit_for_bit(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    made = tiny(replace(PRESET, method=method, batch=8), steps=8, warmup=2)
    validation = Validation(share=0.25, every=3)
    network = replace(made.network, dropout=0.2)
    made = replace(made, network=network, validation=validation)
    whole = trained(made, tmp_path / "whole", data)

    class Killed(BaseException):
        pass

    step = state.TrainingState.step

    def dying(self: state.TrainingState, number: int, batches: Any) -> Any:
        if number == 5:
            raise Killed
        return step(self, number, batches)

    with monkeypatch.context() as patch:
        patch.setattr(state.TrainingState, "step", dying)
        with pytest.raises(Killed):
            trained(made, tmp_path / "parts", data)
    torch.manual_seed(99)
    parts = trained(made, tmp_path / "parts", data)
    assert parts.sha256 == whole.sha256
    assert parts.metrics == whole.metrics
    a, b = (torch.load(tmp_path / name / "checkpoint.pt", weights_only=True) for name in ("whole", "parts"))
    assert str(a) == str(b)
    steps = [line["step"] for line in metrics(tmp_path / "parts")]
    assert steps == [line["step"] for line in metrics(tmp_path / "whole")]


def test_the_best_state_is_kept_and_a_run_without_progress_ends(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([0.2, 0.5, 0.4, 0.3])
    seen: list[Any] = []

    def measured(network: Any, *_: Any) -> float:
        seen.append({name: value.half() for name, value in network.state_dict().items()})
        return next(values)

    monkeypatch.setattr(state, "mean_average_precision", measured)
    made = replace(tiny(steps=20), validation=Validation(every=2, patience=2))
    card = trained(made, tmp_path / "run", data)
    assert (card.metrics["selected at step"], card.metrics["selection mAP"]) == (4, 0.5)
    assert json.loads((tmp_path / "run/result.json").read_bytes())["steps"] == 8
    kept = card.load()
    assert all(value.equal(seen[1][name].float()) for name, value in kept.items())
    assert not all(value.equal(seen[3][name].float()) for name, value in kept.items())
    assert trained(made, tmp_path / "run", data).sha256 == card.sha256  # an ended run has ended


def test_epochs_are_told_to_objectives_once(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    from vtsfind.learn.objectives.hashnet import HashNet

    monkeypatch.setattr(HashNet, "start_epoch", lambda _, n: told.append(n))
    made = tiny(replace(PRESET, method="hashnet", batch=8, select="last"), steps=9)
    stop = StopAfter(4)
    with pytest.raises(Cancelled):
        trained(made, tmp_path / "run", data, cancel=stop.token, progress=stop)
    trained(made, tmp_path / "run", data)
    assert told == [0, 1, 2]  # 24 pictures in batches of 8


def test_adam_and_the_constant_course_are_what_was_asked_for() -> None:
    schedule = Schedule(steps=50, warmup=5, course="constant", optimiser="adam", weight_decay=0.1)
    assert [rates.rate_share(step, schedule) for step in (0, 4, 5, 49)] == [0.2, 1.0, 1.0, 1.0]
    layer = torch.nn.Linear(2, 2)
    optimiser = rates.make_optimiser(schedule, layer.parameters(), ())
    assert type(optimiser) is torch.optim.Adam
    assert [group["weight_decay"] for group in optimiser.param_groups[:2]] == [0.1, 0.0]
    rates.set_rates(optimiser, 0, schedule)
    assert optimiser.param_groups[0]["lr"] == pytest.approx(2e-5)


@pytest.mark.parametrize("option", [{"precision": "bfloat16"}, {"precision": "float16"}, {"recompute": True}])
def test_cheaper_arithmetic_still_learns(tmp_path: Path, data: Path, option: dict[str, Any]) -> None:
    made = tiny(replace(PRESET, select="last"), steps=12, **option)
    trained(made, tmp_path / "run", data)
    first, later = metrics(tmp_path / "run")
    assert later["0.scene.centre"] < first["0.scene.centre"]
    content = torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)
    assert bool(content["scaler"]) == (option.get("precision") == "float16")


def test_recomputing_changes_nothing_but_memory(tmp_path: Path, data: Path) -> None:
    plain = tiny(replace(PRESET, select="last"), steps=3, precision="float32")
    again = replace(plain, schedule=replace(plain.schedule, recompute=True))
    a, b = (trained(made, tmp_path / str(n), data) for n, made in enumerate((plain, again)))
    assert a.sha256 == b.sha256


def test_the_backbone_is_compiled_when_asked_for(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[torch.nn.Module] = []

    def compiling(module: torch.nn.Module) -> torch.nn.Module:
        compiled.append(module)
        return module

    monkeypatch.setattr(torch, "compile", compiling)
    trained(tiny(replace(PRESET, select="last"), steps=1, compile=True), tmp_path / "run", data)
    assert [type(module).__name__ for module in compiled] == ["BackboneFeatures"]


def test_the_share_of_time_that_is_spent_waiting_for_data_is_told(tmp_path: Path, data: Path) -> None:
    made = tiny(replace(PRESET, select="last"), steps=12)
    trained(made, tmp_path / "run", data)
    result = json.loads((tmp_path / "run/result.json").read_bytes())
    trained(made, tmp_path / "run", data)
    assert json.loads((tmp_path / "run/result.json").read_bytes()) == result
    assert result["views_per_s"] > 0
    assert 0 <= result["waiting_share"] <= 1
    assert {"rate", "views_per_s", "waiting_share", "0.scene.centre"} <= set(metrics(tmp_path / "run")[-1])


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"method": "cqs"}, r"no objective 'cqs'.*csq"),
    ({"dataset": "cifar11"}, r"no data set 'cifar11'.*cifar10"),
    ({"backbone": "vts61"}, r"no backbone 'vts61'.*vts16"),
    ({"bits": 0}, r"Codes of 0 bits.*at least one"),
    ({"bits": 1}, r"3 classes need more codes than 1 bits have.*at least 2"),
    ({"method": "transhash", "bits": 22}, r"cannot split 22 bits.*nearest possible number is 24"),
    ({"batch": 25}, r"22 pictures to train on, fewer than the 25 of a batch.*at most 22"),
    ({"epochs": 0}, r"at least 1"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_what_cannot_be_trained_is_refused_and_nothing_is_left_behind(
    tmp_path: Path, data: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        trained(tiny(replace(PRESET, **change)), tmp_path / "run", data)
    assert not (tmp_path / "run").exists()


def test_data_of_one_class_or_with_other_labels_than_0_and_1_are_refused_with_nothing_left_behind(
    tmp_path: Path, data: Path
) -> None:
    for label, message in (("1", "of one class"), ("7", "label")):
        for name in ("train.txt", "test.txt", "database.txt"):
            (data / name).write_text(
                "".join(f"train/cat/{n}.png 0 {label}\n" for n in range(8 if name != "test.txt" else 1))
            )
        with pytest.raises(UsageError, match=message):
            trained(tiny(), tmp_path / "run", data)
    assert not (tmp_path / "run").exists()


def test_a_run_folder_of_another_recipe_is_not_touched(tmp_path: Path, data: Path) -> None:
    trained(tiny(steps=2), tmp_path / "run", data)
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(UsageError, match=r"belongs to another recipe.*--run"):
        trained(tiny(steps=3), tmp_path / "run", data)
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_full_disk_costs_the_new_checkpoint_and_not_the_old_one(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tiny(replace(PRESET, select="last"), steps=8)
    whole = trained(made, tmp_path / "whole", data)
    written = torch.save
    saves = []

    def full(content: Any, file: Any) -> None:
        saves.append(content["step"])
        if len(saves) == 2:
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        written(content, file)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(DiskFull, match=r"run is full.*continues"):
            trained(made, tmp_path / "run", data)
    assert saves == [3, 6]
    assert torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)["step"] == 3
    assert not list((tmp_path / "run").glob(".*"))
    assert trained(made, tmp_path / "run", data).sha256 == whole.sha256


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_torch_s_own_words_for_a_full_disk_are_understood(tmp_path: Path) -> None:
    from vtsfind.learn.training.runs import RunFolder

    folder = RunFolder(tmp_path, b"")
    with pytest.raises(DiskFull), folder.written(), Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")


def test_a_damaged_checkpoint_is_named(tmp_path: Path, data: Path) -> None:
    made = tiny(steps=2)
    trained(made, tmp_path / "run", data)
    (tmp_path / "run/checkpoint.pt").write_bytes(b"no checkpoint")
    (tmp_path / "run/result.json").unlink()
    with pytest.raises(StorageError, match=r"checkpoint\.pt cannot be read.*Remove it"):
        trained(made, tmp_path / "run", data)


def test_a_loss_that_is_not_finite_stops_the_run_with_the_batch_named(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vtsfind.learn.objectives.csq import CSQ

    forward = CSQ.forward

    def broken(self: CSQ, outputs: Any, labels: Any, rows: Any) -> Any:
        terms = forward(self, outputs, labels, rows)
        return {**terms, "centre": terms["centre"] * float("nan")} if int(rows[0]) == wrong else terms

    made = tiny(replace(PRESET, select="last"), steps=8)
    opened = open_training_data(made, data, share=(0, 1), progress=SilentProgress(), cancel=CancelToken())
    batch = opened.sources[0][4].rows
    wrong = int(batch[0])
    monkeypatch.setattr(CSQ, "forward", broken)
    named = ", ".join(map(str, sorted(set(batch.tolist()))))
    with pytest.raises(
        VtsfindError, match=rf"step \d: 0\.scene\.centre is nan.*pictures (.*{named}|.*{wrong})"
    ):
        trained(made, tmp_path / "run", data)
    assert not list((tmp_path / "run").glob("*.safetensors"))


def test_groups_of_network_and_objective_have_to_be_the_same() -> None:
    made = preset_recipe(PresetOptions("cifar10", "transhash", 32, backbone="transhash"))
    text = recipe_text(replace(made, network=replace(made.network, groups=4)))
    with pytest.raises(UsageError, match=r"4 groups of patches in the network, but 2 in the objective"):
        parse_recipe(text.encode(), "x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule.stepps": 3}, "unknown key 'stepps'"),
        ({"tasks.1.pictures": 3}, "no place 'tasks.1.pictures'"),
        ({"schedule.steps": 0}, "steps is 0"),
        ({"validation.share": 1.5}, "share is 1.5"),
        ({"tasks.0.protocol": ""}, "neither `data` nor `protocol`"),
        ({"tasks.0.data": [{"kind": "photos", "path": "x"}]}, "both `data` and `protocol`"),
        ({"network.hidden": {"coat": 64}}, "head 'coat', which the network has not"),
        ({"network.hidden": {"scene": 0}}, "of 'scene' is 0 wide"),
        ({"network.hidden": {"scene": 64}, "network.features": "all"}, "heads that read 'all'"),
    ],
)
def test_a_change_that_a_recipe_cannot_take_is_refused(changes: dict[str, Any], message: str) -> None:
    text = recipe_text(preset_recipe(PresetOptions("cifar10", "csq", 32)))
    with pytest.raises(UsageError, match=message):
        parse_recipe(text.encode(), "x", changes)


def test_a_batch_has_to_be_shared_evenly(data: Path) -> None:
    with pytest.raises(UsageError, match=r"batch of 6 pictures cannot be shared evenly by 4.*batch of 8"):
        open_training_data(tiny(), data, share=(0, 4), progress=SilentProgress(), cancel=CancelToken())
    assert materials.hold_out(np.arange(10), 0.2, 1)[1].shape == (2,)
