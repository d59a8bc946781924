"""How long a person waits for a command of a cold process, and when encoding in NumPy is sooner done than importing torch.

    python -m benchmarks.cold --photos PHOTOS [--rounds N] [--write]

PHOTOS is a folder with some hundred photos. Commands run as processes of their own, in turns, on a library of PHOTOS: `--help`, a query
by a photo of the library, by a new one, by a new one with the head for copies, and `missing --by look` of a folder with one new photo;
figures are the least and the median wall time and the least processor time of all processes of a command. Then the default model
encodes PHOTOS by NumPy and by torch: the share of bits that differ, milliseconds of one processor a picture, processor time of importing
torch and loading the model, and from how many pictures on torch would be sooner done. With --write the figures go to docs/results/cold.json.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance

from benchmarks.commands import own_places, processor_s
from benchmarks.machine import write_result
from vtsfind.learn.models.registry import find_card
from vtsfind.media.decode import decode, prepare

PICTURES = 48
"""Pictures that both encode."""
BATCH = 32


def timed(home: Path, *command: str) -> tuple[float, float]:
    """Wall and processor seconds of a command."""
    began, used = time.perf_counter(), processor_s()
    done = subprocess.run([sys.executable, *command], env=own_places(home), capture_output=True, check=False)
    if done.returncode > 1:  # 1 says that nothing was found
        sys.exit(done.stderr.decode())
    return time.perf_counter() - began, processor_s() - used


def commands(home: Path, photos: Path, rounds: int) -> dict[str, Any]:
    """Time the commands in turns."""
    known = min(path for path in photos.rglob("*") if path.is_file())
    (home / "new").mkdir()
    new = home / "new" / "new.jpg"
    with Image.open(known) as opened:
        ImageEnhance.Brightness(opened.convert("RGB")).enhance(0.8).save(new)
    timed(home, "-m", "vtsfind", "index", str(photos))
    given = {
        "an empty interpreter": ("-c", "pass"),
        "--help": ("-m", "vtsfind", "--help"),
        "query KNOWN.jpg": ("-m", "vtsfind", "query", str(known)),
        "query NEW.jpg": ("-m", "vtsfind", "query", str(new)),
        "query NEW.jpg --by copy": ("-m", "vtsfind", "query", str(new), "--by", "copy"),
        "missing --by look": ("-m", "vtsfind", "missing", str(home / "new"), "--by", "look"),
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in given}
    for _ in range(rounds):
        for name, command in given.items():
            runs[name].append(timed(home, *command))
    return {
        name: {
            "least wall s": round(min(wall for wall, _ in some), 3),
            "median wall s": round(statistics.median(wall for wall, _ in some), 3),
            "least processor s": round(min(used for _, used in some), 3),
        }
        for name, some in runs.items()
    }


def least_processor_s(encoder: Any, pixels: npt.NDArray[np.uint8], rounds: int) -> float:
    """Processor seconds a picture, the least of some rounds."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        for first in range(0, len(pixels), BATCH):
            encoder.outputs(pixels[first : first + BATCH])
        times.append(time.process_time() - began)
    return min(times) / len(pixels)


def encoders(photos: Path, rounds: int) -> dict[str, Any]:
    """Compare NumPy's outputs, bits and time with torch's."""
    card = find_card()
    paths = sorted(path for path in photos.rglob("*") if path.is_file())[:PICTURES]
    side = card.preprocessing.size
    pixels = np.stack(
        [prepare(decode(path.read_bytes(), shortest=2 * side)[0], card.preprocessing) for path in paths]
    )
    from vtsfind.learn.models.numpy_encoder import NumpyEncoder

    began = time.process_time()
    plain = NumpyEncoder(card)
    plain.outputs(pixels[:1])
    load_numpy = time.process_time() - began
    began = time.process_time()
    from vtsfind.learn.models.encoder import Encoder

    Encoder(card, device="cpu").outputs(pixels[:1])
    load_torch = time.process_time() - began
    outputs, mine = plain.outputs(pixels), least_processor_s(plain, pixels, rounds)
    figures: dict[str, Any] = {
        "pictures": len(pixels),
        "load and first picture, NumPy, processor s": round(load_numpy, 2),
        "import, load and first picture, torch, processor s": round(load_torch, 2),
        "NumPy, processor ms a picture": round(1000 * mine, 1),
    }
    for precision in ("float32", "bfloat16"):
        encoder = Encoder(card, device="cpu", precision=precision)
        theirs = encoder.outputs(pixels)
        used = least_processor_s(encoder, pixels, rounds)
        differing = {head: (outputs[head] > 0) != (theirs[head] > 0) for head in outputs}
        figures[f"torch, {precision}"] = {
            "processor ms a picture": round(1000 * used, 1),
            "pictures from which torch is sooner done": (
                round((load_torch - load_numpy) / (mine - used)) if mine > used else None
            ),
            "share of bits that differ from NumPy's": {
                head: round(float(bits.mean()), 5) for head, bits in differing.items()
            },
            "largest output whose bit differs": {
                head: round(float(np.abs(theirs[head][bits]).max(initial=0)), 5)
                for head, bits in differing.items()
            },
        }
    return figures


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = {"commands": commands(Path(name), given.photos, given.rounds)}
    figures["encoders"] = encoders(given.photos, 2)
    if given.write:
        write_result("cold", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
