"""Names of photos, and names of folders that a scan skips: trash, thumbnails, folders of tools."""

import fnmatch
import os
import re
from collections.abc import Sequence

RAW_EXTENSIONS = frozenset(
    b"3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f".split()
)
"""Extensions of cameras' RAW files, which are read by their embedded preview; lower case, without the dot."""
PICTURE_EXTENSIONS = RAW_EXTENSIONS | frozenset(
    b"jpg jpeg jpe jfif png apng webp gif tif tiff bmp dib avif avifs heic heif heics heifs hif mpo "
    b"jp2 j2k j2c jpc jpf jpx".split()
)
"""Extensions of photos, lower case, without the dot."""

HIDDEN = "hidden"
TRASH = "trash folder"
THUMBNAILS = "thumbnail folder"
TOOL = "tool folder"

_SKIPPED_FOLDERS = {
    **dict.fromkeys(
        [
            b".trash",
            b".trashes",
            b"$recycle.bin",
            b"recycler",
            b"recycled",
            b"#recycle",
            b"@recycle",
            b"system volume information",
            b"lost+found",
        ],
        TRASH,
    ),
    **dict.fromkeys([b".thumbnails", b".thumbs", b".thumbcache", b"@eadir", b".xvpics"], THUMBNAILS),
    **dict.fromkeys(
        [b"node_modules", b"__pycache__", b".git", b".hg", b".svn", b".venv", b".tox", b".cache"], TOOL
    ),
}
_TRASH_PREFIXES = (b".trash-", b".vtsfind-quarantine-")
_HOME_TRASH = b"/.local/share/trash"
# Lightroom stores previews in *.lrdata; a macOS photo library has the photos in `originals` or `Masters` only.
_PREVIEW_SUFFIX = b".lrdata"
_LIBRARY_SUFFIX = b".photoslibrary"
_LIBRARY_ORIGINALS = {b"originals", b"masters"}


def is_picture_name(name: bytes) -> bool:
    """Whether a file name has the extension of a photo.

    >>> is_picture_name(b"beach.JPG"), is_picture_name(b"notes.txt"), is_picture_name(b"jpg")
    (True, False, False)
    """
    _, dot, ending = name.rpartition(b".")
    return bool(dot) and ending.lower() in PICTURE_EXTENSIONS


def folder_skip_reason(parent: bytes, name: bytes) -> str | None:
    """Why a scan skips the folder `name` in the folder `parent`; None if it does not.

    >>> folder_skip_reason(b"/home/ann", b".Trash-1000")
    'trash folder'
    >>> folder_skip_reason(b"/volume", b".vtsfind-quarantine-1000")
    'trash folder'
    >>> folder_skip_reason(b"/home/ann", b"Pictures")
    """
    lowered = name.lower()
    reason = _SKIPPED_FOLDERS.get(lowered)
    if reason is not None:
        return reason
    if lowered.startswith(_TRASH_PREFIXES) or (lowered == b"trash" and _in_home_share(parent)):
        return TRASH
    if lowered.endswith(_PREVIEW_SUFFIX):
        return THUMBNAILS
    if parent.lower().endswith(_LIBRARY_SUFFIX) and lowered not in _LIBRARY_ORIGINALS:
        return THUMBNAILS
    return None


def _in_home_share(parent: bytes) -> bool:
    return (parent.replace(os.fsencode(os.sep), b"/").lower() + b"/trash").endswith(_HOME_TRASH)


def compile_patterns(patterns: Sequence[str]) -> re.Pattern[bytes] | None:
    r"""Compile shell patterns into one expression for names and whole paths; None if there is no pattern.

    `*` also matches separators, so `*/drafts/*` matches everything below a folder of that name. Names are matched byte
    by byte, so that invalid UTF-8 is no problem.

    >>> bool(compile_patterns(["*.png", "raw"]).match(b"two\nlines.png"))
    True
    """
    if not patterns:
        return None
    # Latin-1 maps every byte to one character, so fnmatch works on bytes.
    texts = [os.path.normcase(os.fsencode(pattern)).rstrip(b"/").decode("latin-1") for pattern in patterns]
    return re.compile("|".join(fnmatch.translate(text) for text in texts).encode("latin-1"))
