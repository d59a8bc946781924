"""Features of a frozen backbone, computed once for the pictures of a split and cached in files.

A frozen backbone always gives the same features for a picture, so any number of heads can be trained on them. They are the
features that `vtsfind.learn.models.network` calls `lite`, `cls` or `all` and, optionally, the means of the last stages: a
network that was trained on other classes has its most general features before its last stage.

The features of each view are cached in a folder of their own, one file of half-precision numbers for every 2,048 pictures, so
that interrupted work continues. The folder's name is a SHA-256 of everything that they depend on. Every file may be removed.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import Phase
from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.formats.pictures import Pictures, Pixels, RowNumbers
from vtsfind.learn.evaluation.codes import EncodingOptions, files_digest, prepared_batches, versions
from vtsfind.learn.models.backbones import backbone
from vtsfind.learn.models.encoder import choose_device, precision
from vtsfind.learn.models.network import HashNetwork, normalise
from vtsfind.learn.models.registry import ModelCard, registered_models
from vtsfind.learn.models.spec import FeatureKind, NetworkSpec
from vtsfind.learn.pretrained.load import load_start, starts_folder
from vtsfind.media.decode import prepare
from vtsfind.store.atomic import replace_file

FeatureMatrix = npt.NDArray[np.float16]

_FORMAT = 1
_PICTURES_PER_FILE = 2048
_MIN_CROP_SHARE = 0.75


@dataclass(frozen=True, slots=True)
class FrozenBackbone:
    """A frozen backbone, and which of its features are used."""

    name: str
    """Its name in results: a model's name, or `backbone@size`."""
    network: NetworkSpec
    """Its heads, if any, are not used."""
    preprocessing: Preprocessing
    weights: Path
    """Start weights, or a model's weights."""
    sha256: str
    """Of that file, in hex."""
    stages: int = 0
    """Number of last stages (blocks of a transformer) whose means are used besides the final features."""

    def reading(self, features: FeatureKind) -> Self:
        """The same backbone, of which other features are read."""
        return replace(self, network=replace(self.network, features=features))

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of everything that the features depend on except the picture."""
        given, plain = asdict(self.network), asdict(NetworkSpec(self.network.backbone, self.network.size, ()))
        # Only what differs from the defaults, so that a field that is added later changes nothing.
        unused = {"heads", "hidden"}
        network = {
            name: value for name, value in given.items() if name not in unused and value != plain[name]
        }
        parts = {
            "format": _FORMAT,
            "weights": self.sha256,
            "network": [self.network.backbone, self.network.size, network],
            "stages": self.stages,
            "preprocessing": asdict(self.preprocessing),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def frozen(text: str, starts: Path | None = None) -> FrozenBackbone:
    """Parse the description of a frozen backbone.

    Parameters
    ----------
    text
        The name of a registered model, or `BACKBONE@SIZE=FILE` with a file of start weights; either may end in `+N`, for
        the last N stages as well.
    starts
        The folder of start weights; None for the folder of `models import`.

    Raises
    ------
    UsageError
        When there is no such model, backbone or file, or the description is invalid.
    """
    head, plus, tail = text.rpartition("+")
    body, stages = (head, int(tail)) if plus and tail.isdecimal() else (text, 0)
    known = registered_models()
    if body in known:
        return _from_card(known[body], stages)
    shape, equals, file = body.partition("=")
    name, at, size = shape.partition("@")
    if not equals or not at or not size.isdigit() or not int(size):
        raise UsageError(
            f"There is no model '{text}', and it is no BACKBONE@SIZE=FILE.",
            f"Models: {', '.join(known) or 'none'}. Or, for instance: lite2@160=weights.pth+2.",
        )
    spec = NetworkSpec(name, int(size), heads=())
    weights = _start_file(file, starts)
    preprocessing = backbone(name).preprocessing(int(size))
    shown = shape + (f"+{stages}" if stages else "")
    return FrozenBackbone(shown, spec, preprocessing, weights, _sha256(weights), stages)


def _from_card(card: ModelCard, stages: int) -> FrozenBackbone:
    """The first backbone of a model, at its own size."""
    card.verify()
    shown = card.name + (f"+{stages}" if stages else "")
    network, preprocessing = card.network, card.preprocessing
    if network.second:
        network, preprocessing = replace(network, second=None), replace(preprocessing, size=network.size)
    path, sha256 = list(card.files.items())[-1]
    return FrozenBackbone(shown, network, preprocessing, path, sha256, stages)


def _start_file(file: str, starts: Path | None) -> Path:
    places = [folder / file for folder in (starts, starts_folder()) if folder]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise UsageError(f"The start weights {places[0]} are not there.", "Say with --starts where they are.")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FeatureExtractor:
    """A frozen backbone on a device.

    Parameters
    ----------
    backbone
        The backbone.
    device
        See `vtsfind.learn.models.encoder.choose_device`.

    Raises
    ------
    UsageError
        When there is no such device, the weights do not fit, or the backbone has fewer stages than requested.
    """

    def __init__(self, backbone: FrozenBackbone, device: str = "auto") -> None:
        self.preprocessing = backbone.preprocessing
        self.device = choose_device(device)
        network = HashNetwork(replace(backbone.network, heads=()))
        load_start(network.backbone, backbone.weights)
        self._network = network.eval().to(self.device)
        stages = list(getattr(network.backbone, "blocks", ()))
        if len(stages) < backbone.stages:
            raise UsageError(
                f"The backbone '{backbone.name}' has {len(stages)} stages.", "Ask for fewer of the last ones."
            )
        self._stage_outputs: list[Tensor] = []
        for stage in stages[len(stages) - backbone.stages :]:
            stage.register_forward_hook(
                lambda _module, _input, output: self._stage_outputs.append(pool_stage(output))
            )
        # Convolutions are faster in the memory format "channels last".
        if not backbone.network.backbone.startswith("vit"):
            self._network = self._network.to(memory_format=torch.channels_last)

    @property
    def token_width(self) -> int:
        """How wide a token is."""
        return int(self._network.backbone.embed_dim)

    @torch.inference_mode()
    def __call__(self, pixels: Pixels) -> FeatureMatrix:
        """Features of prepared pictures, (b, size, size, 3) uint8, as (b, d)."""
        kind = precision(self.device)
        inputs = normalise(
            torch.from_numpy(pixels).to(self.device), self.preprocessing.mean, self.preprocessing.std
        )
        self._stage_outputs.clear()
        with torch.autocast(self.device.type, kind, enabled=kind != torch.float32):
            end = self._network.features(inputs.contiguous(memory_format=torch.channels_last))
        parts = [end, *self._stage_outputs]
        # The largest half-precision number is 65,504; no useful feature is as large.
        made: FeatureMatrix = (
            torch.cat([part.float() for part in parts], 1).clamp(-6e4, 6e4).half().cpu().numpy()
        )
        return made


def pool_stage(output: Tensor) -> Tensor:
    """Features of one stage: spatial means, (b, c, h, w) to (b, c); of tokens (b, t, d), the first token and the mean."""
    if output.ndim == 4:
        return output.mean((2, 3))
    return torch.cat([output[:, 0], output[:, 1:].mean(1)], 1)


@dataclass(frozen=True, slots=True)
class PictureView:
    """Views of a picture: view 0 is the picture, view 1 its mirror image, others are random crops, half of them mirrored."""

    number: int
    pictures: Pictures
    preprocessing: Preprocessing

    def __call__(self, row: int) -> Pixels:
        """The input of one row, (size, size, 3) uint8."""
        pixels = self.pictures.picture(row)
        if self.number > 1:
            random = np.random.default_rng((self.number, row))
            h, w = pixels.shape[:2]
            side = random.uniform(_MIN_CROP_SHARE, 1)
            tall, wide = max(1, round(side * h)), max(1, round(side * w))
            top, left = random.integers(h - tall + 1), random.integers(w - wide + 1)
            pixels = pixels[top : top + tall, left : left + wide]
            if random.random() < 0.5:
                pixels = pixels[:, ::-1]
        elif self.number == 1:
            pixels = pixels[:, ::-1]
        return prepare(np.ascontiguousarray(pixels), self.preprocessing)


@dataclass(frozen=True, slots=True, eq=False)
class ViewFeatures:
    """Features of some rows in one view."""

    rows: RowNumbers
    """(m,) int64, rising."""
    values: FeatureMatrix
    """(m, d)."""

    def of(self, rows: RowNumbers) -> FeatureMatrix:
        """Features of these rows, in their order."""
        found: FeatureMatrix = self.values[np.searchsorted(self.rows, rows)]
        return found

    def of_tokens(self, features: FeatureKind, width: int) -> Self:
        """Out of all tokens, each `width` wide and the class token first, what heads of other features read."""
        tokens = self.values.reshape(len(self.values), -1, width)
        if features == "cls":
            return type(self)(self.rows, tokens[:, 0].copy())
        if features == "lite":
            mean = tokens[:, 1:].mean(axis=1, dtype=np.float32).astype(np.float16)
            return type(self)(self.rows, np.concatenate([tokens[:, 0], mean], axis=1))
        return self


class FeatureStore:
    """Computes features, or takes them from the cache.

    Parameters
    ----------
    backbone
        The backbone.
    pictures
        Of one data set.
    folder
        Of the cache; created if necessary.
    encoding
        How to compute missing features.
    """

    def __init__(
        self, backbone: FrozenBackbone, pictures: Pictures, folder: Path, encoding: EncodingOptions
    ) -> None:
        self.backbone, self.pictures, self.folder, self.encoding = backbone, pictures, folder, encoding

    @cached_property
    def _extractor(self) -> FeatureExtractor:
        return FeatureExtractor(self.backbone, self.encoding.device)

    @property
    def token_width(self) -> int:
        """How wide a token of the backbone is."""
        return self._extractor.token_width

    @cached_property
    def _files(self) -> str:
        return files_digest(self.pictures)

    def view_features(self, rows: Sequence[int] | RowNumbers, view: int = 0) -> ViewFeatures:
        """Features of rows in a view; repeated rows are computed once.

        Raises
        ------
        UsageError
            When a picture or the backbone cannot be used.
        OSError
            When the folder cannot be written.
        Cancelled
            When it is cancelled; finished work is kept.
        """
        wanted = np.unique(np.asarray(rows, np.int64))
        cache_folder = self.folder / self._key(wanted, view)
        starts = range(0, len(wanted), _PICTURES_PER_FILE)
        files = [cache_folder / f"{number:05}.npy" for number in range(len(starts))]
        chunks = {start: _read(file) for start, file in zip(starts, files, strict=True)}
        missing = [start for start, chunk in chunks.items() if chunk is None]
        if missing:
            cache_folder.mkdir(parents=True, exist_ok=True)
            self.encoding.progress.start(Phase.EVALUATE, len(wanted))
            self.encoding.progress.advance(
                len(wanted) - sum(min(_PICTURES_PER_FILE, len(wanted) - start) for start in missing)
            )
        for start, file in zip(starts, files, strict=True):
            if chunks[start] is None:
                chunks[start] = self._extract_chunk(wanted[start : start + _PICTURES_PER_FILE], view, file)
        made = [chunk for chunk in chunks.values() if chunk is not None]
        return ViewFeatures(wanted, np.concatenate(made) if made else np.zeros((0, 0), np.float16))

    def _extract_chunk(self, rows: RowNumbers, view: int, file: Path) -> FeatureMatrix:
        prepare_row = PictureView(view, self.pictures, self.backbone.preprocessing)
        parts = []
        with closing(
            prepared_batches(prepare_row, rows, self.encoding.batch, self.encoding.workers)
        ) as batches:
            for pixels in batches:
                self.encoding.cancel.check()
                parts.append(self._extractor(pixels))
                self.encoding.progress.advance(len(pixels), f"features, view {view}")
        made = np.concatenate(parts)
        content = io.BytesIO()
        np.save(content, made)
        replace_file(file, content.getvalue())
        return made

    def _key(self, rows: RowNumbers, view: int) -> str:
        parts = {
            "backbone": self.backbone.fingerprint,
            "files": self._files,
            "rows": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest(),
            "view": view,
            "versions": {name: version for name, version in versions().items() if name != "vtsfind"},
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _read(file: Path) -> FeatureMatrix | None:
    """The features in a file; None if it is missing or cannot be read."""
    try:
        with file.open("rb") as stream:
            held = np.load(stream, allow_pickle=False)
    except (OSError, EOFError, ValueError):
        return None
    return held if held.dtype == np.float16 and held.ndim == 2 else None
