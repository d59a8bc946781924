"""Results: one JSON file for each cell of a table, with all that a reader needs to believe it.

A folder of results has files `BACKBONE.FEATURE.FRAMEWORK.DATASET.BITS.HOW.seedN.json`, so that nothing that a table tells
apart shares one. A file is one object with the fields of `Result`, and is written whole or not at all. Unlike a cache, results
are kept for good: nothing but a new measurement of the same cell replaces one. Files of the older form, without feature and
seed in their names, are read as well.
"""

import json
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from vtsfind.base.errors import DiskFull, UsageError
from vtsfind.store.atomic import replace_file

TrainingKind = Literal["frozen", "end to end"]
"""What was trained: a head on features of a frozen backbone, or the whole network."""

FRAMEWORKS = {
    "dsh": "DSH",
    "hashnet": "HashNet",
    "greedyhash": "GreedyHash",
    "idhn": "IDHN",
    "csq": "CSQ",
    "dpn": "DPN",
    "dhn": "DHN",
    "dch": "DCH",
    "dfh": "DFH",
    "transhash": "TransHash",
    "dpsh": "DPSH",
    "orthohash": "OrthoHash",
}
"""vtsfind's name of a method to the paper's; the first six are the frameworks of Tables 1 and 3."""

PAPER_FRAMEWORKS = tuple(FRAMEWORKS)[:6]


def framework_title(name: str) -> str:
    """A method's name as the paper, or its own, writes it; one of another package stands as it is."""
    return FRAMEWORKS.get(name, name)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Expected precision and recall among the first `top` images, means over all queries, in 0..1."""

    top: int
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Result:
    """One cell: what was measured, on what, with what, and how that was made."""

    backbone: str
    """As in `vtsfind.learn.models.backbones`, with what was cut off it or done to it: `vts16`, `lite2@160+3`."""
    feature: str
    """What the heads read, see `vtsfind.learn.models.network`."""
    framework: str
    """The name of an objective, see `vtsfind.learn.objectives.names`."""
    dataset: str
    """A protocol's name."""
    bits: int
    how: TrainingKind
    mode: str
    """Of the objective: `fixed` or `paper`."""
    map: float
    """Mean average precision over the first images that the protocol counts, expected over ties, in 0..1."""
    map_best_case: float
    map_worst_case: float
    radius_precision: float
    radius_recall: float
    radius_map: float
    """Within the Hamming radius 2."""
    top: int | None
    """How many images count; None for all."""
    train: int
    """Training pictures."""
    queries: int
    database: int
    split_sha256: str
    data: str
    """Where the pictures come from, in words."""
    findings: tuple[str, ...]
    seed: int
    fingerprint: str
    """Of what the codes depend on: of the model, or of the frozen backbone; in hex."""
    training: dict[str, Any]
    """How the head or the network was trained."""
    versions: dict[str, str]
    command: str
    date: str
    machine: dict[str, Any]
    seconds: float
    """That training and measuring took, without the features of a frozen backbone."""
    map_published: float | None = None
    """As the published code computes it, where that was asked for."""
    curve: tuple[CurvePoint, ...] = ()
    note: str = ""

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.cell}.json"

    @property
    def title(self) -> str:
        """Which cell it is, in words."""
        return (
            f"{framework_title(self.framework)}, {self.bits} bits, {self.dataset}, {self.backbone} {self.feature}, "
            f"seed {self.seed}"
        )

    @property
    def cell(self) -> str:
        """The name of its cell, see `cell_name`."""
        return cell_name(
            self.backbone,
            self.feature,
            self.framework,
            self.dataset,
            self.bits,
            how=self.how,
            mode=self.mode,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a folder."""

    entries: tuple[Result, ...]

    def select(self, **wanted: object) -> tuple[Result, ...]:
        """Those whose fields have these values."""
        return tuple(
            result for result in self.entries if all(getattr(result, k) == v for k, v in wanted.items())
        )


def cell_name(
    backbone: str, feature: str, framework: str, dataset: str, bits: int, *, how: str, mode: str, seed: int
) -> str:
    """The name of a cell: of its file without the suffix.

    >>> cell_name("lite2@160+3", "lite", "csq", "cifar10@all", 32, how="frozen", mode="fixed", seed=1)
    'lite2@160+3.lite.csq.cifar10@all.32.frozen.seed1'
    """
    ending = how.replace(" ", "-") + ("" if mode == "fixed" else f"-{mode}")
    parts = f"{backbone}.{feature}.{framework}.{dataset}.{bits}.{ending}.seed{seed}"
    return re.sub(r"[^\w.@+-]", "_", parts)


def _old_file(result: Result) -> str:
    """The name of the file in the older form."""
    parts = result.cell.removesuffix(f".seed{result.seed}")
    return parts.replace(f".{result.feature}.{result.framework}.", f".{result.framework}.", 1) + ".json"


def write_result(folder: Path, result: Result) -> Path:
    """Write the file of a cell; an older one is replaced.

    Raises
    ------
    DiskFull
        When it cannot be written.
    """
    path = folder / result.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(path, (json.dumps(asdict(result), indent=1, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise DiskFull(
            f"The result could not be written to {path}: {error.strerror or error}.",
            "Free some space, or give another folder with --results.",
        ) from error
    return path


def read_results(folder: Path) -> Results:
    """Every result in a folder, by the name of its cell; none when there is no such folder.

    Raises
    ------
    UsageError
        For a file that is no result; names it.
    """
    paths: Iterable[Path] = sorted(folder.glob("*.json")) if folder.is_dir() else ()
    found: dict[str, Result] = {}
    for path in paths:
        result = _read(path)
        if path.name == result.file or result.file not in found:
            found[result.file] = result
    return Results(tuple(found[name] for name in sorted(found)))


def _read(path: Path) -> Result:
    try:
        content: Any = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The result {path} cannot be read: {error}.", "Remove it, and run it again."
        ) from error
    try:
        points = tuple(CurvePoint(**point) for point in content["curve"])
        result = Result(**{**content, "curve": points, "findings": tuple(content["findings"])})
        fits = path.name in {result.file, _old_file(result)} and 0 <= result.map <= 1
    except (TypeError, KeyError):
        fits = False
    if not fits:
        raise UsageError(f"{path} is no result of a cell.", "Move it out of the folder of results.")
    return result


def machine() -> dict[str, Any]:
    """What bears on how long something took, and nothing that names the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores,
        "python": platform.python_version(),
    }
