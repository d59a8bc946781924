"""The pace of a model: photos a second through each of its networks, and from files to all codes."""

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.machine import kernels
from vtsfind.learn.models.encoder import Encoder
from vtsfind.media.decode import Pixels, decode, prepare


def pace(encoder: Encoder, pictures: Sequence[Pixels]) -> dict[str, Any]:
    """Photos a second, the best of three runs: prepared ones through each network, and from a file of 640 x 480 to all codes.

    By the time of the processor, that of all threads together, so that what else runs on the machine counts less; and by the clock.
    """
    files = [_as_jpeg(pixels) for pixels in pictures]
    look = encoder.preprocessing
    ready = np.stack([prepare(decode(file, shortest=look.size)[0], look) for file in files])
    other = [head.name for head in encoder.signature.heads if head.name != "copy"]

    def from_files() -> None:
        for first in range(0, len(files), 32):
            some = [decode(file, shortest=look.size)[0] for file in files[first : first + 32]]
            encoder.encode(np.stack([prepare(pixels, look) for pixels in some]))

    report: dict[str, Any] = {"precision": str(encoder.precision).removeprefix("torch."), **kernels()}
    works: dict[str, Callable[[], object]] = {"copy, prepared": lambda: encoder.outputs(ready, ["copy"])}
    if other:
        works[f"{' and '.join(other)}, prepared"] = lambda: encoder.outputs(ready, other)
    works["all codes, from files of 640x480"] = from_files
    for name, work in works.items():
        report[name] = _photos_per_second(work, len(files))
    return report


def _as_jpeg(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((640, 480), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _photos_per_second(work: Callable[[], object], count: int) -> dict[str, float]:
    clock, processor = [], []
    for _ in range(3):
        began = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - began[0])
        processor.append(time.process_time() - began[1])
    return {"a core-second": round(count / min(processor), 1), "a second": round(count / min(clock), 1)}
