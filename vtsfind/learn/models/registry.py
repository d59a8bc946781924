"""The registry of models: their cards, the files of their weights, and checksums.

Models that come with vtsfind are listed in `weights/registry.toml` beside their files; the user's own, trained or
imported, in a `registry.toml` of the same form in the user's model folder. Each model has a table `[models."NAME"]` with the
fields of `ModelCard`. Names are unique: a repeated name is an error, never an overwrite. Reading the registry needs no torch.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import vtsfind
from vtsfind.base.errors import ModelDamaged, UsageError
from vtsfind.base.files import MAX_SETTINGS_BYTES, read_bounded
from vtsfind.base.records import Preprocessing, Signature
from vtsfind.base.settings import places
from vtsfind.base.tables import read_table
from vtsfind.learn.models.spec import NetworkSpec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

REGISTRY = "registry.toml"
_MAX_SIZE = 65_536
"""Of a picture's side, a code, a layer: more than any model has."""
_ALWAYS_HASHED = {"backbone", "size", "heads"}


@dataclass(frozen=True, slots=True)
class PartFile:
    """A file that a model has besides its own, which other models may have, too."""

    file: str
    """Beside the registry."""
    sha256: str
    """Of that file, in hex."""


@dataclass(frozen=True)
class ModelCard:
    """The description of a model."""

    name: str
    """`backbone.objective.dataset.bits`."""
    file: str
    """File of the weights (safetensors), beside the registry that lists it."""
    sha256: str
    """Of that file, in hex."""
    network: NetworkSpec
    preprocessing: Preprocessing
    licence: str
    """SPDX identifier."""
    shared: tuple[PartFile, ...] = ()
    """The rest of the weights, where the model's own file has only those of a second backbone and its heads, or of one such head:
    those of the first backbone and its heads in the last of these files, the others in the files before."""
    words: PartFile | None = None
    """The table of words whose directions among the codes `words` are known, see `vtsfind.learn.models.text`."""
    recipe: str = ""
    """File of the recipe that made it, beside the registry; empty for an imported model."""
    note: str = ""
    """Where data, start and teachers come from."""
    split: str = ""
    """What it was trained by, as `vtsfind.learn.data.splits.Split.learned`; empty where that was no protocol's training set."""
    default: bool = False
    """Whether new libraries use this model by default."""
    metrics: dict[str, float | str] = field(default_factory=dict)
    """Measured figures; each name says what on what, see docs/weights.md for the protocols."""
    folder: Path = Path()
    """Where the registry is that lists it."""

    @property
    def path(self) -> Path:
        """The file of the weights."""
        return self.folder / self.file

    @property
    def files(self) -> dict[Path, str]:
        """The files of all weights, the model's own first, each with its SHA-256."""
        return self._own_and(self.shared)

    @property
    def parts(self) -> tuple[PartFile, ...]:
        """All its files but its own."""
        return (*self.shared, *([self.words] if self.words else []))

    def _own_and(self, parts: tuple[PartFile, ...]) -> dict[Path, str]:
        return {self.path: self.sha256} | {self.folder / each.file: each.sha256 for each in parts}

    @cached_property
    def signature(self) -> Signature:
        """What the codes of this model are marked with: name, heads, and a hash of all that the codes depend on."""
        parts: dict[str, object] = {
            "weights": self.sha256,
            "network": _non_default_fields(self.network),
            "preprocessing": asdict(self.preprocessing),
        }
        if self.shared:
            first, *others = (each.sha256 for each in self.shared)
            parts["shared"] = [first, *others] if others else first
        fingerprint = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return Signature(self.name, fingerprint, self.network.heads)

    def verify(self) -> None:
        """Make sure that the weights are there and have the promised content.

        Raises
        ------
        ModelDamaged
            When they are not, or have not.
        """
        for path, sha256 in self._own_and(self.parts).items():
            self._verify_file(path, sha256)

    def _verify_file(self, path: Path, sha256: str) -> None:
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._unreadable(path, error) from error
        self._require_sha256(path, found, sha256)

    def _unreadable(self, path: Path, error: OSError) -> ModelDamaged:
        return ModelDamaged(
            f"The weights of '{self.name}' cannot be read from {path}: {error.strerror}.",
            "Install vtsfind again, or remove the model's entry from the registry.",
        )

    def _require_sha256(self, path: Path, found: str, sha256: str) -> None:
        if found != sha256:
            raise ModelDamaged(
                f"The weights of '{self.name}' in {path} are damaged: their SHA-256 is {found[:12]}..., "
                f"not {sha256[:12]}....",
                "Install vtsfind again, or put the right file there.",
            )

    def load_arrays(self, *, second: bool) -> "dict[str, npt.NDArray[np.float32]]":
        """Read the weights of the first or the second backbone with its heads, as float32 arrays by name.

        Raises
        ------
        ModelDamaged
            When they are not there, or not as promised.
        """
        from safetensors.numpy import load

        *others, last = self.files.items()
        return {
            name: value.astype("float32")
            for path, sha256 in (others if second and others else [last])
            for name, value in load(self.read(path, sha256)).items()
            if self.network.is_second(name) == second
        }

    def read(self, path: Path, sha256: str) -> bytes:
        """The content of one of its files, which has this SHA-256.

        Raises
        ------
        ModelDamaged
            When it is not there, or has other content.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise self._unreadable(path, error) from error
        self._require_sha256(path, hashlib.sha256(data).hexdigest(), sha256)
        return data

    def load(self) -> "dict[str, Tensor]":
        """Read the weights, after `verify`, as float32 tensors by name."""
        from safetensors.torch import load_file

        self.verify()
        *others, last = self.files
        return {
            name: value.float()
            for path in (*others, last)
            for name, value in load_file(path).items()
            if not others or self.network.is_second(name) == (path != last)
        }


def _non_default_fields(spec: NetworkSpec) -> dict[str, object]:
    """The fields that differ from their defaults, so that a field that is added later changes no fingerprint."""
    plain = NetworkSpec(spec.backbone, spec.size, spec.heads)
    return {
        name: value
        for name, value in asdict(spec).items()
        if value != asdict(plain)[name] or name in _ALWAYS_HASHED
    }


def shipped_folder() -> Path:
    """The folder of the models that ship with vtsfind: inside an installed package, beside it in a checkout."""
    package = Path(vtsfind.__file__).parent
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "weights"


def registered_models(folders: tuple[Path, ...] | None = None) -> Mapping[str, ModelCard]:
    """Every model that can be used, by name: the shipped ones, then the user's own.

    Parameters
    ----------
    folders
        Folders with a registry; the shipped one and the user's by default. One without a registry adds nothing.

    Raises
    ------
    UsageError
        For a registry that cannot be read, has an unknown key, or names a model again.
    """
    cards: dict[str, ModelCard] = {}
    for folder in folders or (shipped_folder(), places().models):
        for card in _read(folder):
            if card.name in cards:
                raise UsageError(
                    f"The model '{card.name}' is registered in {cards[card.name].folder} and in {folder}.",
                    "Rename or remove one of them.",
                )
            cards[card.name] = card
    return cards


def find_card(name: str = "") -> ModelCard:
    """The card of a model by name; of the default model for an empty name.

    Raises
    ------
    UsageError
        When there is no such model; lists those there are.
    """
    cards = registered_models()
    if name in cards:
        return cards[name]
    defaults = [card for card in cards.values() if card.default]
    if not name and defaults:
        return defaults[0]
    known = ", ".join(cards) or "none"
    raise UsageError(f"There is no model '{name or '(default)'}'.", f"Known models: {known}.")


def _read(folder: Path) -> list[ModelCard]:
    path = folder / REGISTRY
    if not path.exists():
        return []
    try:
        table = tomllib.loads(read_bounded(path, MAX_SETTINGS_BYTES).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"The model registry {path} cannot be read: {error}.", "Correct or remove it."
        ) from error
    models = table.get("models", {})
    if set(table) - {"models"} or not isinstance(models, dict):
        raise UsageError(f"The model registry {path} has keys other than 'models'.", "Correct it.")
    cards = [
        read_table(ModelCard, {"name": name, **fields}, f"{path}: {name}") for name, fields in models.items()
    ]
    for card in cards:
        _require_possible(card, f"{path}: {card.name}")
    return [replace(card, folder=folder) for card in cards]


def _require_possible(card: ModelCard, where: str) -> None:
    """Refuse a card whose numbers no network can have, or whose file lies elsewhere.

    Raises
    ------
    UsageError
        Naming the entry.
    """
    network, picture = card.network, card.preprocessing
    sizes = {
        "size": network.size,
        "depth": network.depth if network.depth is not None else 1,
        "groups": network.groups,
        "preprocessing: size": picture.size,
        "preprocessing: resize": picture.resize or 1,
        **{f"heads: {head.name}: bits": head.bits for head in network.heads},
        **{f"hidden: {name}": width for name, width in network.hidden.items()},
    }
    for name, value in sizes.items():
        if not 1 <= value <= _MAX_SIZE:
            raise UsageError(
                f"{where}: {name} is {value}, which is not from 1 to {_MAX_SIZE:,}.", "Correct it."
            )
    for name in (card.file, card.recipe):
        if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise UsageError(f"{where}: {name!r} is not a path below that folder.", "Correct it.")
