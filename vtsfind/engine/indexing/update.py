"""Making or refreshing the library that the settings name, from what a user typed."""

import os
from collections.abc import Iterable, Sequence
from contextlib import nullcontext

from vtsfind.base.errors import LibraryMissing
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.changes import Changes, RefreshOptions, Selection, scan_changes, select
from vtsfind.engine.indexing.refresh import RefreshResult, refresh
from vtsfind.engine.library.access import open_for_writing, open_library


def update(
    context: Context,
    folders: Iterable[str | bytes] = (),
    names: Sequence[bytes] = (),
    *,
    model: str | None = None,
    options: RefreshOptions = RefreshOptions(),
) -> RefreshResult:
    """Make a library, or bring it up to date.

    Parameters
    ----------
    context
        Its settings name the library, and say what is left out and how photos are read.
    folders
        What to scan. None, and no `names`: the folders that the library has.
    names
        Single files to read, too.
    model
        The model asked for; only a new library can have another than its own.
    options
        As for `vtsfind.engine.indexing.refresh.refresh`.

    Raises
    ------
    UsageError
        If a folder does not exist, there is nothing to scan, or no such model.
    ModelMismatch
        If the library holds codes of another model than the one asked for.
    StorageError
        If the library or the model cannot be used; what was committed before stays.
    """
    folders = list(folders)
    given = bool(folders or names)
    if given:
        _require_seen(context, select(folders, names, ()))  # a wrong name makes no library
    with open_for_writing(context.settings, create=given, model=model) as index:
        selection = select(folders, names, index.roots())
        if not given:
            _require_seen(context, selection)
        return refresh(index, selection, context.model_of(index), context, options)


def _require_seen(context: Context, selection: Selection) -> None:
    context.workplace.require_folders({*selection.folders, *map(os.path.dirname, selection.files)})


def preview_changes(
    context: Context,
    folders: Iterable[str | bytes] = (),
    names: Sequence[bytes] = (),
    *,
    options: RefreshOptions = RefreshOptions(),
) -> Changes:
    """Find what `update` would do, and change nothing. Parameters and errors are the same."""
    folders = list(folders)
    try:
        opened = open_library(context.settings)
    except LibraryMissing:
        if not (folders or names):
            raise
        opened = None
    with opened or nullcontext() as index:
        return scan_changes(
            index.stamps() if index else {},
            frozenset(failure.path for failure in index.failures()) if index else frozenset(),
            select(folders, names, index.roots() if index else ()),
            context,
            options,
        )
