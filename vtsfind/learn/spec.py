"""The shape of a network, as data: what a recipe asks for and a model card remembers. Needs no torch."""

from dataclasses import dataclass
from typing import Literal

from vtsfind.base.records import Head

Features = Literal["all", "cls", "lite"]


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Everything that decides the shape of a network, and so which weights fit it."""

    backbone: str
    """A name that `vtsfind.learn.backbones.backbone` knows."""
    size: int
    """Side of the square input, in pixels."""
    heads: tuple[Head, ...]
    features: Features = "lite"
    """What the heads read: see `vtsfind.learn.network`."""
    depth: int | None = None
    """Blocks of the transformer that are kept, from the first; None keeps all."""
    centred: bool = False
    """Whether the heads end in a batch normalisation."""
    paper_init: bool = False
    """Whether the hash layers start as the published code starts them, which saturates tanh at once."""
