"""Sidecars: the files that travel with a photo, its video, its RAW file, and what other programs wrote about it.

==================== ============================================================ =================================
photo                file beside it                                               what it is
==================== ============================================================ =================================
IMG_1.HEIC           IMG_1.MOV, IMG_1.MP4, IMG_1.MP                               the video of a Live or Motion Photo
PXL_1.MP.jpg         PXL_1.MP                                                     the same, of another maker
IMG_1.JPG            IMG_1.CR2 and other RAW endings                              the RAW of the same shot
IMG_1.JPG            IMG_1.XMP, IMG_1.JPG.XMP, IMG_1.AAE, also .pp3 and .dop      what an editor noted
IMG_1.JPG            IMG_1.THM, IMG_1.WAV                                         the camera's thumbnail, a spoken note
IMG_1.JPG            IMG_1.json, IMG_1.JPG.json,                                  what Google Takeout wrote about it
                     IMG_1.JPG.supplemental-metadata.json, the last two also cut
                     to 46 characters before `.json`
IMG_1(2).JPG         IMG_1.JPG(2).json, IMG_1.JPG.supplemental-metadata(2).json   the same, of photos of one name
==================== ============================================================ =================================

Endings may be in capitals or not. A file that would go by its stem, or by what a cut left of its name, with several photos
goes with none of them, except that a video goes with the one HEIC: it is better left behind than taken from where it belongs.
"""

import os
import re
from collections.abc import Iterator
from functools import cached_property

from vtsfind.media.names import PICTURE_EXTENSIONS, RAW_EXTENSIONS

VIDEO_ENDINGS = frozenset({b"mov", b"mp4", b"mp"})
METADATA_ENDINGS = frozenset({b"xmp", b"aae", b"pp3", b"dop", b"thm", b"wav"})
_HEIF_ENDINGS = frozenset({b"heic", b"heif", b"hif", b"heics", b"heifs"})
_TAKEOUT_LENGTH = 46
_RELATED_CHARACTERS = 30
"""Beginning that names of files about one photo share: fewer than what a cut leaves."""
_TAKEOUT_SUFFIX = ".supplemental-metadata"
_NUMBER = re.compile(r"(.*)(\(\d+\))$", re.DOTALL)


class Sidecars:
    """Finds the files that travel with photos; reads each folder once."""

    def __init__(self) -> None:
        self._folders: dict[bytes, _SidecarFolder] = {}

    def sidecars(self, path: bytes) -> tuple[bytes, ...]:
        """The files that travel with a photo, sorted."""
        parent, name = os.path.split(path)
        return tuple(os.path.join(parent, other) for other in self._folder(parent).sidecars(name))

    def is_raw_sidecar(self, path: bytes) -> bool:
        """Whether this is the RAW file of a shot that is there as a picture, too: not a photo of its own, then."""
        if _ending(path) not in RAW_EXTENSIONS:
            return False
        parent, name = os.path.split(path)
        return self._folder(parent).picture_of_raw(name) is not None

    def free_place(self, sidecar: bytes, photo: bytes, keeper: bytes) -> bytes | None:
        """Where the sidecar of one photo may go to be a sidecar of another one; None if there is no free name for it.

        A name is free if no file has it, in capitals or not, and if it says of no other photo that the file belongs to it.
        """
        folder, name = os.path.split(keeper)
        related = self._folder(folder).related(name)
        used = {other.lower() for other in related}
        for new in _new_names(os.path.basename(sidecar), os.path.basename(photo), name):
            if new.lower() not in used and new in _SidecarFolder([*related, new]).sidecars(name):
                return os.path.join(folder, new)
        return None

    def _folder(self, path: bytes) -> "_SidecarFolder":
        folder = self._folders.get(path)
        if folder is None:
            try:
                names = os.listdir(path)
            except OSError:  # it cannot be listed, so nothing can be said
                names = []
            folder = self._folders[path] = _SidecarFolder(names)
        return folder


