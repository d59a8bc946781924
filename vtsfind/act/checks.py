"""Checking that files are still as planned. Only reads."""

import hashlib
import os
import stat
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from vtsfind.base.operations import Action, Operation
from vtsfind.base.paths import show_path

_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that takes the file's place does not block the opening
    | getattr(os, "O_BINARY", 0)
)
_NO_ATIME_FLAG = getattr(os, "O_NOATIME", 0)

GONE = "is gone"


class CheckFailed(Exception):
    """A file is not as planned, or cannot be checked."""

    def __init__(self, path: bytes, reason: str) -> None:
        super().__init__(f"{show_path(path)} {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FileStat:
    """The identity and state of a file."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    links: int = field(default=1, compare=False)
    """Number of hard links."""

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode, the same for all names of one file."""
        return self.device, self.inode


@dataclass(frozen=True, slots=True)
class CheckedOperation:
    """An operation whose files passed all checks."""

    operation: Operation
    file_stat: FileStat
    keeper: FileStat | None


def stat_regular_file(path: bytes) -> FileStat:
    """The state of a regular file; symbolic links are not followed.

    Raises
    ------
    CheckFailed
        If it is gone, not a regular file, or cannot be examined.
    """
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise CheckFailed(path, GONE) from None
    except OSError as error:
        raise CheckFailed(path, f"cannot be examined ({error.strerror})") from error
    if not stat.S_ISREG(status.st_mode):
        raise CheckFailed(path, "is not a regular file")
    return _file_stat_of(status)


def verify(path: bytes, size: int, digest: bytes) -> FileStat:
    """Read a file and check its size and content.

    Raises
    ------
    CheckFailed
        If it is not a regular file of this size and SHA-256.
    """
    before = stat_regular_file(path)
    if before.size != size:
        raise CheckFailed(path, "has changed (different size)")
    try:
        found = digest_of(path, before)
    except OSError as error:
        raise CheckFailed(path, f"cannot be read ({error.strerror})") from error
    if found != digest:
        raise CheckFailed(path, "has changed (different content)")
    return before


def digest_of(path: bytes, expected: FileStat) -> bytes:
    """SHA-256 of a file.

    Raises
    ------
    CheckFailed
        If its state was not `expected` before and after.
    OSError
        If it cannot be read.
    """
    descriptor = open_no_atime(path)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if _file_stat_of(os.fstat(descriptor)) != expected:
            raise CheckFailed(path, "has changed")
        digest = hashlib.file_digest(file, "sha256").digest()
        if _file_stat_of(os.fstat(descriptor)) != expected:
            raise CheckFailed(path, "is being changed")
    return digest


def open_no_atime(path: bytes) -> int:
    """Open a file for reading, without following a symbolic link and, where allowed, without changing its access time."""
    try:
        return os.open(path, _OPEN_FLAGS | _NO_ATIME_FLAG)
    except PermissionError:
        return os.open(path, _OPEN_FLAGS)


def check_group(
    operations: Sequence[Operation],
    kept: Mapping[tuple[int, int], bytes],
    taken: MutableMapping[tuple[int, int], bytes],
) -> list[CheckedOperation]:
    """Read and check all files of the operations on one group.

    Parameters
    ----------
    operations
        All operations of one group.
    kept
        Identity to path of all files that the plan keeps.
    taken
        Identity to path of the files of earlier groups; those of this group are added.

    Raises
    ------
    CheckFailed
        If any file of the group is not as planned, or is the same file as a kept one.
    """
    keepers: dict[bytes, FileStat] = {}
    found = []
    for operation in operations:
        if operation.keeper is not None and operation.keeper not in keepers:
            keepers[operation.keeper] = verify(
                operation.keeper, operation.keeper_size, operation.keeper_digest
            )
        file_stat = verify(operation.path, operation.size, operation.digest)
        if file_stat.identity in kept:
            raise CheckFailed(
                operation.path, f"is the same file as {show_path(kept[file_stat.identity])}, which is kept"
            )
        if file_stat.identity in taken and file_stat.links == 1:
            raise CheckFailed(operation.path, f"is the same file as {show_path(taken[file_stat.identity])}")
        require_removable(operation.path)
        found.append(
            CheckedOperation(operation, file_stat, keepers[operation.keeper] if operation.keeper else None)
        )
    taken.update((checked.file_stat.identity, checked.operation.path) for checked in found)
    return found


def is_link_to_keeper(operation: Operation) -> bool:
    """Whether the name of a file that was to become a link is one to the keeper already."""
    path, keeper = operation.path, operation.keeper
    if keeper is None or operation.action not in {Action.HARDLINK, Action.SYMLINK}:
        return False
    if operation.action is Action.SYMLINK:
        return os.path.islink(path) and os.readlink(path) == keeper
    try:
        return stat_regular_file(path).identity == stat_regular_file(keeper).identity
    except CheckFailed:
        return False


def identities(paths: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """Identity to path of those files that exist."""
    found = {}
    for path in paths:
        with suppress(CheckFailed):
            found[stat_regular_file(path).identity] = path
    return found


def require_unchanged(path: bytes, expected: FileStat) -> None:
    """Raise `CheckFailed` unless the state of a file is `expected`; its content is not read."""
    if stat_regular_file(path) != expected:
        raise CheckFailed(path, "has changed")


def require_removable(path: bytes) -> None:
    """Raise `CheckFailed` if the folder of a file is read-only."""
    folder = os.path.dirname(path)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CheckFailed(path, f"cannot be moved: its folder {show_path(folder)} is read-only")


def _file_stat_of(status: os.stat_result) -> FileStat:
    return FileStat(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_nlink)
