"""What a photo costs from its file to a model's input, part by part, beside the decoder alone.

    python -m benchmarks.decoding --photos PHOTOS [--run N] [--write]

Photos of PHOTOS are enlarged to 12 and 24 megapixels, with noise, since enlarged pictures compress too well, and saved as JPEG, PNG and HEIC;
small JPEGs are beside them. Figures are processor milliseconds, the least of some rounds: reading the file, hashing and preparing it as
an index does; the decoder alone (libjpeg-turbo by simplejpeg, at the scale that vtsfind asks for; Pillow for others); SHA-256, and BLAKE3 if it
is installed. Then N files of 12 megapixels are indexed by the command line: processor milliseconds a photo, loading the model left out,
and which share of them the decoder alone is. With --write the figures go to docs/results/decoding.json.
"""

import argparse
import hashlib
import importlib
import importlib.util
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image

from benchmarks.big import measured
from benchmarks.commands import LOAD_MODEL
from benchmarks.machine import write_result
from vtsfind.base.records import PIXEL_LIMIT
from vtsfind.learn.models.registry import find_card
from vtsfind.media import formats
from vtsfind.media.reading import read
from vtsfind.media.work import PreparePhoto, Setup

ROUNDS = 5
NOISE_LEVELS = 6
FILES = 2
"""Files of each kind."""
KINDS = {
    "JPEG, 12 megapixels": ("JPEG", 12.0, {"quality": 92}),
    "JPEG, 24 megapixels": ("JPEG", 24.0, {"quality": 92}),
    "PNG, 12 megapixels": ("PNG", 12.0, {"compress_level": 3}),
    "HEIC, 12 megapixels": ("HEIF", 12.0, {"quality": 70}),
    "JPEG, 0.2 megapixels": ("JPEG", 0.2, {"quality": 90}),
}


def encoded(photo: Path, kind: str, megapixels: float, options: dict[str, int]) -> bytes:
    """A photo at another size, with noise, as a file of a format."""
    with Image.open(photo) as opened:
        picture = opened.convert("RGB")
    scale = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    large = picture.resize(
        (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC
    )
    values = np.asarray(large, np.int16)
    noise = np.random.default_rng(0).integers(-NOISE_LEVELS, NOISE_LEVELS + 1, (1 << 16) + 1, np.int16)
    values = values + np.resize(noise, values.shape[:2])[:, :, None]
    stream = io.BytesIO()
    formats.register(kind)
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(stream, kind, **options)
    return stream.getvalue()


def least_ms(call: Callable[[], Any]) -> float:
    """Processor milliseconds of a call."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return 1000 * min(times)


def parts(content: bytes, kind: str, folder: Path) -> dict[str, float]:
    """What the parts of reading one file cost."""
    path = folder / "photo"
    path.write_bytes(content)
    work = PreparePhoto(find_card().preprocessing)
    shortest = 2 * work.preprocessing.size
    setup = Setup(PIXEL_LIMIT, 0, 60.0)

    def alone() -> None:
        if kind == "JPEG":
            simplejpeg.decode_jpeg(content, min_height=shortest, min_width=shortest)
            return
        with Image.open(io.BytesIO(content)) as opened:
            opened.load()

    figures = {
        "MB": len(content) / 1e6,
        "file to input": least_ms(lambda: read(bytes(path), frozenset(), work, setup)),
        "decoder alone": least_ms(alone),
        "SHA-256": least_ms(lambda: hashlib.sha256(content).digest()),
    }
    if importlib.util.find_spec("blake3"):
        blake3 = importlib.import_module("blake3").blake3
        figures["BLAKE3"] = least_ms(lambda: blake3(content).digest())
    return figures


def index_run(contents: list[bytes], count: int, decoder_ms: float) -> dict[str, Any]:
    """Index many large files by the command line."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "photos").mkdir()
        for number in range(count):
            content = contents[number % len(contents)] + number.to_bytes(
                4, "big"
            )  # files of different contents
            (home / "photos" / f"{number}.jpg").write_bytes(content)
        run = measured(home, "-m", "vtsfind", "index", str(home / "photos"))
    from benchmarks.cold import timed

    with tempfile.TemporaryDirectory() as name:
        loading = min(timed(Path(name), "-c", LOAD_MODEL)[1] for _ in range(2))
    each = 1000 * (run["processor s"] - loading) / count
    return {
        "photos": count,
        **run,
        "loading the model, processor s": round(loading, 2),
        "processor ms a photo": round(each, 1),
        "share that the decoder alone is": round(decoder_ms / each, 2),
    }


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--run", type=int, default=500)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    photos = sorted(path for path in given.photos.rglob("*") if path.is_file())[::100][:FILES]
    figures: dict[str, Any] = {}
    large: list[bytes] = []
    with tempfile.TemporaryDirectory() as name:
        for title, (kind, megapixels, options) in KINDS.items():
            contents = [encoded(photo, kind, megapixels, options) for photo in photos]
            large = large or contents
            each = [parts(content, kind, Path(name)) for content in contents]
            means = {part: statistics.mean(one[part] for one in each) for part in each[0]}
            figures[title] = {part: round(value, 1) for part, value in means.items()}
            figures[title]["share that the decoder alone is"] = round(
                means["decoder alone"] / means["file to input"], 2
            )
    decoder_ms = figures[next(iter(KINDS))]["decoder alone"]
    figures["index of 12-megapixel JPEGs"] = index_run(large, given.run, decoder_ms)
    if given.write:
        write_result("decoding", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
