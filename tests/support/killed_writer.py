"""A program that writes to libraries and dies while it does so, as often as it is told.

For each line of standard input, a JSON `Task`, a child process makes or opens the library and writes batches to it. It says
`pid N` first, `ack N` after the commit of batch N, and `end` when the child has ended, however it did.
"""

import json
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from support import entries
from vtsfind.base.errors import LibraryMissing
from vtsfind.store.index import Index

BATCHES = 5


@dataclass(frozen=True, slots=True)
class Task:
    """What one child does, and when it dies."""

    folder: str
    step: int = 0
    """Dies before this call of a C function, or after as many parts of SQL statements; 0 for never."""
    file_bytes: int = 0
    """Dies in the middle of the write that would make a file longer than this; 0 for never."""


def batch(index: Index, number: int) -> None:
    """Write batch `number`, which adds four photos and changes two of the batch before, without a commit."""
    for i in range(4 * number, 4 * number + 4):
        index.add(entries.entry(i))
    if number:
        index.forget([entries.path(4 * number - 4)])
        index.add_failure(entries.failure(4 * number - 3))
    index.add_roots([b"/batch/%d" % number])


def usable_after(batches: int) -> set[int]:
    """The photos that have codes after so many batches."""
    changed = {4 * number + i for number in range(batches - 1) for i in (0, 1)}
    return set(range(4 * batches)) - changed


def write(task: Task) -> None:
    """Open or make the library and write the batches that it lacks, with a commit and a word after each."""
    steps = Steps(task.step)
    try:
        index = Index.open(Path(task.folder), write=True)
    except LibraryMissing:
        index = Index.create(Path(task.folder), entries.SIGNATURE)
    with index:
        index._database.connection.set_progress_handler(steps.count, 10)
        for number in range(len(index.roots()), len(index.roots()) + BATCHES):
            batch(index, number)
            index.commit()
            say(f"ack {number}")
            if number % 2:
                index.publish()
        index.publish()
    say(f"steps {steps.seen}")


class Steps:
    """Counts calls of C functions and parts of SQL statements, and ends the process at the one that it was told."""

    def __init__(self, last: int) -> None:
        self.seen = 0
        self._last = last
        sys.setprofile(self._profile)

    def _profile(self, _frame: FrameType, event: str, _argument: Any) -> None:
        if event == "c_call":
            self.count()

    def count(self) -> int:
        """Count one more."""
        self.seen += 1
        if self.seen == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0


def say(words: str) -> None:
    """Write a line to whoever started this, at once."""
    os.write(1, f"{words}\n".encode())


def child(task: Task) -> None:
    """Do one task and end."""
    say(f"pid {os.getpid()}")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if task.file_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (task.file_bytes, task.file_bytes))
    write(task)
    os._exit(0)


def main() -> None:
    """Do the tasks of standard input."""
    for line in sys.stdin:
        task = Task(**json.loads(line))
        process = os.fork()
        if not process:
            child(task)
        os.waitpid(process, 0)
        say("end")


if __name__ == "__main__":
    main()
