"""What a screen may ask of the application, so that no screen imports the application or another screen."""

from typing import Protocol

from vtsfind.engine.review.session import BrowseSession
from vtsfind.tui.services.jobs import Jobs
from vtsfind.tui.services.thumbnails import PictureCache


class AppContext(Protocol):
    """The services that all screens share. A screen that wants another screen posts a message instead."""

    @property
    def session(self) -> BrowseSession:
        """The library, its groups and the review."""

    @property
    def jobs(self) -> Jobs:
        """The background jobs."""

    @property
    def pictures(self) -> PictureCache:
        """The pictures of photos."""

    def status_texts(self) -> tuple[str, ...]:
        """What the top bar says, longest text first: what runs, the library, and the progress of the review."""

    def load_groups(self) -> None:
        """Find the groups of duplicates again, in the background."""

    def show_error(self, error: Exception) -> None:
        """Show an error to the user."""
