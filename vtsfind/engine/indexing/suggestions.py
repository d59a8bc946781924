"""Folders to propose to a user who has no library yet."""

import os

import platformdirs

from vtsfind.base.progress import CancelToken
from vtsfind.media.scan import ScanOptions, ScanReport, scan


def suggested_folders() -> list[str]:
    """The folders of this user in which photos usually are, the likeliest first; only those that exist."""
    candidates = [
        platformdirs.user_pictures_dir(),
        os.path.expanduser("~/Photos"),
        platformdirs.user_desktop_dir(),
        platformdirs.user_downloads_dir(),
    ]
    folders = {os.path.realpath(folder): folder for folder in reversed(candidates) if os.path.isdir(folder)}
    return list(folders.values())[::-1]


def count_photos(folder: bytes, cancel: CancelToken) -> int:
    """The number of photos in a folder and all below it, by their names: no file is opened.

    Raises
    ------
    Cancelled
        If asked to stop.
    """
    return sum(1 for _ in scan([folder], ScanOptions(), ScanReport(), cancel))
