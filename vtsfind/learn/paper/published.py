"""The published figures: every cell of Tables 1 to 3 of the paper that vtsfind reproduces.

From: S. R. Dubey, S. K. Singh, W.-T. Chu, Vision Transformer Hashing for Image Retrieval, ICME 2022 (arXiv:2109.12564).
`paper.csv` has them as printed: ``table,backbone,feature,framework,dataset,bits,map``, the last in percent.

Table 1 compares backbones, Table 3 what the heads read of a vision transformer, both by the authors' own runs. Table 2
sets VTS16 with CSQ beside figures of other publications (backbone ``literature``), which had other backbones and partly
another measure, mAP within radius 2, so that nothing is compared with them. One of its figures, 55.8 for DSH, is printed
without saying for which bits; it stands under 32 bits of NUS-WIDE, where DSH's own publication has almost the same.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from vtsfind.learn.data.protocols import find_protocol
from vtsfind.learn.models.spec import NetworkSpec

_BACKBONES = {"alexnet": "AlexNet", "resnet50": "ResNet50", "vts32": "VTS32", "vts16": "VTS16"}
_INPUT_SIDE_PX = 224
LITERATURE = "literature"
"""The backbone of figures that Table 2 takes from other publications."""


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """One published figure."""

    table: int
    """1, 2 or 3."""
    backbone: str
    """`AlexNet`, `ResNet50`, `VTS32`, `VTS16` or `literature`."""
    feature: str
    """What the heads read of a vision transformer: `all` tokens or `cls` alone; `na` for other backbones."""
    framework: str
    """The objective, as the paper writes it: `HashNet`."""
    dataset: str
    """A name in `vtsfind.learn.data.protocols.PROTOCOLS`."""
    bits: int
    map: float
    """In 0..1; the paper has percent with one decimal."""


@cache
def published_cells() -> tuple[PublishedCell, ...]:
    """Every published figure, in the paper's order."""
    text = files("vtsfind.learn").joinpath("paper.csv").read_text(encoding="utf-8")
    return tuple(
        PublishedCell(
            table=int(row["table"]),
            backbone=row["backbone"],
            feature=row["feature"],
            framework=row["framework"],
            dataset=find_protocol(row["dataset"]).name,
            bits=int(row["bits"]),
            map=round(float(row["map"]) / 100, 4),
        )
        for row in csv.DictReader(text.splitlines())
    )


def published(
    *,
    table: int | None = None,
    backbone: str | None = None,
    feature: str | None = None,
    framework: str | None = None,
    dataset: str | None = None,
    bits: int | None = None,
) -> tuple[PublishedCell, ...]:
    """The published figures of the given table, backbone and so on, in the paper's order; small letters do, too.

    >>> [cell.map for cell in published(table=1, backbone="vts16", framework="csq", dataset="cifar10@all", bits=64)]
    [0.976]

    Raises
    ------
    UsageError
        When no protocol has the name `dataset`.
    """
    wanted = {
        "table": table,
        "backbone": backbone,
        "feature": feature,
        "framework": framework,
        "dataset": dataset and find_protocol(dataset).name,
        "bits": bits,
    }
    folded = {name: _lowercase(value) for name, value in wanted.items() if value is not None}
    return tuple(
        cell
        for cell in published_cells()
        if all(_lowercase(getattr(cell, name)) == value for name, value in folded.items())
    )


def _lowercase(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def is_paper_network(network: NetworkSpec) -> bool:
    """Whether a network is one of the paper's: its backbone, whole, with an input of 224 pixels."""
    return network.backbone in _BACKBONES and network.size == _INPUT_SIDE_PX and network.depth is None


def published_counterpart(
    network: NetworkSpec, *, framework: str, dataset: str, bits: int
) -> PublishedCell | None:
    """The published figure of such a network, if there is one.

    Parameters
    ----------
    network
        Has to be one of the paper's: backbone, whole depth, input of 224 pixels, and what the heads read.
    framework
        The objective, by vtsfind's name or the paper's.
    dataset
        The protocol that it was trained and is measured under.
    bits
        Of the head.
    """
    if not is_paper_network(network):
        return None
    convolutional = network.backbone in {"alexnet", "resnet50"}
    if network.dual or not (convolutional or network.features in {"all", "cls"}):
        return None
    found = published(
        backbone=_BACKBONES[network.backbone],
        feature="na" if convolutional else network.features,
        framework=framework,
        dataset=dataset,
        bits=bits,
    )
    return found[0] if found else None
