"""How fast views for training are made, one picture at a time and a whole batch at a time, and how fast a network learns from them.

    python -m benchmarks.augment [--photos FOLDER] [--device NAME] [--write]

Views: edited versions of the photos of FOLDER (by default those of the tests) for a network of 98 pixels, by `vtsfind.media.edits`
as worker processes make them, with and without decoding the photo first, and by `vtsfind.learn.augment` on the device, in batches of
64 from photos that lie there, with the time of each kind of edit. Both have edits of the same kinds, but not the same ones.

Steps: forward and backward through the transformer of the default model, 8 blocks of ViT-S/14 at 98 pixels, 64 views, in float32 and
bfloat16, with torch's fused attention and with two matrix products.

On a CPU all of it runs in one thread, and the time is that of the processor. Each figure is the best of five rounds.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine import kernels, write_result
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.augment import detail, geometry, jpeg, overlays, tone, views
from vtsfind.learn.augment.draws import Draws
from vtsfind.learn.augment.pool import PicturePool, fill_pool
from vtsfind.learn.data import formats
from vtsfind.learn.models.encoder import choose_device
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.media import edits
from vtsfind.media.decode import Pixels, prepare

PHOTOS = Path(__file__).parents[1] / "tests/data/photos"
SIZE, DEPTH, BATCH, POOL_SIDE, SHORTEST = 98, 8, 64, 160, 224
ROUNDS = 5


def per_second(work: Callable[[], object], count: int, device: torch.device) -> float:
    """How many of `count` things `work` does in a second: of the processor, or of the clock on another device."""
    on_cpu = device.type == "cpu"
    clock = time.process_time if on_cpu else time.perf_counter
    best = 0.0
    for _ in range(ROUNDS):
        began = clock()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = max(best, count / (clock() - began))
    return round(best, 1)


def views_alone(pictures: formats.Pictures) -> dict[str, float]:
    """Views a second, one picture at a time."""
    cpu, look = torch.device("cpu"), Preprocessing(size=SIZE)
    whole = [pictures.picture(row) for row in range(len(pictures))]

    def view(row: int, pixels: Pixels) -> None:
        rng = np.random.default_rng((1, row))
        prepare(edits.edited(pixels, rng, other=lambda: whole[int(rng.integers(len(whole)))]), look)

    def decoded() -> None:
        for row in range(len(whole)):
            view(row, pictures.picture(row))

    def kept() -> None:
        for row, pixels in enumerate(whole):
            view(row, pixels)

    return {
        "one at a time, with decoding": per_second(decoded, len(whole), cpu),
        "one at a time, decoded before": per_second(kept, len(whole), cpu),
    }


def views_in_batches(pool: PicturePool) -> dict[str, Any]:
    """Views a second, a batch at a time, and of each kind of edit alone."""
    device = pool.device
    rows = torch.arange(BATCH) % len(pool)

    def draws() -> Draws:
        return Draws.seeded(BATCH, (1, 2), device)

    made = views.edited(pool, rows, draws(), SIZE)
    other = made.flip(0)
    kinds: dict[str, Callable[[], Tensor]] = {
        "geometry": lambda: geometry.sample(
            pool.pictures(rows), geometry.draw_maps(draws(), pool.aspects[rows]), SIZE, made[:, :, 0, 0]
        ),
        "tone": lambda: tone.toned(made, draws()),
        "blur": lambda: detail.blurred(made, draws()),
        "mixtures": lambda: overlays.mixed(made, lambda some: other[some.to(device)], draws()),
        "overlays": lambda: overlays.overlaid(made, draws()),
        "noise": lambda: detail.noisy(made, draws()),
        "jpeg": lambda: jpeg.recompressed(made, draws()),
    }
    return {
        "in batches": per_second(
            lambda: views.as_pixels(views.edited(pool, rows, draws(), SIZE)), BATCH, device
        ),
        "in batches, each kind alone": {
            name: per_second(edit, BATCH, device) for name, edit in kinds.items()
        },
    }


def steps(device: torch.device) -> dict[str, float]:
    """Views a second that a network learns from, by precision and attention."""
    network = HashNetwork(NetworkSpec("vits14", SIZE, heads=(), depth=DEPTH)).to(device).train()
    pictures = torch.rand(BATCH, 3, SIZE, SIZE, device=device)
    attention: list[Any] = [m for m in network.backbone.modules() if hasattr(m, "fused_attn")]

    def step(precision: torch.dtype) -> None:
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            features = network.features(pictures)
        network.zero_grad()
        features.float().square().mean().backward()  # type: ignore[no-untyped-call]

    report = {}
    for precision in (torch.float32, torch.bfloat16):
        for name, fused in (("fused attention", True), ("attention as matrix products", False)):
            for layer in attention:
                layer.fused_attn = fused
            key = f"{str(precision).removeprefix('torch.')}, {name}"
            report[key] = per_second(lambda kind=precision: step(kind), BATCH, device)  # type: ignore[misc]
    return report


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    device = choose_device(given.device)
    source = [formats.Source("photos", given.photos.name)]
    pictures = formats.load(source, given.photos.parent, shortest=SHORTEST)
    pool = fill_pool(pictures, POOL_SIDE, device, SilentProgress(), CancelToken())
    figures = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "kernels": kernels(),
        "photos": len(pictures),
        "views a core-second": {**views_alone(pictures), **views_in_batches(pool)},
        "training, views a core-second": steps(device),
    }
    print(json.dumps(figures, indent=1))
    if given.write:
        print(write_result("augment", figures))


if __name__ == "__main__":
    main()
