"""Folders that vtsfind fills with its own files: only a new or an empty folder is taken, and then marked.

In a folder without the mark nothing is written or removed, so that no user's file is lost because its name is one that
vtsfind uses.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from vtsfind.base.errors import UsageError
from vtsfind.store.atomic import LEFTOVER, write_new

_MARK = b"vtsfind writes and removes files in this folder. Keep no files of your own here.\n"


@dataclass(frozen=True, slots=True)
class FolderKind:
    """A kind of folder."""

    noun: str
    """Its name in error messages, such as `library`."""
    option: str
    """The option that chooses it, such as `--library`."""
    names: tuple[str, ...]
    """Shell patterns of its files that are replaced by `vtsfind.store.atomic.atomic_replace`."""

    @property
    def marker(self) -> str:
        """The name of the file that marks such a folder."""
        return f"vtsfind-{self.noun}"


LIBRARY = FolderKind(
    "library", "--library", ("library.db", "planes.vtp", "owner.json", "calibration.json", "evidence.db")
)
RUN = FolderKind(
    "run",
    "--run",
    (
        "recipe.toml",
        "made.json",
        "features-*.npy",
        "metrics.jsonl",
        "checkpoint.pt",
        "*.safetensors",
        "registry.toml",
        "result.json",
    ),
)


def claim_folder(folder: Path, kind: FolderKind, is_own: Callable[[], bool]) -> None:
    """Mark an existing folder as one of vtsfind's.

    Parameters
    ----------
    folder
        The folder.
    kind
        Its purpose.
    is_own
        Returns whether a folder with files but without the mark was made by an earlier vtsfind.

    Raises
    ------
    UsageError
        If it contains other files; nothing is changed.
    OSError
        If it cannot be read or written.
    """
    marker = folder / kind.marker
    if marker.exists():
        return
    if any(folder.iterdir()) and not is_own():
        raise UsageError(
            f"The folder {folder} is not empty and not a {kind.noun} of vtsfind.",
            f"Choose a new or empty folder with {kind.option}.",
        )
    with suppress(FileExistsError):
        write_new(bytes(marker), _MARK)


def remove_leftovers(folder: Path, kind: FolderKind) -> None:
    """Remove the temporary files that killed processes left in a marked folder."""
    for path in folder.iterdir():
        match = re.fullmatch(LEFTOVER, path.name)
        if match and any(fnmatch(match["name"], pattern) for pattern in kind.names):
            path.unlink(missing_ok=True)
