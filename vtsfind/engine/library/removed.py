"""Which files vtsfind itself took away, by the journal: that these are gone is no news."""

import os
from contextlib import suppress
from dataclasses import replace

from vtsfind.base.errors import StorageError
from vtsfind.base.operations import State
from vtsfind.base.settings import places
from vtsfind.store.database import Counts
from vtsfind.store.journal import Journal
from vtsfind.store.library import Library


def removed_by_runs() -> frozenset[bytes]:
    """The paths of all files that runs removed and nobody brought back; those of runs that cannot be read are left out."""
    removed: set[bytes] = set()
    with suppress(StorageError):
        for record in Journal(places().journal).read_all():
            for op_record in record.op_records.values():
                if op_record.state is State.DONE and op_record.operation.action.removes_name:
                    removed.add(op_record.operation.path)
    return frozenset(removed)


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