class _SidecarFolder:
    """The names in one folder, by stem."""

    def __init__(self, names: list[bytes]) -> None:
        self._names = frozenset(names)
        self._by_stem: dict[bytes, list[bytes]] = {}
        self._json_by_title: dict[tuple[str, str], list[bytes]] = {}
        for name in sorted(names):
            ending = _ending(name)
            if ending == b"json":
                self._json_by_title.setdefault(_numbered(os.fsdecode(_stem(name))), []).append(name)
            elif ending in PICTURE_EXTENSIONS or ending in VIDEO_ENDINGS or ending in METADATA_ENDINGS:
                self._by_stem.setdefault(_stem(name), []).append(name)

    def related(self, name: bytes) -> list[bytes]:
        """The names that begin like this one: those that say to which photos files belong."""
        beginning = _stem(name)[:_RELATED_CHARACTERS].lower()
        return [other for other in self._names if other.lower().startswith(beginning)]

    def sidecars(self, name: bytes) -> list[bytes]:
        same = self._by_stem.get(_stem(name), [])
        pictures = [other for other in same if _is_non_raw_picture(other)]
        found = [
            other for other in self._by_stem.get(name, []) if _ending(other) in METADATA_ENDINGS
        ]  # IMG_1.JPG.XMP
        if pictures == [name]:
            found += [other for other in same if other != name] + self._video_in_name(name)
        elif not pictures:  # a RAW file alone
            found += [other for other in same if _ending(other) not in RAW_EXTENSIONS]
        elif [other for other in pictures if _ending(other) in _HEIF_ENDINGS] == [name]:
            found += [other for other in same if _ending(other) in VIDEO_ENDINGS]
        for raw in [other for other in found if _ending(other) in RAW_EXTENSIONS]:
            found += [other for other in self._by_stem.get(raw, []) if _ending(other) in METADATA_ENDINGS]
        return sorted(found + self._json_sidecars(name))

    def _video_in_name(self, name: bytes) -> list[bytes]:
        """The video PXL_1.MP of a photo PXL_1.MP.jpg, unless there is a photo PXL_1 that it may be of."""
        video = _stem(name)
        if _ending(video) not in VIDEO_ENDINGS or video not in self._names:
            return []
        return [] if any(map(_is_non_raw_picture, self._by_stem.get(_stem(video), []))) else [video]

    def _json_sidecars(self, name: bytes) -> list[bytes]:
        """The JSON files that are about a photo and about no other."""
        if not self._json_by_title:
            return []
        sure, likely = titles(os.fsdecode(name))
        meant = [*sure, *(title for title in likely if self._claims.get(title) == [name])]
        return [other for title in meant for other in self._json_by_title.get(title, ())]

    @cached_property
    def _claims(self) -> dict[tuple[str, str], list[bytes]]:
        """The photos that what stands before `.json` may be of; one that it names in full counts alone."""
        named: set[tuple[str, str]] = set()
        claims: dict[tuple[str, str], list[bytes]] = {}
        for same in self._by_stem.values():
            pictures = [other for other in same if _is_non_raw_picture(other)]
            for name in pictures or [other for other in same if _ending(other) in RAW_EXTENSIONS]:
                sure, likely = titles(os.fsdecode(name))
                named.update(sure)
                for title in likely:
                    claims.setdefault(title, []).append(name)
        return {title: names for title, names in claims.items() if title not in named}

    def picture_of_raw(self, name: bytes) -> bytes | None:
        """The one picture of the shot that a RAW file is of."""
        pictures = [other for other in self._by_stem.get(_stem(name), []) if _is_non_raw_picture(other)]
        return pictures[0] if len(pictures) == 1 else None


def _new_names(sidecar: bytes, photo: bytes, keeper: bytes) -> Iterator[bytes]:
    """The names that a photo's sidecar may get beside another photo, the one most like its own first."""
    ending = sidecar[-len(_ending(sidecar)) :]
    if sidecar.startswith(photo):
        yield keeper + sidecar[len(photo) :]
    elif sidecar.startswith(_stem(photo) + b"."):
        yield _stem(keeper) + sidecar[len(_stem(photo)) :]
    elif _ending(sidecar) == b"json":
        yield keeper + b"." + ending
    yield _stem(keeper) + b"." + ending


def _ending(name: bytes) -> bytes:
    return name.rpartition(b".")[2].lower() if b"." in name else b""


def _stem(name: bytes) -> bytes:
    return name.rpartition(b".")[0]


def _is_non_raw_picture(name: bytes) -> bool:
    """Whether it is a picture other than a RAW file."""
    ending = _ending(name)
    return ending in PICTURE_EXTENSIONS and ending not in RAW_EXTENSIONS


Titles = list[tuple[str, str]]
"""What may stand before `.json` in the name of a file about a photo: a title, and a number in brackets."""


def titles(name: str) -> tuple[Titles, Titles]:
    """The titles that name a photo in full, and those that may be of another one, too.

    >>> titles("a(1).jpg")
    ([('a.jpg', '(1)'), ('a.jpg.supplemental-metadata', '(1)')], [('a', '(1)')])
    >>> ("PXL_20230102_030405678.jpg.supplemental-metad", "") in titles("PXL_20230102_030405678.jpg")[1]
    True
    """
    stem, dot, ending = name.rpartition(".")
    stem, number = _numbered(stem)
    whole = stem + dot + ending
    full = whole + _TAKEOUT_SUFFIX
    cuts = range(_TAKEOUT_LENGTH - len(number) - 1, min(_TAKEOUT_LENGTH + 1, len(full)))
    likely = dict.fromkeys([stem, *(full[:length] for length in cuts)])
    return (
        [(title, number) for title in (whole, full)],
        [(title, number) for title in likely if title not in {whole, full}],
    )


def _numbered(text: str) -> tuple[str, str]:
    """Split `IMG(2)` into `IMG` and `(2)`."""
    match = _NUMBER.match(text)
    return (match[1], match[2]) if match else (text, "")
