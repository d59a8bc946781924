"""Folders that only this user can change: on a shared drive anyone may have made one of a name that everybody knows."""

import errno
import os
import secrets
import stat

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def make_private(folder: bytes) -> bool:
    """Make a folder that nobody else can read or change, or make sure that one which is there is the user's own.

    Returns
    -------
    Whether it was made.

    Raises
    ------
    OSError
        If it cannot be made; or if what is there is no folder, a symbolic link, another user's, or open to others.
    """
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        problem = _problem(os.lstat(folder))
        if problem and not (problem in _OF_OWNERS and _has_no_owners(os.path.dirname(folder))):
            raise OSError(errno.EPERM, problem, folder) from None
        return False
    return True


_NO_FOLDER = "is no folder, or a symbolic link"
_ANOTHERS = "belongs to another user"
_OPEN = "can be changed by other users"
_OF_OWNERS = {_ANOTHERS, _OPEN}


def _problem(status: os.stat_result) -> str:
    """Why a folder is not the user's own; empty if it is."""
    if not stat.S_ISDIR(status.st_mode):
        return _NO_FOLDER
    if not hasattr(os, "geteuid"):
        return ""
    if status.st_uid != os.geteuid():
        return _ANOTHERS
    return _OPEN if status.st_mode & _OTHERS_WRITE else ""


def _has_no_owners(folder: bytes) -> bool:
    """Whether the file system of a folder says the same of everybody's files, as those of many cards and sticks do."""
    probe = os.path.join(folder, f".vtsfind-{secrets.token_hex(6)}".encode())
    try:
        os.mkdir(probe, 0o700)
    except OSError:
        return False
    try:
        return bool(_problem(os.lstat(probe)))
    finally:
        os.rmdir(probe)


def require_same_device(folder: bytes, path: bytes) -> None:
    """Raise `OSError` unless files of a path's device can be renamed into a folder.

    Parts of one mounted volume may be devices of their own, as the subvolumes of Btrfs are.
    """
    if os.lstat(folder).st_dev != os.lstat(path).st_dev:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), folder)
