"""What `vtsfind dupes` costs when nothing has changed since the last run.

    python -m benchmarks.again [--files N] [--rounds N] [--write]

The library is made without decoding: files, codes, features and verdicts as `dupes` leaves them.
Codes are the signs of random projections of 24 normal numbers a photo, which gives as many near pairs as codes of photos. Two photos
in a hundred are copies of others: their codes differ in 2 bits, and the verdict on the pair is `resave`; on all other candidate pairs it
is that they are no copies. All photos have the features of a few drawn ones. One run of `dupes` finds candidates by local features, which
are kept as well; those that follow are measured, in turns with `--help`. With --write the figures go to docs/results/again.json.
"""

import argparse
import hashlib
import io
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.big import measured
from benchmarks.machine import write_result
from vtsfind.base.bits import planes
from vtsfind.base.groups import Evidence, PairVerdict, Verdict
from vtsfind.base.records import Entry, PictureInfo
from vtsfind.find.candidates.hash_codes import hash_candidates
from vtsfind.find.features.extract import ExtractFeatures
from vtsfind.find.versions import features_version, verdicts_version
from vtsfind.learn.models.registry import find_card
from vtsfind.media.scan import stamp_of
from vtsfind.media.work import Setup
from vtsfind.store.evidence import EvidenceStore
from vtsfind.store.index import Index

COPY_SHARE = 0.02
_DIMENSIONS = 24
_PER_FOLDER = 500
_DRAWN = 8


def make_library(folder: Path, photos: Path, count: int) -> None:
    """Make a library of so many files in `photos`, with what a run of `dupes` caches.

    Parameters
    ----------
    folder
        Of the library.
    photos
        The folder of its files.
    count
        Of files.
    """
    rng = np.random.default_rng(0)
    card = find_card()
    copies = int(COPY_SHARE * count)
    codes = {head.name: _codes(rng, count, head.bits, copies) for head in card.network.heads}
    pictures = _pictures(rng)
    digests = []
    with Index.create(folder, card.signature) as index:
        index.add_roots([os.fsencode(photos)])
        for number in range(count):
            path = photos / f"{number // _PER_FOLDER:04}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            content = pictures[number % _DRAWN] + number.to_bytes(4, "big")
            path.write_bytes(content)
            digests.append(hashlib.sha256(content).digest())
            info = PictureInfo(64 + number % 2, 48, format="JPEG")
            own = {name: values[number] for name, values in codes.items()}
            index.add(Entry(os.fsencode(path), stamp_of(path.stat()), digests[-1], info, own))
        index.commit()
        index.publish()
    _store_evidence(folder, digests, codes, pictures, copies)


def _codes(rng: np.random.Generator, count: int, bits: int, copies: int) -> npt.NDArray[np.uint8]:
    outputs = rng.normal(size=(count, _DIMENSIONS)) @ rng.normal(size=(_DIMENSIONS, bits))
    outputs[count - copies :] = outputs[:copies]
    outputs[count - copies :, :2] *= -1
    return np.packbits(outputs > 0, axis=1)


def _pictures(rng: np.random.Generator) -> list[bytes]:
    pictures = []
    for _ in range(_DRAWN):
        encoded = io.BytesIO()
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
        coarse.resize((64, 48), Image.Resampling.BICUBIC).save(encoded, "JPEG")
        pictures.append(encoded.getvalue())
    return pictures


def _store_evidence(
    folder: Path,
    digests: list[bytes],
    codes: dict[str, npt.NDArray[np.uint8]],
    pictures: list[bytes],
    copies: int,
) -> None:
    setup = Setup(1 << 20, 0, 60.0)
    features = [ExtractFeatures(full=True)(picture, setup).data for picture in pictures]
    found = hash_candidates(planes(codes["copy"]), other=planes(codes["scene"]))
    count = len(digests)
    with EvidenceStore(folder, features_version(), verdicts_version()) as store:
        for number, digest in enumerate(digests):
            store.save_features(digest, features[number % _DRAWN], full=True)
        for first, second in zip(found.firsts.tolist(), found.seconds.tolist(), strict=True):
            verdict: PairVerdict = None
            if second - first == count - copies:
                verdict = Verdict.RESAVE, Evidence(agreement=0.99, inliers=400)
            pair = min(digests[first], digests[second]), max(digests[first], digests[second])
            store.save_verdicts([(pair, verdict)])
        store.commit()


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    commands = {"--help": ("--help",), "dupes, nothing new": ("dupes",)}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        make_library(home / "data" / "libraries" / "default", home / "photos", given.files)
        measured(home, "-m", "vtsfind", "dupes")
        for _ in range(given.rounds):
            for title, words in commands.items():
                runs[title].append(measured(home, "-m", "vtsfind", *words))
    figures = {
        title: {
            "least wall s": min(run["wall s"] for run in some),
            "least processor s": min(run["processor s"] for run in some),
            "peak memory MB": max(run["peak memory MB"] for run in some),
        }
        for title, some in runs.items()
    }
    if given.write:
        write_result("again", {"files": given.files, **figures})
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
