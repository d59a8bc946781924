"""A small table of words, and a model that has it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from safetensors.numpy import save

from support import block_encoder
from vtsfind.base.records import Head, Preprocessing
from vtsfind.base.settings import Settings, places
from vtsfind.engine.library import access
from vtsfind.learn.models.registry import ModelCard, PartFile, registered_models
from vtsfind.learn.models.spec import NetworkSpec

WORDS = ("the", "on", "dog", "beach", "puppy", "ride", "jump", "bright", "dark")
BITS = 16


def table(words: tuple[str, ...] = WORDS, bits: int = BITS) -> bytes:
    """The file of a table with a vector at random for each word."""
    rng = np.random.default_rng(5)
    return save(
        {
            "words": np.frombuffer("".join(f"{word}\n" for word in words).encode(), np.uint8),
            "vectors": rng.integers(-127, 128, (len(words), 8), np.int8),
            "scales": np.full(len(words), 1 / 127, np.float16),
            "middle": np.full(8, 0.1, np.float16),
            "projection": rng.normal(size=(8, bits)).astype(np.float16),
        }
    )


def card_with_words(folder: Path) -> ModelCard:
    """A model with this table; its weights are not there."""
    content = table()
    (folder / "words.safetensors").write_bytes(content)
    return ModelCard(
        name="words.test",
        file="none.safetensors",
        sha256="00" * 32,
        network=NetworkSpec("vitti16", 32, (Head("words", BITS),), depth=1),
        preprocessing=Preprocessing(size=32),
        licence="Apache-2.0",
        words=PartFile("words.safetensors", hashlib.sha256(content).hexdigest()),
        folder=folder,
    )


NAME = "blocks.words.test.64"
SIDE = 8
"""Blocks of a picture on each side: a bit says whether one is brighter than the whole."""
_TOP = np.repeat(np.array([1, -1], np.float16), SIDE * SIDE // 2)
"""The outputs for a picture that is bright at the top."""


def register(folder: Path) -> ModelCard:
    """List a model with the heads `scene` and `words` and a table of the words sky, snow and photo; its codes are blocks."""
    vectors = np.array([[100], [-100], [1]], np.int8)
    content = save(
        {
            "words": np.frombuffer(b"sky\nsnow\nphoto\n", np.uint8),
            "vectors": vectors,
            "scales": np.full(len(vectors), 0.01, np.float16),
            "middle": np.zeros(1, np.float16),
            "projection": _TOP[None],
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.safetensors").write_bytes(content)
    (folder / "blocks.bin").write_bytes(b"blocks")
    registry = block_encoder.REGISTRY.replace(block_encoder.NAME, NAME)
    registry = registry.replace(
        '{ name = "copy", bits = 256 }', f'{{ name = "words", bits = {SIDE * SIDE} }}'
    )
    registry += f'[models."{NAME}".words]\nfile = "table.safetensors"\nsha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    (folder / "registry.toml").write_text(registry)
    return registered_models((folder,))[NAME]


class BlocksWithWords(block_encoder.BlockMeans):
    """The encoder of this model."""

    def outputs(
        self, pixels: npt.NDArray[np.uint8], heads: Iterable[str] | None = None
    ) -> dict[str, npt.NDArray[np.float32]]:
        wanted = list(heads or ("scene", "words"))
        return dict.fromkeys(wanted, super().outputs(pixels, ["scene"])["scene"])


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this model that of new libraries."""
    register(places().models)
    monkeypatch.setenv("VTSFIND_MODEL", NAME)

    def load(card: ModelCard, _settings: Settings, _pictures: int) -> BlocksWithWords:
        return BlocksWithWords(card.signature)

    monkeypatch.setattr(access, "load_encoder", load)


def bright(path: Path, top: int, bottom: int) -> Path:
    """A picture with an upper and a lower half of some brightness."""
    pixels = np.full((96, 96, 3), top, np.uint8)
    pixels[48:] = bottom
    pixels[::16, ::16] = 255 - pixels[::16, ::16]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def album(folder: Path) -> None:
    """Two photos that are bright at the top, and two that are bright at the bottom."""
    for name, top, bottom in (
        ("day/blue.png", 250, 10),
        ("day/haze.png", 160, 90),
        ("night/field.png", 20, 240),
        ("night/slope.png", 100, 150),
    ):
        bright(folder / name, top, bottom)
