"""Which names are photos, and which folders hold what nobody took: trash, thumbnails, tools' own files."""

import fnmatch
import os
import re
from collections.abc import Sequence

RAW_EXTENSIONS = frozenset(
    b"3fr arw cr2 cr3 crw dcr dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f".split()
)
"""Endings of names of cameras' RAW files, which are read by their embedded preview; written as `PICTURE_EXTENSIONS`."""
PICTURE_EXTENSIONS = RAW_EXTENSIONS | frozenset(
    # the formats that every photo tool reads
    b"jpg jpeg jpe jfif png apng webp gif tif tiff bmp dib avif avifs heic heif heics heifs hif mpo "
    b"jp2 j2k j2c jpc jpf jpx".split()
)
"""Endings of names of photos, in small letters, without the dot."""

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
# Lightroom keeps previews in *.lrdata; a macOS photo library keeps the photos in `originals` or `Masters` only.
_PREVIEW_SUFFIX = b".lrdata"
_LIBRARY_SUFFIX = b".photoslibrary"
_LIBRARY_ORIGINALS = {b"originals", b"masters"}


def is_picture_name(name: bytes) -> bool:
    """Whether a file of that name may be a photo, by its ending.

    >>> is_picture_name(b"beach.JPG"), is_picture_name(b"notes.txt"), is_picture_name(b"jpg")
    (True, False, False)
    """
    _, dot, ending = name.rpartition(b".")
    return bool(dot) and ending.lower() in PICTURE_EXTENSIONS


def folder_skip_reason(parent: bytes, name: bytes) -> str | None:
    """Why the folder `name` in the folder `parent` holds no photos that anyone took; None if it may.

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

    `*` also matches separators, so `*/drafts/*` matches whatever lies under a folder of that name. Invalid UTF-8
    in names is matched byte by byte.

    >>> bool(compile_patterns(["*.png", "raw"]).match(b"two\nlines.png"))
    True
    """
    if not patterns:
        return None
    # Latin-1 maps every byte to one character, so that the text rules of fnmatch hold for bytes.
    texts = [os.path.normcase(os.fsencode(pattern)).rstrip(b"/").decode("latin-1") for pattern in patterns]
    return re.compile("|".join(fnmatch.translate(text) for text in texts).encode("latin-1"))
