"""Folders that vtsfind fills with files of its own: it takes a new or an empty one, and marks it.

In a folder without the mark nothing is written or removed, so that no file of a person's is lost that has a name which
vtsfind uses, too.
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
    """What errors call it, such as `library`."""
    option: str
    """The option that names it, such as `--library`."""
    names: tuple[str, ...]
    """Shell patterns of the files that are replaced as a whole in it."""

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
    """Mark a folder, which is there, as one of vtsfind's.

    Parameters
    ----------
    folder
        The folder.
    kind
        What it is for.
    is_own
        Whether a folder that holds files without the mark is one of an earlier vtsfind.

    Raises
    ------
    UsageError
        If it holds other files; nothing was changed.
    OSError
        If it cannot be read or written.
    """
    marker = folder / kind.marker
    if marker.exists():
        return
    if any(folder.iterdir()) and not is_own():
        raise UsageError(
            f"The folder {folder} is not empty and not a {kind.noun} of vtsfind.",
            f"Choose a new or an empty folder with {kind.option}.",
        )
    with suppress(FileExistsError):
        write_new(bytes(marker), _MARK)


def remove_leftovers(folder: Path, kind: FolderKind) -> None:
    """Remove the temporary files that killed processes left in a folder of vtsfind's."""
    for path in folder.iterdir():
        match = re.fullmatch(LEFTOVER, path.name)
        if match and any(fnmatch(match["name"], pattern) for pattern in kind.names):
            path.unlink(missing_ok=True)
