"""A small deterministic encoder, and what a test needs to use it in place of a trained model."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vtsfind.base import bits
from vtsfind.base.records import Head, Preprocessing, Signature
from vtsfind.base.settings import Settings, places
from vtsfind.engine.library import access as library
from vtsfind.learn.models.registry import ModelCard, registered_models

NAME = "blocks.mean.test.64-256"
SIDES = {"scene": 8, "copy": 16}
PREPROCESSING = Preprocessing(size=32)
SIGNATURE = Signature(NAME, "b10c" * 16, tuple(Head(name, side * side) for name, side in SIDES.items()))


class BlockMeans:
    """A bit says whether a block of the picture is brighter than the whole."""

    preprocessing = PREPROCESSING

    def __init__(self, signature: Signature = SIGNATURE) -> None:
        self.signature = signature
        self.encoded = 0

    def load(self, heads: Iterable[str]) -> None:
        """Nothing has to be read."""

    def encode(self, pixels: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.uint8]]:
        return {name: bits.pack(values) for name, values in self.outputs(pixels).items()}

    def outputs(
        self, pixels: npt.NDArray[np.uint8], heads: Iterable[str] | None = None
    ) -> dict[str, npt.NDArray[np.float32]]:
        self.encoded += len(pixels)
        return {
            name: self._differences(pixels, SIDES[name]).astype(np.float32) for name in heads or list(SIDES)
        }

    @staticmethod
    def _differences(pixels: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.float64]:
        n, size = pixels.shape[:2]
        block = size // side
        means = pixels.reshape(n, side, block, side, block, 3).mean(axis=(2, 4, 5)).reshape(n, -1)
        difference: npt.NDArray[np.float64] = means - means.mean(axis=1, keepdims=True)
        return difference


class BlockModel:
    """A library's model that has this encoder, or the one that `load` gives when it is asked for."""

    signature = SIGNATURE
    preprocessing = PREPROCESSING

    def __init__(self, load: Callable[[], Any] = BlockMeans) -> None:
        self._load = load

    def encoder(self, _pictures: int) -> Any:
        return self._load()


REGISTRY = f"""
[models."{NAME}"]
file = "blocks.bin"
sha256 = "{hashlib.sha256(b"blocks").hexdigest()}"
licence = "Apache-2.0"

[models."{NAME}".network]
backbone = "vit_tiny_patch16_224"
size = 32
heads = [{{ name = "scene", bits = 64 }}, {{ name = "copy", bits = 256 }}]

[models."{NAME}".preprocessing]
size = 32
"""


def register(folder: Path | None = None) -> Path:
    """List the encoder among the user's models; gives the file of its (meaningless) weights."""
    folder = folder or places().models
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registry.toml").write_text(REGISTRY)
    weights = folder / "blocks.bin"
    weights.write_bytes(b"blocks")
    return weights


OTHER = "blocks.mean.other.64-256"


def register_other() -> None:
    """List the encoder a second time, as another model."""
    weights = register()
    other = REGISTRY.replace(NAME, OTHER).replace("blocks.bin", "other.bin")
    other = other.replace(hashlib.sha256(b"blocks").hexdigest(), hashlib.sha256(b"other").hexdigest())
    weights.with_name("registry.toml").write_text(REGISTRY + other)
    weights.with_name("other.bin").write_bytes(b"other")


KILLED_SOON = """
import os, signal, sys
sys.path.insert(0, sys.argv.pop(1))
from support import block_encoder
block_encoder.install()
encode = block_encoder.BlockMeans.encode
def once_and_no_more(self, pixels):
    if self.encoded == 5: os.kill(os.getpid(), signal.SIGKILL)
    return encode(self, pixels)
block_encoder.BlockMeans.encode = once_and_no_more
from vtsfind.engine.indexing import upgrade
upgrade.COMMIT_EVERY_S = 0.0
from vtsfind.cli import main
main()
"""
"""For `command`: the process dies when it has encoded five photos for an upgrade, in batches of one."""


def card(folder: Path) -> ModelCard:
    """The card of the encoder, registered in a folder of its own."""
    register(folder)
    return registered_models((folder,))[NAME]


def install(replace: Callable[[Any, str, Any], None] = setattr) -> None:
    """Make the engine load this encoder whichever model it is asked for, after it has looked at the weights."""

    def load(card: ModelCard, _settings: Settings, _pictures: int) -> BlockMeans:
        card.verify()
        return BlockMeans(card.signature)

    replace(library, "load_encoder", load)


PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from support import block_encoder
block_encoder.install()
from vtsfind.cli import main
main()
"""


def command(*arguments: str | bytes, code: str = PROGRAM) -> list[str | bytes]:
    """The command line of a vtsfind process that uses this encoder."""
    return [sys.executable, "-c", code, str(Path(__file__).parents[1]), *arguments]


def vtsfind(
    *arguments: str | bytes, standard_input: bytes = b"", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run vtsfind with this encoder in a process of its own."""
    return subprocess.run(
        command(*arguments),
        input=standard_input,
        capture_output=True,
        check=False,
        env={**os.environ, **(environment or {})},
        timeout=60,
    )
