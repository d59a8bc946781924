"""Actions on files, and what is recorded so that they can be finished, rolled back or undone."""

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What a plan says about a file."""

    KEEP = "keep"
    """It stays, in place of the others."""
    TRASH = "trash"
    """To the trash of the operating system, or, where there is none, to a quarantine folder on the same volume."""
    QUARANTINE = "quarantine"
    """To a quarantine folder of vtsfind on the same volume."""
    MOVE = "move"
    """To the plan's folder, below its own whole path."""
    HARDLINK = "hardlink"
    """Its name becomes another name of the keeper."""
    REFLINK = "reflink"
    """It stays a separate file that shares the keeper's blocks on the disk."""
    SYMLINK = "symlink"
    """Its name becomes a symbolic link to the keeper."""
    DELETE = "delete"
    """It is removed permanently."""

    @property
    def links(self) -> bool:
        """Whether the name stays and leads to the keeper's content; allowed only for equal contents."""
        return self in {Action.HARDLINK, Action.REFLINK, Action.SYMLINK}

    @property
    def removes_name(self) -> bool:
        """Whether the name is removed."""
        return self is not Action.KEEP and not self.links


@dataclass(frozen=True, slots=True)
class Operation:
    """One action on one file: what a dry run prints and a run carries out."""

    number: int
    """1 and up, within a run."""
    group: int
    """The plan's group. If a check of one of its files fails, the whole group is skipped."""
    action: Action
    path: bytes
    size: int
    """Size that the file must have, in bytes."""
    digest: bytes
    """SHA-256 that its content must have, 32 bytes."""
    keeper: bytes | None = None
    """The file that is kept in its place; None only where a person removes a whole group."""
    keeper_size: int = 0
    keeper_digest: bytes = b""
    target: bytes | None = None
    """Where `Action.MOVE` moves it."""
    sidecar_of: bytes | None = None
    """The photo whose sidecar this file is; None for a photo."""

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
    """What is recorded of an operation before its file is changed."""

    inode: int
    """The number of the file on its file system."""
    mount: bytes
    """Where its volume was mounted."""
    volume: int
    """Identifier of the volume; 0 if the system has none."""
    place: bytes | None = None
    """Where the file goes; None if it goes nowhere, or only the system knows."""
    record: bytes | None = None
    """The file beside it that says where it came from."""
    place_mount: bytes | None = None
    """Where the volume of `place` was mounted."""
    place_volume: int = 0
    aside: bytes | None = None
    """A temporary name, without a folder, beside the file or beside `place`."""
    made: tuple[bytes, ...] = ()
    """Folders that the run created for `place`, outermost first."""
    back: bytes | None = None
    """Where the file is restored when the operation is undone."""
    metadata: Metadata | None = None
    """For files whose content is written again when the operation is undone."""


class State(StrEnum):
    """The state of an operation; `vtsfind.store.journal` has the transitions. Programs get the value, people `state_word`."""

    PLANNED = "planned"
    BEGUN = "begun"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"
    SKIPPED = "skipped"


_STATE_WORDS = {
    State.PLANNED: "not started",
    State.BEGUN: "unfinished",
    State.UNDOING: "unfinished",
    State.UNDONE: "restored",
    State.FAILED: "not done",
    State.SKIPPED: "skipped",
}


def state_word(operation: Operation, state: State) -> str:
    """What became of a file in a word or two.

    >>> state_word(Operation(1, 1, Action.TRASH, b"/a.jpg", 1, b""), State.DONE)
    'removed'
    """
    if state is not State.DONE:
        return _STATE_WORDS[state]
    if operation.action.links:
        return "linked"
    return "moved" if operation.target else "removed"
