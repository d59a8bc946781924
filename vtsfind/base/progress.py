"""Progress of long work, and cancelling it, without knowing who shows the one or asks for the other."""

from dataclasses import dataclass, field
from enum import Enum
from threading import Event
from typing import Protocol

from vtsfind.base.errors import VtsfindError


class Phase(Enum):
    """The parts of long work, in the order in which they run; the value is shown to the user."""

    SCAN = "Scanning for photos"
    ENCODE = "Reading photos"
    CAMERAS = "Looking for the cameras of earlier photos"
    PUBLISH = "Writing the index"
    COPY = "Copying the library"
    CHECK = "Checking the library"
    COMPARE = "Comparing codes"
    EXTRACT_FEATURES = "Looking at photos closely"
    MATCH_LOCAL_FEATURES = "Matching local features"
    VERIFY = "Comparing pairs of photos"
    RATE = "Rating shots of one scene"
    APPLY = "Removing copies"
    UNDO = "Restoring files"
    DOWNLOAD = "Downloading"
    TRAIN = "Training"
    EVALUATE = "Evaluating"


class Cancelled(VtsfindError):
    """The user asked to stop; finished work is kept."""

    exit_code = 130


class Progress(Protocol):
    """Shows the progress of long work."""

    def start(self, phase: Phase, total: int | None) -> None:
        """Begin `phase`, which has `total` steps, or an unknown number of them."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` more as done; `note` is a few words on the latest."""


class SilentProgress:
    """A `Progress` that shows nothing: the default."""

    def start(self, phase: Phase, total: int | None) -> None:
        """Ignore it."""

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Ignore it."""


class CancelToken:
    """A flag that a thread or a signal handler sets and long work checks between steps."""

    def __init__(self) -> None:
        self._event = Event()

    def cancel(self) -> None:
        """Ask the work to stop after its current step."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work should stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the work should stop."""
        self._event.wait(seconds)

    def check(self) -> None:
        """Raise `Cancelled` if the work should stop."""
        if self.cancelled:
            raise Cancelled("Interrupted.", "Run the same command again to continue.")


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """Who watches long work, and who may stop it."""

    progress: Progress = field(default_factory=SilentProgress)
    cancel: CancelToken = field(default_factory=CancelToken)
