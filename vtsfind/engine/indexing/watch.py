"""Waiting for changes in the folders of a library."""

import os
from collections.abc import Iterator

from vtsfind.base.errors import UsageError, package_missing
from vtsfind.base.paths import is_below
from vtsfind.base.progress import CancelToken
from vtsfind.engine.context import Context
from vtsfind.engine.library.access import open_library

_QUIET_MS = 2_000
"""Milliseconds without a change after which a burst of changes is over: a card is being copied one file after the other."""
_LONGEST_MS = 60_000
"""Milliseconds after which changes are reported although they go on."""


class _StopEvent:
    """A cancel token as `watchfiles` asks for it."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel

    def is_set(self) -> bool:
        """Whether to stop."""
        return self._cancel.cancelled


def watched_folders(context: Context) -> list[bytes]:
    """The folders of the library that are there.

    Raises
    ------
    UsageError
        If there are none.
    StorageError
        If the library cannot be used.
    """
    with open_library(context.settings) as index:
        found = [root for root in index.roots() if os.path.isdir(root)]
    if not found:
        raise UsageError("The library has no folder to watch.", "Name one: `vtsfind index FOLDER --watch`.")
    return found


def changes(context: Context, folders: list[bytes]) -> Iterator[int]:
    """Wait for changes below the folders, and give the number of changed files after each burst; ends when cancelled.

    Parameters
    ----------
    context
        Its settings name the library, whose own files do not count.
    folders
        See `watched_folders`.

    Raises
    ------
    UsageError
        If watchfiles is not installed.
    """
    try:
        from watchfiles import Change, watch
    except ImportError:
        raise package_missing("Watching folders", "watchfiles") from None
    with open_library(context.settings) as index:
        own = os.path.realpath(os.fsencode(index.folder))

    def counts(_change: Change, path: str) -> bool:
        return not is_below(os.fsencode(path), own)

    for burst in watch(
        *map(os.fsdecode, folders),
        watch_filter=counts,
        step=_QUIET_MS,
        debounce=_LONGEST_MS,
        stop_event=_StopEvent(context.cancel),
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        yield len(burst)
