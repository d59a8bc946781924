"""Training: a run gives a model that works, goes on exactly after a kill, and says what is wrong."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import Cancelled, CancelToken, SilentProgress
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.register import register_model
from vtsfind.learn.models.registry import find_card, registered_models
from vtsfind.learn.recipes import Schedule, read_recipe
from vtsfind.learn.training.loop import RunOptions, train
from vtsfind.learn.training.schedule import rate_share

RECIPES = Path(__file__).parents[2] / "weights/recipes"

RECIPE = """
name = "tiny.both.drawn.16-8"
seed = 3

[network]
backbone = "vitti16"
size = 32
depth = 1
centred = true
heads = [{ name = "copy", bits = 16 }, { name = "scene", bits = 8 }]

[schedule]
steps = STEPS
warmup = 2
checkpoint = 3

[[tasks]]
data = [{ kind = "classes", path = "classes" }]
views = "edits"
pictures = 4
views_each = 2
shortest = 32

[[tasks.goals]]
head = "copy"
objective = "instance"
options = { memory = 32 }

[[tasks.goals]]
head = "scene"
objective = "csq"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / f"data/classes/{'abc'[number % 3]}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        coarse.resize((48, 40), Image.Resampling.BICUBIC).save(path)
    return tmp_path / "data"


def recipe(tmp_path: Path, steps: int = 8) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace("STEPS", str(steps)))
    return path


def run(folder: Path, data: Path, workers: int = 0) -> RunOptions:
    return RunOptions(folder, data, data, device="cpu", workers=workers)


class StopAfter(SilentProgress):
    """Asks a run to stop after some steps, as Ctrl-C would."""

    def __init__(self, steps: int) -> None:
        self.steps, self.token = steps, CancelToken()

    def advance(self, steps: int = 1, note: str = "") -> None:
        del note
        self.steps -= steps
        if self.steps == 0:
            self.token.cancel()


def test_a_run_gives_a_registered_model_that_makes_codes(tmp_path: Path, data: Path) -> None:
    folder = train(recipe(tmp_path), run(tmp_path / "run", data), SilentProgress(), CancelToken())
    (card,) = registered_models((folder,)).values()
    codes = Encoder(card, device="cpu").encode(np.zeros((3, 32, 32, 3), np.uint8))
    assert {name: value.shape for name, value in codes.items()} == {"copy": (3, 2), "scene": (3, 1)}


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path, data: Path) -> None:
    whole = train(recipe(tmp_path), run(tmp_path / "whole", data), SilentProgress(), CancelToken())
    stop = StopAfter(4)
    with pytest.raises(Cancelled):
        train(recipe(tmp_path), run(tmp_path / "parts", data), stop, stop.token)
    torch.manual_seed(99)
    parts = train(recipe(tmp_path), run(tmp_path / "parts", data), SilentProgress(), CancelToken())
    (a,), (b,) = registered_models((whole,)).values(), registered_models((parts,)).values()
    assert a.sha256 == b.sha256


def test_batches_made_in_other_processes_give_the_same_model(tmp_path: Path, data: Path) -> None:
    here = train(recipe(tmp_path, 3), run(tmp_path / "here", data), SilentProgress(), CancelToken())
    there = train(
        recipe(tmp_path, 3), run(tmp_path / "there", data, workers=1), SilentProgress(), CancelToken()
    )
    (a,), (b,) = registered_models((here,)).values(), registered_models((there,)).values()
    assert a.sha256 == b.sha256


def test_training_lowers_the_loss(tmp_path: Path, data: Path) -> None:
    path = recipe(tmp_path, 31)
    path.write_text(
        path.read_text()
        .replace('views = "edits"', 'views = "plain"')
        .replace("warmup", "head_rate = 0.01\nwarmup")
    )
    folder = train(path, run(tmp_path / "run", data), SilentProgress(), CancelToken())
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 10, 20, 30]
    assert lines[-1]["0.scene.centre"] < 0.7 * lines[0]["0.scene.centre"]


def test_a_run_folder_is_not_continued_by_another_recipe(tmp_path: Path, data: Path) -> None:
    train(recipe(tmp_path, 1), run(tmp_path / "run", data), SilentProgress(), CancelToken())
    with pytest.raises(UsageError, match=r"belongs to another recipe.*--run"):
        train(recipe(tmp_path, 2), run(tmp_path / "run", data), SilentProgress(), CancelToken())


