"""The messages between workers, screens and the application. Workers post messages and never touch a widget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from textual.message import Message

from vtsfind.base.progress import Phase

# -- from workers ------------------------------------------------------------------------------------------------------


@dataclass
class PictureReady(Message):
    """A requested picture is in the cache, or its failure is."""

    path: bytes

    def can_replace(self, message: Message) -> bool:
        """Whether this message makes an earlier one in the queue superfluous."""
        return isinstance(message, PictureReady) and message.path == self.path


@dataclass
class JobProgressed(Message):
    """A background job made progress."""

    job: str
    """Name of the job: `groups`, `index`, `apply`, `undo` or `search`."""
    phase: Phase
    done: int
    total: int | None
    note: str = ""

    def can_replace(self, message: Message) -> bool:
        """Whether this message makes an earlier one in the queue superfluous."""
        return isinstance(message, JobProgressed) and message.job == self.job


@dataclass
class JobDone(Message):
    """A background job has finished."""

    job: str
    result: object


@dataclass
class JobFailed(Message):
    """A background job raised an exception."""

    job: str
    error: Exception


# -- from screens to the application -----------------------------------------------------------------------------------


@dataclass
class GoToScreen(Message):
    """Show a screen."""

    name: str
    """A key of `TABS`."""


class GroupOrder(Protocol):
    """The list of groups that a comparison was opened from."""

    def step(self, by: int) -> int | None:
        """Move the cursor by some groups; gives the index of the group under it."""

    def show_first(self, numbers: Sequence[int]) -> None:
        """Move the cursor to the first one of some groups, if any of them is in the list."""

    def step_to_open(self) -> int | None:
        """Move the cursor to the next undecided group; gives its index, None if all are decided."""


@dataclass
class CompareGroup(Message):
    """Show two photos of a group closely."""

    order: GroupOrder
    group: int
    """Index in `Review.groups`."""
    member: int
    """Index in `Group.members`."""


@dataclass
class SearchSimilar(Message):
    """Show the search screen with photos similar to one."""

    path: bytes


@dataclass
class ShowMember(Message):
    """Show the groups screen with one photo of a group."""

    group: int
    """Index in `Review.groups`."""
    member: int
    """Index in `Group.members`."""


@dataclass
class OpenLibrary(Message):
    """Continue with another library."""

    library: str


@dataclass
class DecisionsChanged(Message):
    """The user has made or undone decisions; the other screens must be redrawn."""

    source: object
    """The screen that shows the change already."""
