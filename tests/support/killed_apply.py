"""A program that applies and undoes plans and dies while it does so, at the operation that it is told.

For each line of standard input, a JSON `Task`, a child process does it. It says `steps N` when it comes to its end, and the
program says `end` when the child has ended, however it did.
"""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from support.made_plans import ORIGIN, group, photo, settle
from vtsfind.act.actions import renaming
from vtsfind.act.make_plan import make_plan
from vtsfind.base.errors import UsageError, VtsfindError
from vtsfind.base.groups import Group
from vtsfind.base.operations import Action, State
from vtsfind.engine.apply.apply import apply
from vtsfind.engine.apply.plans import read_plan, save_plan
from vtsfind.engine.apply.recovery import recover, user_journal
from vtsfind.engine.apply.undo import RestoreOutcome, history, undo

ACTIONS = (
    Action.TRASH,
    Action.QUARANTINE,
    Action.MOVE,
    Action.HARDLINK,
    Action.SYMLINK,
    Action.DELETE,
)
_MODULES = {"posix", "nt", "fcntl", "_io"}
_METHODS = {"write", "flush", "close", "read", "readinto"}

Tree = dict[str, tuple[str, int, int]]


@dataclass(frozen=True, slots=True)
class Task:
    """What a child does, and when it dies."""

    folder: str
    """The folder that `build` made."""
    work: str
    """`apply`, `undo` or `recover`."""
    step: int = 0
    """The operation on a file before or after which it dies; 0 for none."""


def build(folder: Path, target: Path) -> Tree:
    """Make photos, and a plan with every action, whose moves go to `target`; gives what the photos are."""
    photos = folder / "photos"
    groups: list[Group] = []
    marks: dict[bytes, Action | None] = {}
    for number, action in enumerate(ACTIONS, 1):
        place = photos / action
        place.mkdir(parents=True)
        paths = [place / name for name in ("keep.jpg", "b.jpg", "c.jpg")]
        for i, path in enumerate(paths):
            path.write_bytes(f"picture of {action}".encode())
            os.utime(path, ns=(10**18 + i, 10**18 + 7 * i))
        film = place / "b.mov"
        film.write_bytes(b"film")
        groups.append(group(number, photo(paths[0]), photo(paths[1], [film]), photo(paths[2])))
        marks |= {os.fsencode(path): action for path in paths[1:]}
    plan = make_plan(groups, ORIGIN, marks=marks, target=os.fsencode(target), settle=settle)
    save_plan(plan, folder / "plan.txt")
    return tree(photos)


def tree(folder: Path) -> Tree:
    """Every file below a folder: SHA-256, time, and number of names."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_dir():
            status = path.lstat()
            digest = "link" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(folder))] = (digest, status.st_mtime_ns, status.st_nlink)
    return found


@contextmanager
def at_home(folder: Path) -> Iterator[None]:
    """Use the journal and the trash of a folder that `build` made."""
    names = {"VTSFIND_STATE_DIR": str(folder / "state"), "XDG_DATA_HOME": str(folder / "share")}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def perform(task: Task) -> None:
    """Do a task."""
    match task.work:
        case "apply":
            apply(read_plan(Path(task.folder) / "plan.txt"), permanently=True)
        case "undo":
            undo()
        case "recover":
            recover()


def bring_everything_back(folder: Path) -> None:
    """Settle what was killed, and undo all runs."""
    with at_home(folder):
        recover()
        assert not user_journal().at_work()
        for op_record in (op_record for record in history() for op_record in record.op_records.values()):
            assert op_record.state not in {State.BEGUN, State.UNDOING}
            assert op_record.state is not State.FAILED or op_record.operation.action is Action.REFLINK, (
                op_record.note
            )
        with suppress(UsageError):  # there is nothing more to undo
            for _ in history():
                assert not undo().of(RestoreOutcome.FAILED)


def leftovers(folder: Path, target: Path) -> list[str]:
    """What remains of vtsfind's own when everything is back, but for places reserved at the moment of a kill."""
    ours = [str(path) for path in folder.rglob("*") if ".vtsfind-" in path.name and path.is_file()]
    trashed = [str(path) for path in (folder / "share" / "Trash" / "files").glob("*")]
    moved = [str(path) for path in target.rglob("*") if not path.is_dir()]
    return [*ours, *trashed, *moved]


class Steps:
    """Counts what is done to files, before and after each, and ends the process at the count that it was told."""

    def __init__(self, last: int) -> None:
        self.seen = 0
        self._last = last
        sys.setprofile(self._profile)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in {"c_call", "c_return"}:
            own = getattr(argument, "__module__", None)
            if own in _MODULES or (own is None and argument.__name__ in _METHODS):
                self._count()
        elif event in {"call", "return"} and frame.f_code.co_filename == renaming.__file__:
            self._count()

    def _count(self) -> None:
        self.seen += 1
        if self.seen == self._last:
            os.kill(os.getpid(), signal.SIGKILL)


class Actor:
    """The program itself, started once and given tasks."""

    def __init__(self) -> None:
        here = Path(__file__).parent
        places = os.pathsep.join([str(here.parents[1]), str(here.parent)])
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": places},
        )

    def run(self, task: Task) -> int:
        """Let a child do a task; how many steps it took, 0 if it died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(task)) + "\n")
        self._process.stdin.flush()
        steps = 0
        for line in self._process.stdout:
            word, *numbers = line.split()
            if word == "steps":
                steps = int(numbers[0])
            elif word == "end":
                return steps
        raise OSError(errno.EPIPE, "the program ended")

    def close(self) -> None:
        """Let the program end."""
        self._process.communicate()


def main() -> None:
    """Do the tasks of standard input."""
    for line in sys.stdin:
        task = Task(**json.loads(line))
        process = os.fork()
        if not process:
            with at_home(Path(task.folder)):
                steps = Steps(task.step)
                with suppress(VtsfindError):  # such as for a plan that is refused
                    perform(task)
                sys.setprofile(None)
            os.write(1, f"steps {steps.seen}\n".encode())
            os._exit(0)
        os.waitpid(process, 0)
        os.write(1, b"end\n")


if __name__ == "__main__":
    main()