def test_a_teacher_s_view_of_each_picture_is_learned(tmp_path: Path, data: Path) -> None:
    path = recipe(tmp_path, 11)
    path.write_text(path.read_text().replace('objective = "csq"', 'objective = "csq"\nteacher = TEACHER'))
    path.write_text(
        path.read_text().replace("TEACHER", '{ backbone = "vitti16", start = "t.safetensors", size = 32 }')
    )
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(1)
    save_file(
        timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=0).state_dict(),
        data / "t.safetensors",
    )
    folder = train(path, run(tmp_path / "run", data), SilentProgress(), CancelToken())
    assert np.load(folder / "features-0-1.npy").shape == (12, 192)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["0.scene.centre"] < lines[0]["0.scene.centre"]


def test_heads_that_are_fitted_again_in_the_end_go_by_the_views_they_are_fitted_to(
    tmp_path: Path, data: Path
) -> None:
    path = recipe(tmp_path, 2)
    started = path.read_text().replace('objective = "instance"', 'objective = "instance"\nstart = "identity"')
    models = {}
    fitted = started.replace("warmup", "refit = 48\nwarmup")
    otherwise = fitted.replace('start = "identity"', 'start = "identity"\nend_views = "mild"')
    for name, text in (("kept", started), ("fitted", fitted), ("otherwise", otherwise)):
        path.write_text(text)
        (card,) = registered_models(
            (train(path, run(tmp_path / name, data), SilentProgress(), CancelToken()),)
        ).values()
        models[name] = card.load()
    for one, other in (("kept", "fitted"), ("fitted", "otherwise")):
        differing = {name for name, value in models[one].items() if not value.equal(models[other][name])}
        assert {name.rpartition(".")[0] for name in differing} == {"heads.copy.0", "heads.copy.1"}


def test_a_finished_model_is_adopted_into_a_registry_once(tmp_path: Path, data: Path) -> None:
    folder = train(recipe(tmp_path, 1), run(tmp_path / "run", data), SilentProgress(), CancelToken())
    register_model(folder, tmp_path / "models")
    card = register_model(folder, tmp_path / "models")
    assert registered_models((tmp_path / "models",))[card.name].sha256 == card.sha256
    assert (tmp_path / "models" / card.recipe).read_text() == recipe(tmp_path, 1).read_text()
    shutil.rmtree(folder)
    other = train(recipe(tmp_path, 2), run(folder, data), SilentProgress(), CancelToken())
    with pytest.raises(UsageError, match="has another model"):
        register_model(other, tmp_path / "models")


def test_a_finished_run_is_left_as_it_is(tmp_path: Path, data: Path) -> None:
    folder = train(recipe(tmp_path, 1), run(tmp_path / "run", data), SilentProgress(), CancelToken())
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    shutil.rmtree(data)
    train(recipe(tmp_path, 1), run(folder, data), SilentProgress(), CancelToken())
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_an_unfinished_run_has_no_model_to_adopt(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no finished model"):
        register_model(tmp_path, tmp_path / "models")


def test_the_rate_rises_to_its_highest_and_falls_to_nothing() -> None:
    schedule = Schedule(steps=100, warmup=10)
    shares = [rate_share(step, schedule) for step in range(100)]
    assert max(shares) == shares[9] == 1.0
    assert shares[:10] == sorted(shares[:10])
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert shares[-1] < 0.001


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("warmup = 2", "warm_up = 2"), r"unknown key 'warm_up'.*warmup"),
        (("warmup = 2", 'warmup = "two"'), r"schedule: warmup is 'two'"),
        (('head = "scene"', 'head = "mood"'), r"goal for the head 'mood'"),
        (("steps = 8", ""), r"lacks the key 'steps'"),
        (('objective = "csq"', 'objective = "cqs"'), r"no objective 'cqs'.*csq"),
        (("memory = 32", "memery = 32"), r"no option 'memery'.*memory"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused_at_once(
    tmp_path: Path, data: Path, change: tuple[str, str], message: str
) -> None:
    path = recipe(tmp_path)
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(UsageError, match=message):
        train(path, run(tmp_path / "run", data), SilentProgress(), CancelToken())


def test_each_stage_of_the_default_model_starts_from_the_result_of_the_one_before() -> None:
    names = [f"backbone-stage-{number}" for number in (1, 2, 3)]
    names += [
        "vits14d8.copy-scene.photos4.256-128",
        "vits14d8-lite2.copy-scene.photos4.256-256",
        find_card().name,
    ]
    for before, after in pairwise([read_recipe(RECIPES / f"{name}.toml") for name in names]):
        assert after.start == f"{before.name}.safetensors"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_recipe_is_named_for_the_model_it_makes(path: Path) -> None:
    assert read_recipe(path).name == path.stem


def test_the_default_model_is_listed_with_the_recipe_that_makes_it() -> None:
    card = find_card()
    made = read_recipe(card.folder / card.recipe)
    assert (made.name, made.network, made.note) == (card.name, card.network, card.note)
