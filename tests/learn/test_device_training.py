"""Training on views that are made on the device: it learns, goes on exactly, and keeps to its time."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import Cancelled, CancelToken, SilentProgress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.formats import Source
from vtsfind.learn.models.registry import registered_models
from vtsfind.learn.recipes import Goal, Schedule, TrainingTask
from vtsfind.learn.training.device_batches import DeviceBatches
from vtsfind.learn.training.loop import RunOptions, train
from vtsfind.learn.training.runs import RunFolder
from vtsfind.learn.training.schedule import rate_share
from vtsfind.learn.training.setup import choose_attention

DATA = Path(__file__).parents[1] / "data"

RECIPE = """
name = "tiny.copy.photos.32"
seed = 3

[network]
backbone = "vitti16"
size = 32
depth = 2
centred = true
heads = [{ name = "copy", bits = 32 }]

[schedule]
steps = STEPS
backbone_rate = 3e-4
head_rate = 3e-3
warmup = 2
checkpoint = CHECKPOINT
augment = "device"

[[tasks]]
data = [{ kind = "photos", path = "photos" }]
views = "edits"
strength = 0.4
pictures = 30
views_each = 2
shortest = 64

[[tasks.goals]]
head = "copy"
objective = "instance"
options = { memory = 0 }
"""


def recipe(tmp_path: Path, steps: int, extra: str = "", checkpoint: int = 3) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace("STEPS", f"{steps}\n{extra}").replace("CHECKPOINT", str(checkpoint)))
    return path


def trained(tmp_path: Path, name: str, steps: int, extra: str = "", checkpoint: int = 3) -> Path:
    run = RunOptions(tmp_path / name, DATA, DATA, device="cpu", workers=0)
    return train(recipe(tmp_path, steps, extra, checkpoint), run, SilentProgress(), CancelToken())


def batches(
    views: str = "edits", share: tuple[int, int] = (0, 1), preprocessing: Preprocessing | None = None
) -> DeviceBatches:
    task = TrainingTask(
        goals=(Goal("copy", "instance"),),
        data=(Source("photos", "photos"),),
        views=views,  # type: ignore[arg-type]
        pictures=6,
        views_each=2,
        shortest=64,
    )
    return DeviceBatches(
        task,
        DATA,
        preprocessing or Preprocessing(size=32),
        steps=9,
        seed=2,
        share=share,
        device=torch.device("cpu"),
        progress=SilentProgress(),
        cancel=CancelToken(),
    )


class StopAfter(SilentProgress):
    """Asks a run to stop after some steps, as Ctrl-C would."""

    def __init__(self, steps: int) -> None:
        self.steps, self.token = steps, CancelToken()

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.steps -= steps if not note else 0
        if self.steps == 0:
            self.token.cancel()


def test_training_lowers_the_loss_on_real_photos(tmp_path: Path) -> None:
    folder = trained(tmp_path, "run", 101, checkpoint=101)
    losses = [
        json.loads(line)["0.copy.contrast"] for line in (folder / "metrics.jsonl").read_text().splitlines()
    ]
    assert sum(losses[-3:]) < 0.85 * sum(losses[:3])


def test_a_stopped_run_gives_the_weights_of_one_that_never_stopped(tmp_path: Path) -> None:
    whole = trained(tmp_path, "whole", 8)
    stop = StopAfter(5)
    run = RunOptions(tmp_path / "parts", DATA, DATA, device="cpu", workers=0)
    with pytest.raises(Cancelled):
        train(recipe(tmp_path, 8), run, stop, stop.token)
    torch.manual_seed(99)
    parts = trained(tmp_path, "parts", 8)
    (a,), (b,) = registered_models((whole,)).values(), registered_models((parts,)).values()
    assert a.sha256 == b.sha256


def test_a_run_killed_while_it_writes_a_checkpoint_goes_on_from_the_one_before(tmp_path: Path) -> None:
    whole = trained(tmp_path, "whole", 8)
    path = recipe(tmp_path, 8)
    program = f"""
import os, torch
from pathlib import Path
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.learn.training.loop import RunOptions, train
saves, save = [], torch.save
def dying(content, file):
    saves.append(1)
    if len(saves) == 2:
        file.write(b"half of a checkpoint")
        file.flush()
        os.kill(os.getpid(), 9)
    save(content, file)
