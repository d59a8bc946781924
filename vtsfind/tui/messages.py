"""What workers and widgets tell the screens. Workers post these and touch no widget."""

from dataclasses import dataclass

from textual.message import Message

from vtsfind.base.progress import Phase


@dataclass
class PictureReady(Message):
    """A picture that was wanted can be drawn now."""

    path: bytes

    def can_replace(self, message: Message) -> bool:
        """Whether this says it all, and the message before need not be handled."""
        return isinstance(message, PictureReady) and message.path == self.path


@dataclass
class WorkProgress(Message):
    """How far long work is."""

    what: str
    """Which work: `groups`, `index`, `apply` or `undo`."""
    phase: Phase
    done: int
    total: int | None
    note: str = ""

    def can_replace(self, message: Message) -> bool:
        """Only the latest counts."""
        return isinstance(message, WorkProgress) and message.what == self.what


@dataclass
class WorkDone(Message):
    """Long work has ended well."""

    what: str
    result: object


@dataclass
class WorkFailed(Message):
    """Long work could not go on."""

    what: str
    error: Exception


class GroupsChanged(Message):
    """The groups are others, or are there now."""


@dataclass
class ReviewChanged(Message):
    """A decision was made or taken back."""

    groups: tuple[int, ...]
    """The groups that it was about; none for many."""
