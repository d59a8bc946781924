"""What `benchmarks.fuzz` feeds with mutated data: every reader of files that vtsfind did not just write itself.

A target takes bytes, and gives whether they were understood. It may refuse them only by the errors that people are shown; anything
else that it raises is a bug. Pictures are read by processes that may be killed, as in `vtsfind index`.
"""

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pillow_heif
import tomli_w
from support import block_encoder, entries
from support.drawn_photos import encoded, raw_photo
from support.made_plans import ORIGIN, group, photo
from support.real_photos import FILES
from support.real_photos import photo as real_photo
from support.rich_files import camera_exif, deep_png, motion_photo, several, with_gain_map, with_segment, xmp

from vtsfind.act.make_plan import make_plan
from vtsfind.act.plan_text import plan_text
from vtsfind.base.errors import VtsfindError
from vtsfind.base.groups import Evidence, Verdict
from vtsfind.base.operations import Action, Operation, State, UndoRecord
from vtsfind.base.settings import ACTIVE_RUN_NAME, load_settings
from vtsfind.engine.apply.plans import parse_plan
from vtsfind.engine.library.curve import Curve, read_curve
from vtsfind.learn.models.registry import REGISTRY, registered_models, shipped_folder
from vtsfind.learn.recipes import parse_recipe
from vtsfind.report.plan import write_plan_records
from vtsfind.store import evidence_file, planes, schema
from vtsfind.store.decisions import DecisionKind, Decisions
from vtsfind.store.evidence import EvidenceStore
from vtsfind.store.evidence_file import CacheDamaged
from vtsfind.store.index import Index
from vtsfind.store.journal import SUFFIX, Journal
from vtsfind.store.run_record import Transition

_SIDE_PX = 120
"""Of the pictures that are mutated: small ones are read quickly, and have the same parts as large ones."""


@dataclass(frozen=True)
class Target:
    """A reader, and what it reads."""

    seeds: tuple[bytes, ...]
    """Files as they should be."""
    read: Callable[[bytes, Path], bool]
    """Read mutated data in an empty folder; whether they were understood."""
    sealed: bool = False
    """Whether lines begin with a checksum, which is often put right after a mutation."""


