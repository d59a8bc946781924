"""How long training waits for pictures: an epoch of CIFAR-10, decoded, augmented and put into batches, beside the steps it feeds.

    python -m benchmarks.datapath DATA STARTS

Two things are measured on the training set of cifar10@54000 at batches of 32: how many pictures a second the data path gives
alone, as queries are shown and with random windows, mirroring and colours, with one process that makes batches; and the share
of time that `vtsfind train` waits for data, after the first batch, with one such process and a vision transformer so small that
it asks for pictures faster than real ones do: 2 blocks at 56 pixels.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from benchmarks.machine import write_result
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.learn.recipes import Recipe, ViewKind, recipe_text
from vtsfind.learn.training.loop import RunOptions, train_recipe
from vtsfind.learn.training.presets import PresetOptions, preset_recipe
from vtsfind.learn.training.training_data import open_training_data

SIDES = (112, 224)


def recipe(size: int, views: ViewKind, epochs: int, start: str) -> Recipe:
    """CSQ at 32 bits on the small transformer."""
    made = preset_recipe(
        PresetOptions(
            "cifar10@54000", "csq", 32, backbone="vits14", epochs=epochs, select="last", start=start
        )
    )
    task = replace(made.tasks[0], views=views)
    return replace(made, network=replace(made.network, size=size, depth=2), tasks=(task,))


def pace(data: Path, size: int, views: ViewKind) -> float:
    """Pictures a second of the data path alone, over an epoch."""
    opened = open_training_data(
        recipe(size, views, 1, ""), data, share=(0, 1), progress=SilentProgress(), cancel=CancelToken()
    )
    loader = DataLoader(
        opened.sources[0], batch_size=None, num_workers=1, prefetch_factor=2, multiprocessing_context="spawn"
    )
    batches = iter(loader)
    next(batches)
    began, pictures = time.monotonic(), 0
    for batch in batches:
        pictures += len(batch.rows)
    return pictures / (time.monotonic() - began)


def waiting(data: Path, starts: Path, device: str) -> dict[str, Any]:
    """What a run of one epoch reports."""
    made = recipe(56, "plain", 1, "vit_s_focus.onnx")
    with tempfile.TemporaryDirectory() as folder:
        run = RunOptions(Path(folder) / "run", data, starts, device, workers=1)
        train_recipe(recipe_text(made).encode(), "the recipe", run, SilentProgress(), CancelToken())
        result: dict[str, Any] = json.loads((run.folder / "result.json").read_bytes())
    return {name: result[name] for name in ("steps", "views_per_s", "waiting_share")}


def main() -> None:
    """Measure and write docs/results/datapath.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("starts", type=Path)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    views: tuple[ViewKind, ...] = ("plain", "mild")
    alone = {
        f"{side} pixels, {view}": round(pace(given.data, side, view)) for side in SIDES for view in views
    }
    figures = {
        "pictures a second of the data path alone": alone,
        "an epoch of training": waiting(given.data, given.starts, given.device),
    }
    print(json.dumps(figures, indent=1))
    print(write_result("datapath", figures))


if __name__ == "__main__":
    main()
