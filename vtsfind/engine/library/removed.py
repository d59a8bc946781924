"""Which files vtsfind itself took away, by the journal: that these are gone is no news."""

import os
from contextlib import suppress
from dataclasses import replace

from vtsfind.base.errors import StorageError
from vtsfind.base.operations import Operation, State
from vtsfind.base.settings import places
from vtsfind.store.database import Counts
from vtsfind.store.journal import Journal
from vtsfind.store.library import Library


def removed_by_runs() -> frozenset[bytes]:
    """The paths of all files that runs removed and nobody brought back; those of runs that cannot be read are left out."""
    return frozenset(each.path for each in removals())


def removals() -> tuple[Operation, ...]:
    """What runs removed and nobody brought back, the earliest first; runs that cannot be read are left out."""
    removed: list[Operation] = []
    with suppress(StorageError):
        for record in Journal(places().journal).read_all():
            removed += (
                each.operation
                for each in record.op_records.values()
                if each.state is State.DONE and each.operation.action.removes_name
            )
    return tuple(removed)


def present_counts(index: Library) -> Counts:
    """The size of a library without the files that runs removed since it was indexed."""
    counts = index.counts()
    removed = removed_by_runs()
    gone = {path for path in removed & index.stamps().keys() if not os.path.lexists(path)} if removed else ()
    if not gone:
        return counts
    left = [[each for each in records if each.path not in gone] for _, records in index.contents()]
    files = [each for records in left for each in records]
    return replace(
        counts,
        files=len(files),
        contents=sum(bool(records) for records in left),
        bytes=sum(each.stamp.size for each in files),
    )
