"""Which files vtsfind itself took away, by the journal: that these are gone is no news."""

from contextlib import suppress

from vtsfind.base.errors import StorageError
from vtsfind.base.operations import State
from vtsfind.base.settings import places
from vtsfind.store.journal import Journal


def removed_by_runs() -> frozenset[bytes]:
    """The paths of all files that runs removed and nobody brought back; those of runs that cannot be read are left out."""
    removed: set[bytes] = set()
    with suppress(StorageError):
        for record in Journal(places().journal).read_all():
            for op_record in record.op_records.values():
                if op_record.state is State.DONE and op_record.operation.action.removes_name:
                    removed.add(op_record.operation.path)
    return frozenset(removed)
