"""A person, vtsfind and mishaps in any order: what `tests/test_story_machine.py` tries a little and `benchmarks/story.py` at length.

At every step each content that ever existed, and that the person did not remove, is on a disk, in its place or where `undo` finds it.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from typer.testing import CliRunner, Result

from support import block_encoder
from support.disks import fill
from support.killed_apply import Actor, Task
from support.textures import photograph
from vtsfind.act.actions import Actions
from vtsfind.base.operations import State
from vtsfind.cli.app import make_app
from vtsfind.cli.command import ExitCode
from vtsfind.engine.apply.recovery import recover, user_journal
from vtsfind.engine.library import access

VARIABLES = (
    "VTSFIND_CONFIG_DIR",
    "VTSFIND_DATA_DIR",
    "VTSFIND_CACHE_DIR",
    "VTSFIND_STATE_DIR",
    "XDG_DATA_HOME",
)
PARTS = ("config", "data", "cache", "state", "share")
SCENES = 3
MAX_STEPS_TO_KILL = 700
"""Calls on files of one `apply` or `undo`, about; a kill at a later one does not happen."""
WORDS = ("keep", "trash", "quarantine", "hardlink", "symlink", "delete", "leave")
ALLOWED_CODES = {ExitCode.DONE, ExitCode.USAGE, ExitCode.SOME_FAILED, ExitCode.STORAGE}
OWN_FOLDERS = re.compile(r"\.Trash|\.vtsfind-quarantine")

picks = st.integers(0, 999)


class Story(RuleBasedStateMachine):
    """One library, photos on two drives, one of which comes and goes."""

    tally: ClassVar[Counter[str]] = Counter()
    """How often each thing was done, by all stories together."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="story-"))
        self.photos, self.hidden = self.home / "photos", self.home / "hidden"
        self.disk = self.photos / "disk"
        self.plan = self.home / "plan.txt"
        for folder in (self.disk, self.hidden):
            folder.mkdir(parents=True)
        self._before = {
            name: os.environ.get(name) for name in (*VARIABLES, "VTSFIND_MODEL", "VTSFIND_WORKERS")
        }
        os.environ |= {name: str(self.home / part) for name, part in zip(VARIABLES, PARTS, strict=True)}
        os.environ |= {"VTSFIND_MODEL": block_encoder.NAME, "VTSFIND_WORKERS": "1"}
        self._load_encoder = access.load_encoder
        block_encoder.register()
        block_encoder.install()
        self.actor = Actor()
        self.is_mounted = mounted(self.disk)
        self.can_unmount = self.is_mounted
        self.alive: set[str] = set()
        """SHA-256 of each content that has to be there."""

    def teardown(self) -> None:
        """Bring everything back, and look for it in its place."""
        try:
            if self.can_unmount and not self.is_mounted:
                self.remount()
            self.come_back()
        finally:
            self.actor.close()
            access.load_encoder = self._load_encoder
            for name, value in self._before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
            for place in (self.disk, self.hidden):
                subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)
            shutil.rmtree(self.home, ignore_errors=True)

    def come_back(self) -> None:
        """Undo every run; then all contents are in place."""
        recover()
        for _ in range(2 * len(user_journal().runs()) + 1):
            if self.vtsfind("undo", "--yes").exit_code == ExitCode.USAGE:
                break
        missing = self.alive - set(self.contents_in_place().values())
        assert not missing, f"{len(missing)} contents did not come back"

    # What is there.

    def files(self) -> list[Path]:
        """The photos in their places."""
        found = [path for path in self.photos.rglob("*") if path.is_file() and path.name != "filler"]
        return sorted(path for path in found if not OWN_FOLDERS.search(str(path.relative_to(self.photos))))

    def contents_in_place(self) -> dict[Path, str]:
        """The SHA-256 of each photo in its place."""
        return {path: digest_of(path) for path in self.files()}

    def undoable(self) -> set[str]:
        """The contents that `undo` brings back, now or when a drive is there."""
        found = set()
        for record in user_journal().read_all():
            actions = Actions(record.run)
            for each in record.op_records.values():
                is_open = each.state in {State.DONE, State.BEGUN, State.UNDOING}
                if is_open and (each.state is not State.DONE or actions.may_restore(each)):
                    found.add(each.operation.digest.hex())
        return found

    def on_disks(self) -> set[str]:
        """All contents on all drives, wherever."""
        found = set()
        for folder, _, names in os.walk(self.home):
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    found.add(digest_of(path))
        return found

    @invariant()
    def nothing_is_lost(self) -> None:
        """The law."""
        missing = self.alive - self.on_disks()
        assert not missing, f"{len(missing)} contents are on no disk"
        hidden = {digest_of(path) for path in self.hidden.rglob("*") if path.is_file()}
        unreachable = self.alive - set(self.contents_in_place().values()) - hidden - self.undoable()
        assert not unreachable, f"{len(unreachable)} contents are neither in place nor found by undo"

    def vtsfind(self, *arguments: object) -> Result:
        """Run a command; it ends with a code for people and without a traceback."""
        result = CliRunner().invoke(make_app(), [str(each) for each in arguments], prog_name="vtsfind")
        assert result.exit_code in ALLOWED_CODES, (arguments, result.exit_code, result.stderr)
        assert "Traceback" not in result.stderr
        self.tally[str(arguments[0])] += 1
        return result

    def by_the_person(self, path: Path, do: Callable[[], object], name: str) -> None:
        """Something that the person does to a photo: its content need not be there afterwards."""
        before = digest_of(path)
        do()
        self.tally[name] += 1
        if before in self.alive and before not in {*self.contents_in_place().values(), *self.undoable()}:
            self.alive.discard(before)
        self.alive |= set(self.contents_in_place().values())

    def chosen(self, pick: int) -> Path:
        """One of the photos that are there."""
        found = self.files()
        return found[pick % len(found)]

    def new_place(self, pick: int) -> Path:
        """A path that is free, on either drive."""
        folders = [self.photos, self.photos / "trip"] + [self.disk] * self.is_mounted
        folder = folders[pick % len(folders)]
        folder.mkdir(exist_ok=True)
        return next(path for i in range(10_000) if not os.path.lexists(path := folder / f"{pick}-{i}.jpg"))

    # What the person does.

    @initialize()
    def begin(self) -> None:
        """Some photos with copies, in a library."""
        for scene in range(SCENES):
            self.add(scene, scene)
            self.copy(scene, scene + 1, again=False)
        self.index()

    @rule(scene=st.integers(0, SCENES - 1), pick=picks)
    def add(self, scene: int, pick: int) -> None:
        """A photo comes from a camera."""
        path = self.new_place(pick)
        photograph(scene, 160, 120).save(path, quality=85 + pick % 10)
        self.alive.add(digest_of(path))

    @precondition(lambda self: self.files())
    @rule(pick=picks, place=picks, again=st.booleans())
    def copy(self, pick: int, place: int, again: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        """A photo is copied, or saved again with less quality."""
        source, path = self.chosen(pick), self.new_place(place)
        if again:
            from PIL import Image

            with Image.open(source) as image:
                image.convert("RGB").save(path, "JPEG", quality=50 + place % 30)
        else:
            shutil.copyfile(source, path)
        self.alive.add(digest_of(path))

    @precondition(lambda self: self.files())
    @rule(pick=picks, place=picks)
    def move(self, pick: int, place: int) -> None:
        """A photo is moved or renamed."""
        path = self.chosen(pick)
        self.by_the_person(path, lambda: shutil.move(path, self.new_place(place)), "move")

    @precondition(lambda self: self.files())
    @rule(pick=picks, value=st.integers(0, 255))
    def edit(self, pick: int, value: int) -> None:
        """A photo is edited in place, which changes all names of a link."""
        path = self.chosen(pick)
        self.by_the_person(path, lambda: path.write_bytes(path.read_bytes() + bytes([value])), "edit")

    @precondition(lambda self: self.files())
    @rule(pick=picks)
    def delete(self, pick: int) -> None:
        """A photo is deleted by the person."""
        path = self.chosen(pick)
        self.by_the_person(path, path.unlink, "delete")

    # What vtsfind does.

    @rule()
    def index(self) -> None:
        """The library is brought up to date."""
        self.vtsfind("index", self.photos)

    @rule(action=st.sampled_from(("trash", "quarantine")))
    def make_plan(self, action: str) -> None:
        """A plan is made."""
        self.vtsfind("plan", "--action", action, "--output", self.plan, "--force")

    @precondition(lambda self: self.plan.exists())
    @rule(pick=picks, word=st.sampled_from(WORDS), erase=st.booleans())
    def edit_plan(self, pick: int, word: str, erase: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        """A line of the plan is changed or erased."""
        lines = self.plan.read_text().splitlines()
        places = [i for i, line in enumerate(lines) if line.split(" ")[0] in WORDS]
        if places:
            place = places[pick % len(places)]
            lines[place : place + 1] = [] if erase else [re.sub(r"^\S+", word, lines[place])]
            self.plan.write_text("\n".join(lines) + "\n")
            self.tally["edit the plan"] += 1

    @precondition(lambda self: self.plan.exists())
    @rule()
    def apply(self) -> None:
        """The plan is carried out."""
        self.vtsfind("apply", self.plan, "--yes", "--permanently")
        self.forget_deleted()

    @precondition(lambda self: self.plan.exists())
    @rule(step=st.integers(1, MAX_STEPS_TO_KILL))
    def apply_killed(self, step: int) -> None:
        """The plan is carried out by a process that is killed."""
        self.killed("apply", step)
        self.forget_deleted()

    def forget_deleted(self) -> None:
        """What the plan deleted for good, the person removed."""
        for record in user_journal().read_all():
            for each in record.op_records.values():
                content, for_good = each.operation.digest.hex(), not each.operation.same_content
                is_deleted = each.operation.action == "delete" and for_good
                if is_deleted and content not in {*self.contents_in_place().values(), *self.undoable()}:
                    self.alive.discard(content)

    @rule()
    def undo(self) -> None:
        """The latest run is undone."""
        self.vtsfind("undo", "--yes")
        self.alive |= set(self.contents_in_place().values())

    @precondition(lambda _: bool(user_journal().runs()))
    @rule(step=st.integers(1, MAX_STEPS_TO_KILL))
    def undo_killed(self, step: int) -> None:
        """The latest run is undone by a process that is killed."""
        self.killed("undo", step)

    def killed(self, work: str, step: int) -> None:
        """Kill a process at one of its calls on files."""
        died = not self.actor.run(Task(str(self.home), work, step))
        self.tally[f"{work} killed" if died else f"{work} before its kill"] += 1

    @rule(command=st.sampled_from(("history", "doctor", "dupes")))
    def look(self, command: str) -> None:
        """A command that only reads; any command settles what was killed."""
        self.vtsfind(command)

    @rule(action=st.sampled_from(("trash", "quarantine")), step=st.integers(0, MAX_STEPS_TO_KILL))
    def clean_up(self, action: str, step: int) -> None:
        """All at once: the library is brought up to date, a plan is made and carried out, or killed while it is."""
        self.index()
        self.make_plan(action)
        if step % 2:
            self.apply()
        else:
            self.apply_killed(step + 1)

    # What happens to drives.

    @precondition(lambda self: self.can_unmount and self.is_mounted)
    @rule()
    def unmount(self) -> None:
        """A drive is unplugged."""
        moved(self.disk, self.hidden)
        self.is_mounted = False
        self.tally["unmount"] += 1

    @precondition(lambda self: self.can_unmount and not self.is_mounted)
    @rule()
    def remount(self) -> None:
        """The drive comes back."""
        moved(self.hidden, self.disk)
        self.is_mounted = True
        self.tally["remount"] += 1

    @precondition(lambda self: self.plan.exists() and self.can_unmount and self.is_mounted)
    @rule(undo=st.booleans())
    def work_on_a_full_disk(self, undo: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
        """The plan is carried out, or a run undone, while a drive is full."""
        filler = fill(self.disk)
        try:
            if undo:
                self.undo()
            else:
                self.apply()
        finally:
            filler.unlink()
        self.tally["full disk"] += 1


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mounted(disk: Path) -> bool:
    """Mount a drive of 4 MB; whether that is allowed."""
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    return (
        bool(shutil.which("mount"))
        and not subprocess.run(command, check=False, capture_output=True).returncode
    )


def moved(place: Path, other: Path) -> None:
    """Mount a drive elsewhere."""
    subprocess.run(["mount", "--move", str(place), str(other)], check=True, capture_output=True)
