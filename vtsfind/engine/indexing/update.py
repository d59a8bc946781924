"""Making or refreshing the library that the settings name, from what a user typed."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import cache

from vtsfind.base.errors import LibraryMissing
from vtsfind.base.progress import CancelToken, Progress, SilentProgress
from vtsfind.base.settings import Settings
from vtsfind.engine.indexing.changes import Changes, scan_changes, select
from vtsfind.engine.indexing.refresh import RefreshResult, refresh
from vtsfind.engine.library import access as library
from vtsfind.engine.library.access import card_of, open_for_writing, open_library


def update(
    settings: Settings,
    folders: Iterable[str | bytes] = (),
    names: Sequence[bytes] = (),
    *,
    model: str | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    retry_failed: bool = False,
    forget_missing: bool = False,
) -> RefreshResult:
    """Make a library, or bring it up to date.

    Parameters
    ----------
    settings
        Name the library; say what is left out and how photos are read.
    folders
        What to look at. None, and no `names`: the folders that the library has.
    names
        Single files to look at, too.
    model
        The model asked for; only a new library can have another than its own.
    progress, cancel, retry_failed, forget_missing
        As for `vtsfind.engine.indexing.refresh.refresh`.

    Raises
    ------
    UsageError
        If a folder does not exist, there is nothing to look at, or no such model.
    ModelMismatch
        If the library holds codes of another model than the one asked for.
    StorageError
        If the library or the model cannot be used; what was committed before stays.
    """
    folders = list(folders)
    given = bool(folders or names)
    if given:
        select(folders, names, ())  # a wrong name makes no library
    with open_for_writing(settings, create=given, model=model) as index:
        card = cache(lambda: card_of(index))
        return refresh(
            index,
            select(folders, names, index.roots()),
            encoder=lambda: library.load_encoder(card(), settings),
            preprocessing=lambda: card().preprocessing,
            settings=settings,
            progress=progress,
            cancel=cancel,
            retry_failed=retry_failed,
            forget_missing=forget_missing,
        )


def preview_changes(
    settings: Settings,
    folders: Iterable[str | bytes] = (),
    names: Sequence[bytes] = (),
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    retry_failed: bool = False,
    forget_missing: bool = False,
) -> Changes:
    """Tell what `update` would find to do, and change nothing. Parameters and errors are the same."""
    folders = list(folders)
    try:
        opened = open_library(settings)
    except LibraryMissing:
        if not (folders or names):
            raise
        opened = None
    with opened or nullcontext() as index:
        return scan_changes(
            index.stamps() if index else {},
            frozenset(failure.path for failure in index.failures()) if index else frozenset(),
            select(folders, names, index.roots() if index else ()),
            settings=settings,
            progress=progress or SilentProgress(),
            cancel=cancel or CancelToken(),
            retry_failed=retry_failed,
            forget_missing=forget_missing,
        )
