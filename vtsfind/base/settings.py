"""One frozen set of settings, and the folders that vtsfind uses. No other module knows a path of the user's machine.

A setting is taken from the option on the command line, else from the environment (`VTSFIND_` and its name in capitals),
else from `config.toml` in the user's config folder, else from its default here. An unknown key is an error.
"""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import platformdirs

from vtsfind.base.addresses import Place, ServerAddress
from vtsfind.base.errors import UsageError
from vtsfind.base.files import MAX_SETTINGS_BYTES, read_bounded
from vtsfind.base.words import either

ENVIRONMENT_PREFIX = "VTSFIND_"
ACTIVE_RUN_NAME = "at-work"
"""The file in the journal's folder that exists while a run is active, and after it was killed."""

# Variables of that prefix that are no settings: they move whole folders, see `Places`.
_PLACE_VARIABLES = {"VTSFIND_CONFIG_DIR", "VTSFIND_DATA_DIR", "VTSFIND_CACHE_DIR", "VTSFIND_STATE_DIR"}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a user can set once for all commands; each command has options of its own."""

    library: str = "default"
    """Library to use: a name, a path that contains a slash, or the address of a PostgreSQL database."""
    model: str = ""
    """Model of a new library; empty for the default model."""
    device: str = "auto"
    """Device for the model: `auto`, `cuda`, `mps` or `cpu`."""
    batch: int = 32
    """Photos that the model encodes at once."""
    workers: int = 0
    """Processes that decode or compare photos; 0 for one per processor."""
    decode_timeout_s: float = 30.0
    """Time limit for decoding one photo, in seconds."""
    decode_memory_mb: int = 2048
    """Memory limit for decoding one photo, in megabytes."""
    pixel_limit: int = 300_000_000
    """Photos with more pixels are not decoded."""
    exclude: tuple[str, ...] = ()
    """Shell patterns of names, or of whole paths, of files and folders to skip."""
    include_hidden: bool = False
    """Whether to include files and folders whose name begins with a dot."""
    one_file_system: bool = False
    """Whether to skip folders on other file systems."""
    theme: str = "vtsfind"
    """Colours of `vtsfind browse`: `textual-light` for a bright terminal, or another one of Ctrl-P, Theme."""


def _boolean(text: str) -> bool:
    values = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if text.lower() not in values:
        raise ValueError(text)
    return values[text.lower()]


_FROM_TEXT: dict[type, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    bool: _boolean,
    tuple: lambda text: tuple(part for part in text.split(os.pathsep) if part),
}


def _kinds() -> dict[str, type]:
    return {f.name: type(f.default) for f in fields(Settings)}


def _checked(name: str, value: Any, source: str) -> Any:
    kind = _kinds().get(name)
    if kind is None:
        known = ", ".join(sorted(_kinds()))
        raise UsageError(f"{source} has the unknown setting '{name}'.", f"Known settings: {known}.")
    if kind is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise UsageError(f"{source} has {value!r} for '{name}', which should be {_KIND_WORDS[kind]}.")
    least, most = _RANGES.get(name, (-math.inf, math.inf))
    if isinstance(value, int | float) and not least <= value <= most:
        raise UsageError(
            f"{source} has {value} for '{name}', which should be from {least:,} to {most:,}.", "Correct it."
        )
    choices = _CHOICES.get(name)
    if choices and value not in choices:
        raise UsageError(f"{source} has '{value}' for '{name}'.", f"Use {either(choices)}.")
    return value


_RANGES: dict[str, tuple[float, float]] = {
    "batch": (1, 65_536),
    "workers": (0, 1024),
    "decode_timeout_s": (1, 86_400),
    "decode_memory_mb": (64, 1 << 20),
    "pixel_limit": (10_000, 10**11),
}
"""The least and the largest value of a setting: with less, no photo of a camera can be decoded."""


DEVICES: Final = ("auto", "cuda", "mps", "cpu")
"""What a model may run on; whether this machine has it is seen when a model is loaded."""
_CHOICES: Final = {"device": DEVICES}
"""The only values of a setting."""
_KIND_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple: "a list of texts",
}


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = read_bounded(path, MAX_SETTINGS_BYTES).decode()
        import tomllib  # few have such a file

        table = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"The settings file {path} cannot be read: {reason}.", "Correct or remove it."
        ) from error
    return {name: _checked(name, value, f"The settings file {path}") for name, value in table.items()}


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in _PLACE_VARIABLES:
            continue
        name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        kind = _kinds().get(name)
        try:
            value = _FROM_TEXT[kind](text) if kind else text
        except ValueError:
            raise UsageError(f"{variable} is {text!r}, which should be {_KIND_WORDS[kind or str]}.") from None
        result[name] = _checked(name, value, f"The environment ({variable})")
    return result


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Put the settings together: flag over environment over file over default.

    Parameters
    ----------
    flags
        Setting name to value as given on the command line; None values count as not given.
    environment
        The process environment unless another is given.
    file
        The settings file; `Places.config_file` unless another is given.

    Raises
    ------
    UsageError
        For an unknown setting or a value of the wrong kind, naming where it stands.
    """
    environment = os.environ if environment is None else environment
    file = places(environment).config_file if file is None else file
    given = {
        name: _checked(name, value, "The command line") if name in {*_RANGES, *_CHOICES} else value
        for name, value in (flags or {}).items()
        if value is not None
    }
    return replace(Settings(), **{**_from_file(file), **_from_environment(environment), **given})


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that vtsfind uses, by the rules of the operating system; each can be moved by a variable."""

    config: Path
    """Settings; `VTSFIND_CONFIG_DIR`."""
    data: Path
    """Libraries and the user's own models: costly to make again; `VTSFIND_DATA_DIR`."""
    cache: Path
    """What can be made or fetched again; `VTSFIND_CACHE_DIR`."""
    state: Path
    """The journal of what was done to files; `VTSFIND_STATE_DIR`."""
    config_file: Path = field(init=False)
    libraries: Path = field(init=False)
    models: Path = field(init=False)
    journal: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "config_file", self.config / "config.toml")
        object.__setattr__(self, "libraries", self.data / "libraries")
        object.__setattr__(self, "models", self.data / "models")
        object.__setattr__(self, "journal", self.state / "journal")

    def library(self, name_or_path: str) -> Path:
        """The folder of a library: a path if there is a separator in it, else a name among the user's libraries.

        >>> places({"VTSFIND_DATA_DIR": "/data"}).library("holidays").as_posix()
        '/data/libraries/holidays'
        >>> places().library("./holidays").as_posix().endswith("/holidays")
        True
        """
        if not name_or_path or name_or_path in {".", ".."}:
            raise UsageError(
                f"'{name_or_path}' is not a library name.", "Give a name, or a path that contains a slash."
            )
        if "/" in name_or_path or os.sep in name_or_path:
            return Path(name_or_path).expanduser().absolute()
        return self.libraries / name_or_path


def places(environment: Mapping[str, str] | None = None) -> Places:
    """The folders in force, from the environment or the operating system's rules."""
    environment = os.environ if environment is None else environment
    dirs = platformdirs.PlatformDirs("vtsfind", appauthor=False)
    chosen = {
        name: Path(environment.get(f"VTSFIND_{name.upper()}_DIR") or getattr(dirs, f"user_{name}_path"))
        for name in ("config", "data", "cache", "state")
    }
    return Places(**chosen)


def local_folder(place: Place) -> Path:
    """The folder of this machine for what is derived from a library; it may not exist."""
    return places().data / "servers" / place.slug if isinstance(place, ServerAddress) else place
