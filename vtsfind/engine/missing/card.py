"""A card, or any folder, that is compared with a library: its photos, and where each of them stands."""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from vtsfind.base.addresses import Place
from vtsfind.base.groups import Verdict
from vtsfind.base.paths import is_below
from vtsfind.base.records import Failure, Found
from vtsfind.store.index import FileRecord

CompareBy = Literal["bytes", "look"]


class Presence(StrEnum):
    """Where a photo of the card stands; the value is shown to programs."""

    PRESENT = "there"
    """A file of the library, outside the card, has it."""
    WORSE_COPY = "lesser"
    """The library has it only smaller, edited or otherwise worse: not all of it is there."""
    GONE = "gone"
    """The library knows its content, or `vtsfind apply` removed it, but each of the files that had it is gone or changed."""
    MISSING = "missing"
    """The library does not know it."""


class InPlace(StrEnum):
    """What the library knows of a missing photo that lies in the library's own folders; the value is a remark for people."""

    INDEXED = "indexed here only"
    NEW = "not indexed yet"
    UNREADABLE = "could not be read"


@dataclass(frozen=True, slots=True)
class CardPhoto:
    """A photo of the card, and what the library has of it."""

    found: Found
    presence: Presence
    verdict: Verdict | None = None
    """What the file at `library_path` is to it; None if there is none."""
    library_path: bytes | None = None
    """The path of the best file of the library; of a gone one, where it was."""
    note: str = ""
    """What the comparison of the pictures showed, in words."""
    in_place: InPlace | None = None
    """None if it is not missing, or lies outside of the library's folders."""


@dataclass(slots=True)
class CardResult:
    """What came of comparing a card with a library."""

    library: Place
    by: CompareBy
    photos: list[CardPhoto] = field(default_factory=list)
    """Every photo of the card that could be judged, in the order of the scan."""
    failures: list[Failure] = field(default_factory=list)
    """Folders and files that could not be read: what is in them is not known."""
    unread: list[Failure] = field(default_factory=list)
    """Photos of the card that lie in the library's folders and could not be read when it was indexed."""
    uncompared: list[bytes] = field(default_factory=list)
    """Files on the card that could not be compared: videos, sounds, photos of kinds that are not read, large unknown files."""
    skipped: Counter[str] = field(default_factory=Counter)
    """What else was left out, by reason."""

    def count(self, presence: Presence) -> int:
        """How many photos stand so."""
        return sum(photo.presence is presence for photo in self.photos)

    @property
    def missing_by_place(self) -> Counter[InPlace | None]:
        """How many photos are missing, by what the library knows of their place."""
        return Counter(photo.in_place for photo in self.photos if photo.presence is Presence.MISSING)

    @property
    def missing(self) -> list[CardPhoto]:
        """The photos that are not there."""
        return [photo for photo in self.photos if photo.presence is not Presence.PRESENT]


@dataclass(frozen=True, slots=True)
class CardFiles:
    """Knows which files are on the card, under whatever path."""

    roots: tuple[bytes, ...]
    """Real paths of the card's folders and files."""
    identities: frozenset[tuple[int, int]]
    """Device and inode of the card's photos."""

    def contains(self, path: bytes) -> bool:
        """Whether a path leads to the card."""
        real = os.path.realpath(path)
        if any(is_below(real, root) for root in self.roots):
            return True
        try:
            status = os.stat(path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) in self.identities

    def is_intact_elsewhere(self, record: FileRecord) -> bool:
        """Whether a file of the library, not on the card, has the content that the library knows of it."""
        try:
            status = os.stat(record.path)
            if not stat.S_ISREG(status.st_mode) or status.st_size != record.stamp.size:
                return False
            if self.contains(record.path):
                return False
            if status.st_mtime_ns == record.stamp.mtime_ns:
                return True
            with open(record.path, "rb") as file:  # touched, or changed: only its content shows which
                return hashlib.file_digest(file, "sha256").digest() == record.digest
        except OSError:
            return False


def card_files(roots: Sequence[bytes], found: Sequence[Found]) -> CardFiles:
    """The card of some folders and files, and of the photos found there."""
    identities = set()
    for each in found:
        try:
            status = os.stat(each.path)
        except OSError:  # gone since: reported when it is read
            continue
        if status.st_ino:
            identities.add((status.st_dev, status.st_ino))
    return CardFiles(tuple(os.path.realpath(root) for root in roots), frozenset(identities))