torch.save = dying
train(Path({str(path)!r}), RunOptions(Path({str(tmp_path / "run")!r}), Path({str(DATA)!r}), Path({str(DATA)!r}),
    device="cpu", workers=0), SilentProgress(), CancelToken())
"""
    done = subprocess.run([sys.executable, "-c", program], env=os.environ, check=False, timeout=120)
    assert done.returncode == -9
    kept = RunFolder(tmp_path / "run", path.read_bytes()).load(torch.device("cpu"))
    assert kept is not None
    assert kept["step"] == 3
    parts = trained(tmp_path, "run", 8)
    (a,), (b,) = registered_models((whole,)).values(), registered_models((parts,)).values()
    assert a.sha256 == b.sha256
    assert not list((tmp_path / "run").glob("*.tmp"))


def test_a_run_ends_when_its_time_is_over_and_its_rates_have_fallen(tmp_path: Path) -> None:
    folder = trained(tmp_path, "run", 100_000, "minutes = 1e-6")
    assert json.loads((folder / "result.json").read_text())["steps"] == 1
    assert registered_models((folder,))


def test_rates_fall_by_what_is_nearer_to_its_end_steps_or_time() -> None:
    schedule = Schedule(steps=100, warmup=0)
    assert rate_share(50, schedule, spent=0.1) == rate_share(50, schedule)
    assert rate_share(50, schedule, spent=0.8) == pytest.approx(rate_share(80, schedule))
    assert rate_share(50, schedule, spent=1.5) == 0


def test_a_batch_depends_on_the_seed_and_the_step_alone() -> None:
    one, other = batches(), batches()
    other[0]
    assert torch.equal(one[4].pixels, other[4].pixels)
    assert not torch.equal(one[4].pixels, one[5].pixels)


def test_every_picture_is_shown_once_before_any_is_shown_again() -> None:
    shown = torch.cat([batches()[step].rows for step in range(5)])
    assert torch.equal(torch.bincount(shown), torch.full((30,), 2))


def test_the_shares_of_processes_make_up_the_batch_of_one() -> None:
    whole, shares = batches()[1], [batches(share=(number, 3))[1] for number in range(3)]
    assert torch.equal(torch.cat([share.rows for share in shares]), whole.rows)
    pixels = torch.cat([share.pixels for share in shares])
    assert (pixels.int() - whole.pixels.int()).abs().max() <= 1


@pytest.mark.parametrize("views", ["plain", "mild", "edits"])
def test_batches_are_pictures_of_the_network_s_size(views: str) -> None:
    batch = batches(views)[0]
    assert batch.pixels.shape == (12, 32, 32, 3)
    assert batch.pixels.dtype == torch.uint8


def test_other_batches_of_the_same_pictures_decode_them_no_second_time() -> None:
    source = batches()
    derived = source.derive(steps=2, seed=5, task=replace(source.task, views="plain"))
    assert derived.pool is source.pool
    assert torch.equal(derived[0].pixels[0], derived[0].pixels[1])


def test_what_the_device_cannot_make_is_refused() -> None:
    with pytest.raises(UsageError, match=r"on the device.*--augment workers"):
        batches("window")
    with pytest.raises(UsageError, match=r"on the device.*--augment workers"):
        batches(preprocessing=Preprocessing(size=32, fit="crop", resize=40))


def test_attention_on_a_processor_is_two_products_in_bfloat16_and_gives_the_same() -> None:
    import timm

    from vtsfind.learn.models.network import HashNetwork
    from vtsfind.learn.models.spec import NetworkSpec

    network = HashNetwork(
        NetworkSpec("vitti16", 48, heads=()),
        timm.create_model("vit_tiny_patch16_224", img_size=48, num_classes=0, depth=1).eval(),
    )
    pictures = torch.rand(2, 3, 48, 48)
    cpu = torch.device("cpu")
    assert choose_attention(network, cpu, torch.float32) == "fused"
    fused = network.features(pictures)
    assert choose_attention(network, cpu, torch.bfloat16) == "matrix products"
    assert torch.allclose(network.features(pictures), fused, atol=1e-4)