def pictures() -> tuple[bytes, ...]:
    """A real photo in every format, and in several forms of some."""
    pillow_heif.register_heif_opener()
    image = real_photo("forest-path-1")
    image = image.resize((_SIDE_PX, _SIDE_PX * image.height // image.width))
    other = real_photo("cat").resize(image.size)
    exif = camera_exif(place=(48.2, 16.3))
    plain = encoded(image, exif=exif)
    rng = np.random.default_rng(0)
    made = [
        FILES[0].read_bytes(),
        plain,
        encoded(image, quality=70, progressive=True),
        encoded(image, restart_marker_rows=1),
        encoded(image.convert("CMYK")),
        encoded(image.convert("L")),
        with_gain_map(plain),
        motion_photo(plain),
        with_segment(plain, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(keywords=["sea"], rating=3)),
        encoded(image, "PNG", exif=exif),
        encoded(image.quantize(16), "PNG"),
        deep_png(rng.integers(0, 65535, (40, 60, 3), dtype=np.uint16)),
        encoded(image, "WEBP", exif=exif),
        encoded(image, "WEBP", lossless=True),
        several("WEBP", [image, other]),
        several("GIF", [image.quantize(32), other.quantize(32)]),
        encoded(image, "TIFF", exif=exif),
        encoded(image, "TIFF", compression="tiff_lzw"),
        several("TIFF", [image, other]),
        encoded(image, "BMP"),
        encoded(image, "HEIF"),
        encoded(image, "AVIF"),
        encoded(image, "JPEG2000"),
        raw_photo(plain, (64, 48)),
    ]
    return tuple(made)


def _closed_library(folder: Path) -> Path:
    with Index.create(folder, entries.SIGNATURE) as index:
        entries.golden_changes(index)
        index.publish()
    return folder


def _read_library(name: str, seed: Path) -> Callable[[bytes, Path], bool]:
    """A reader of a library, one file of which is mutated."""

    def read(data: bytes, folder: Path) -> bool:
        for path in seed.iterdir():
            if path.is_file() and path.name != "lock":
                (folder / path.name).write_bytes(data if path.name == name else path.read_bytes())
        try:
            with Index.open(folder) as index:
                index.stamps(), index.failures(), index.roots(), index.counts(), index.contents()
                index.planes("copy")
                index.codes_of_path(entries.path(3), entries.stamp(3))
                return not index.check(deep=True)
        except VtsfindError:
            Index.rescue(folder) if data[:1] == b"S" else None
            return False

    return read


def _read_evidence(data: bytes, folder: Path) -> bool:
    (folder / evidence_file.NAME).write_bytes(data)
    problem = evidence_file.find_problem(folder, deep=True)
    first, second = bytes(32), bytes([1]) * 32
    try:
        with EvidenceStore(folder, "1", "1") as store:
            store.known_features(), store.features(first), store.verdicts([(first, second)])
            store.stage_result("stage", b"key"), store.points(first)
            store.save_features(first, b"new", full=True)
            store.commit()
            store.trim()
    except CacheDamaged:
        evidence_file.discard(folder)
        return False
    return not problem


def _evidence_seed(folder: Path) -> bytes:
    first, second = bytes(32), bytes([1]) * 32
    with EvidenceStore(folder, "1", "1") as store:
        store.save_features(first, b"features" * 9, full=False)
        store.save_verdicts([((first, second), (Verdict.EDIT, Evidence(agreement=0.9, note="a crop")))])
        store.save_stage_result("stage", b"key", b"pairs")
        store.save_points(first, b"points")
        store.commit()
    return (folder / evidence_file.NAME).read_bytes()


def _read_journal(data: bytes, folder: Path) -> bool:
    (folder / f"2026-05-04.1{SUFFIX}").write_bytes(data)
    (folder / ACTIVE_RUN_NAME).write_bytes(data[:40])
    journal = Journal(folder)
    names = [each.run for each in journal.read_all()]
    try:
        journal.unfinished_runs()
        return all(not journal.read(name).damaged for name in names)
    except VtsfindError:
        return False


def _journal_seed(folder: Path) -> bytes:
    journal = Journal(folder)
    todo = [
        Operation(n, 1, Action.TRASH, b"/photos/%d.jpg" % n, 9, bytes(32), b"/photos/keep.jpg", 9, bytes(32))
        for n in (1, 2)
    ]
    with journal.create(todo, command="vtsfind apply", library=b"/library", version="0") as run:
        place = UndoRecord(5, b"/", 1, place=b"/trash/1.jpg", record=b"/trash/1.trashinfo", aside=b".1")
        run.transition([Transition(1, State.BEGUN, undo_record=place)], durable=False)
        run.transition([Transition(1, State.DONE)], durable=False)
        run.transition([Transition(2, State.SKIPPED, "is gone")], durable=False)
        name = run.record.run
    return next(folder.glob(f"{name}.*")).read_bytes()


def _decisions_seed(folder: Path) -> bytes:
    decisions = Decisions(folder / "seed")
    pairs = [(bytes([n]) * 32, bytes([n + 1]) * 32) for n in range(3)]
    decisions.add(DecisionKind.KEEP_BOTH, pairs)
    decisions.add(DecisionKind.FORGET, pairs[:1])
    return (folder / "seed").read_bytes()


def _read_decisions(data: bytes, folder: Path) -> bool:
    (folder / "decisions").write_bytes(data)
    decisions = Decisions(folder / "decisions")
    list(decisions)
    decisions.require_intact()
    return True


class _Caught:
    def __init__(self) -> None:
        self.content = b""

    def raw(self, data: bytes) -> None:
        self.content += data


def _plan_seeds(folder: Path) -> tuple[bytes, ...]:
    paths = [folder / name for name in ("a.jpg", "b\n.jpg", "c d.jpg")]
    for path in paths:
        path.write_bytes(b"same")
    plan = make_plan([group(1, *map(photo, paths))], ORIGIN)
    caught = _Caught()
    write_plan_records(caught, plan)
    return plan_text(plan).encode(), caught.content


def _read_plan(data: bytes, _folder: Path) -> bool:
    parse_plan(data, "The plan")
    return True


_CONFIG = {
    "library": "./photos", "device": "cpu", "batch": 16, "workers": 2, "decode_timeout_s": 20.0, "decode_memory_mb": 1024,
    "pixel_limit": 1_000_000, "exclude": ["*.tmp", "cache"], "include_hidden": True,
}  # fmt: skip


def _read_config(data: bytes, folder: Path) -> bool:
    (folder / "config.toml").write_bytes(data)
    load_settings(environment={}, file=folder / "config.toml")
    return True


def _read_registry(data: bytes, folder: Path) -> bool:
    (folder / REGISTRY).write_bytes(data)
    for card in registered_models((folder,)).values():
        card.signature  # noqa: B018 - it is computed of what was read
        card.network.parts(64)
    return True


def _read_recipe(data: bytes, _folder: Path) -> bool:
    parse_recipe(data, "recipe.toml")
    return True


_PLAIN_VALUES: dict[str, object] = {str(str): "copy", str(int): 9, str(float): 0.5}
_CURVE_VALUES: dict[str, object] = {"fingerprint": entries.SIGNATURE.fingerprint}


def _read_curve(data: bytes, folder: Path) -> bool:
    (folder / "calibration.json").write_bytes(data)
    return read_curve(folder, entries.SIGNATURE) is not None


def parsers(home: Path) -> dict[str, Target]:
    """All targets but the decoder, whose seeds are made in a folder."""

    def place(name: str) -> Path:
        (home / name).mkdir(parents=True)
        return home / name

    library = _closed_library(home / "library")
    shipped = shipped_folder()
    block_encoder.register(place("models"))
    made = {
        one.name: _CURVE_VALUES.get(one.name, _PLAIN_VALUES.get(str(one.type), [0.0, 0.5]))
        for one in fields(Curve)
    }
    curve = {"format": "vtsfind calibration", "version": 1, **made}
    return {
        "library.db": Target(((library / schema.NAME).read_bytes(),), _read_library(schema.NAME, library)),
        "planes.vtp": Target(((library / planes.NAME).read_bytes(),), _read_library(planes.NAME, library)),
        "evidence.db": Target((_evidence_seed(place("evidence")),), _read_evidence),
        "journal": Target((_journal_seed(place("journal")),), _read_journal, sealed=True),
        "decisions": Target((_decisions_seed(place("decisions")),), _read_decisions, sealed=True),
        "plan": Target(_plan_seeds(place("plan")), _read_plan),
        "config": Target((tomli_w.dumps(_CONFIG).encode(),), _read_config),
        "registry": Target(
            ((shipped / REGISTRY).read_bytes(), (home / "models" / REGISTRY).read_bytes()), _read_registry
        ),
        "recipe": Target(
            tuple(path.read_bytes() for path in sorted((shipped / "recipes").glob("*.toml"))), _read_recipe
        ),
        "calibration": Target((json.dumps(curve).encode(),), _read_curve),
    }


def resealed(data: bytes) -> bytes:
    """Lines with a checksum, all of them right."""
    return b"\n".join(
        b"%08x %s" % (zlib.crc32(line[9:]), line[9:]) if len(line) > 9 else line for line in data.split(b"\n")
    )


def digest_of(data: bytes) -> str:
    """A name for mutated data that were found to be a problem."""
    return hashlib.sha256(data).hexdigest()[:16]
