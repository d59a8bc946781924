"""The shape of a network, as data: what a recipe asks for and a model card remembers. Needs no torch."""

from dataclasses import dataclass, field
from typing import Literal

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head
from vtsfind.learn.models.backbones import BACKBONES

FeatureKind = Literal["all", "cls", "lite", "dual"]

MIN_LOCAL_BITS = 4
"""A group of patches with fewer bits does not learn (Chen et al., ICMR 2022, table 3)."""


@dataclass(frozen=True, slots=True)
class SecondBackbone:
    """A frozen backbone beside the first, which sees the same picture, for heads that want other features of it."""

    backbone: str
    """An EfficientNet-lite in `vtsfind.learn.models.backbones.BACKBONES`."""
    size: int
    """Side of its square input, in pixels, at least that of the first: pictures are prepared at this size, and reduced for the
    first."""
    heads: tuple[str, ...]
    """The names of the heads that read its pooled features, as unit vectors."""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Everything that decides the shape of a network, and so which weights fit it."""

    backbone: str
    """A name that `vtsfind.learn.models.backbones.backbone` knows."""
    size: int
    """Side of the square input, in pixels."""
    heads: tuple[Head, ...]
    features: FeatureKind = "lite"
    """What the heads read: see `vtsfind.learn.models.network`. The backbone `transhash` is `dual` of itself."""
    depth: int | None = None
    """Blocks of the transformer that are kept, from the first; None keeps all."""
    centred: bool = False
    """Whether the heads end in a batch normalisation."""
    paper_init: bool = False
    """Whether the hash layers are initialised as in the published code, which saturates tanh."""
    dropout: float = 0.0
    """Share of values dropped in training after the position embedding and twice in each block's MLP; the paper has 0.1."""
    groups: int = 2
    """Groups of patches that have bits of their own; only for `dual` features."""
    hidden: dict[str, int] = field(default_factory=dict)
    """Width of a hidden layer, by the name of the head that has one; only for `cls` and `lite` features."""
    second: SecondBackbone | None = None
    """Another backbone for some of the heads."""

    def reads_second(self, head: str) -> bool:
        """Whether a head reads the second backbone."""
        return self.second is not None and head in self.second.heads

    def is_second(self, weight: str) -> bool:
        """Whether a weight of the network, by its name, is of the second backbone or of a head that reads it."""
        part, head, *_ = weight.split(".")
        return part == "second" or (part == "heads" and self.reads_second(head))

    @property
    def dual(self) -> bool:
        """Whether the network has two streams: of the whole picture, and of groups of its patches."""
        known = BACKBONES.get(self.backbone)
        return self.features == "dual" or (known is not None and known.dual)

    def parts(self, bits: int) -> tuple[int, ...]:
        """Lengths of the parts of a code, in their order: the objective `transhash` takes each part by itself.

        >>> NetworkSpec("transhash", 224, ()).parts(16)
        (8, 4, 4)
        >>> NetworkSpec("vts16", 224, ()).parts(16)
        (16,)

        Raises
        ------
        UsageError
            When so many bits cannot be split, naming the nearest number that can.
        """
        if not self.dual:
            return (bits,)
        if self.groups < 1:
            raise UsageError(
                f"A network cannot have {self.groups} groups of patches.", "Give `groups` at least 1."
            )
        whole = 2 * self.groups
        min_bits = whole * MIN_LOCAL_BITS
        if bits % whole or bits < min_bits:
            nearest = max(round(bits / whole) * whole, min_bits)
            raise UsageError(
                f"A code of {bits} bits cannot be split into one half for the whole picture and equal parts of at "
                f"least {MIN_LOCAL_BITS} bits for {self.groups} groups of patches.",
                f"The nearest possible number is {nearest} bits.",
            )
        return (bits // 2, *[bits // whole] * self.groups)
