"""Tiny data sets in the layouts of the paper's four, drawn: two classes, a few pictures each."""

from pathlib import Path

import numpy as np

from support.drawn_photos import scene
from vtsfind.learn.data.formats import cifar10
from vtsfind.learn.data.protocol_table import PROTOCOLS

LISTED = ("imagenet-100@1000", "nuswide-21@5000", "coco@5000")
TRAIN, QUERIES, DATABASE = 8, 2, 12


def write_lists(root: Path) -> None:
    """Write the three data sets that have lists: eight training pictures, two queries, twelve in the database."""
    for number, name in enumerate(LISTED):
        protocol = PROTOCOLS[name]
        folder = root / protocol.folder
        (folder / "pictures").mkdir(parents=True)
        lines = []
        for picture in range(DATABASE + QUERIES):
            labels = ["0"] * len(protocol.classes)
            labels[picture % 2] = "1"
            scene(100 * number + picture, 48, 40).save(folder / "pictures" / f"{picture}.png")
            lines.append(f"pictures/{picture}.png {' '.join(labels)}\n")
        for file, part in (
            ("train", lines[:TRAIN]),
            ("database", lines[:DATABASE]),
            ("test", lines[DATABASE:]),
        ):
            (folder / f"{file}.txt").write_text("".join(part))


def write_cifar10(root: Path, per_class: int) -> None:
    """Write CIFAR-10's binary files with so many random pictures of each class."""
    folder = root / "cifar10" / cifar10.FOLDER
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    numbers = np.repeat(np.arange(10, dtype=np.uint8), per_class)
    rows = np.concatenate([numbers[:, None], random.integers(0, 256, (len(numbers), 3072), np.uint8)], axis=1)
    for file, part in zip(cifar10.FILES, np.array_split(rows, len(cifar10.FILES)), strict=True):
        (folder / file).write_bytes(part.tobytes())
