"""What can be done to a file, and what is noted so that it can be finished, rolled back or undone."""

from dataclasses import dataclass, field
from enum import StrEnum

ACTIVE_RUN_NAME = "at-work"
"""The file in the journal's folder that is there while a run is at work, or was killed at it."""


class Action(StrEnum):
    """What a plan says about a file."""

    KEEP = "keep"
    """It stays, and is what makes the others superfluous."""
    TRASH = "trash"
    """To the trash of the operating system, or, where there is none, to a quarantine on the same volume."""
    QUARANTINE = "quarantine"
    """To a folder of vtsfind's on the same volume."""
    MOVE = "move"
    """To the plan's folder, under its own path."""
    HARDLINK = "hardlink"
    """Its name becomes another name of the keeper."""
    REFLINK = "reflink"
    """It stays a file of its own that shares the keeper's blocks on the disk."""
    SYMLINK = "symlink"
    """Its name becomes a pointer to the keeper's name."""
    DELETE = "delete"
    """It is gone for good."""

    @property
    def links(self) -> bool:
        """Whether the name stays, and shows the keeper's content: only for files of the same content."""
        return self in {Action.HARDLINK, Action.REFLINK, Action.SYMLINK}

    @property
    def removes_name(self) -> bool:
        """Whether the name goes."""
        return self is not Action.KEEP and not self.links


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do to one file: what a dry run prints and a run executes."""

    number: int
    """1 and up, within a run."""
    group: int
    """The plan's group. Any doubt about one of its files stops all of it."""
    action: Action
    path: bytes
    size: int
    """Bytes that the file has to have."""
    digest: bytes
    """SHA-256 that its content has to have, 32 bytes."""
    keeper: bytes | None = None
    """The file that makes this one superfluous; None only where a person asked to remove a whole group."""
    keeper_size: int = 0
    keeper_digest: bytes = b""
    target: bytes | None = None
    """Where `Action.MOVE` moves it."""
    sidecar_of: bytes | None = None
    """The photo that this file travels with; None for a photo."""

    @property
    def same_content(self) -> bool:
        """Whether the keeper has the same content, byte for byte."""
        return self.keeper is not None and self.keeper_digest == self.digest


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file has besides its content."""

    mode: int
    uid: int
    gid: int
    atime_ns: int
    mtime_ns: int
    attributes: dict[str, bytes] = field(default_factory=dict)
    """Extended attributes; access control lists are among them."""


@dataclass(frozen=True, slots=True)
class UndoRecord:
    """What is noted of an operation before its file is touched."""

    inode: int
    """The number of the file on its file system."""
    mount: bytes
    """Where its volume was mounted."""
    volume: int
    """The volume's identifier, as far as the system has one; 0 for none."""
    place: bytes | None = None
    """Where the file goes; None if it goes nowhere, or the system alone knows."""
    record: bytes | None = None
    """The file beside it that says where it came from."""
    place_mount: bytes | None = None
    """Where the volume of `place` was mounted."""
    place_volume: int = 0
    aside: bytes | None = None
    """A name, without a folder, for what must never be seen half done beside the file or beside `place`."""
    made: tuple[bytes, ...] = ()
    """Folders that the run made for `place`, outermost first."""
    back: bytes | None = None
    """Where the file comes back to when the operation is undone."""
    metadata: Metadata | None = None
    """For files whose content is made anew when the operation is undone."""


class State(StrEnum):
    """Where an operation is in its life; the moves between them are in `vtsfind.store.journal`."""

    PLANNED = "planned"
    BEGUN = "begun"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"
    SKIPPED = "skipped"
