"""Whatever is in a library, a plan, or a person's mind: a copy of every photo stays, and all of it can come back."""

import os
import random
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.killed_apply import Tree, at_home, bring_everything_back, tree
from support.made_plans import ORIGIN, group, photo, settle

from vtsfind.act.make_plan import make_plan
from vtsfind.act.plan import Plan
from vtsfind.act.plan_text import plan_text, read_plan_text
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Group, Verdict
from vtsfind.base.operations import Action, State
from vtsfind.engine.apply.apply import ApplyResult, apply

WORDS = [*Action, "leave"]


def lay_out(folder: Path, chooser: random.Random) -> list[Group]:
    """Groups of photos, some of the same content and some not, some with files that travel with them, some hard links."""
    groups = []
    for number in range(1, chooser.randint(1, 4) + 1):
        paths: list[Path] = []
        verdicts = []
        for i in range(chooser.randint(2, 4)):
            path = folder / chooser.choice("xyz") / f"{number} {i}\udcff.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            verdict = chooser.choice(
                [Verdict.BYTES, Verdict.BYTES, Verdict.PIXELS, Verdict.RESAVE, Verdict.EDIT]
            )
            content = f"{number}" if not i or verdict is Verdict.BYTES else f"{number} {i}"
            if paths and verdict is Verdict.BYTES and chooser.random() < 0.2:
                os.link(paths[0], path)
            else:
                path.write_text(content)
                os.utime(path, ns=(5, chooser.randrange(10**18)))
            paths.append(path)
            verdicts += [verdict] if i else []
        films = [path.with_suffix(".mov") for path in paths]
        for film in films:
            if chooser.random() < 0.3:
                film.write_text(str(film.name.encode("utf-8", "surrogateescape")))
        groups.append(
            group(
                number,
                *(
                    photo(path, [film] if film.exists() else [])
                    for path, film in zip(paths, films, strict=True)
                ),
                verdicts=verdicts,
            )
        )
    return groups


def edited(plan: Plan, chooser: random.Random) -> Plan:
    """The plan after a person changed words and took lines out; edits that are refused are taken back."""
    for _ in range(chooser.randint(0, 8)):
        lines = plan_text(plan).split("\n")
        table = next(i for i, line in enumerate(lines) if line.startswith("files "))
        place = chooser.choice([i for i, line in enumerate(lines[:table]) if line.partition(" ")[0] in WORDS])
        if chooser.random() < 0.3:
            del lines[place]
        else:
            lines[place] = re.sub(r"^[a-z]+ ", f"{chooser.choice(WORDS)} ", lines[place])
        with suppress(UsageError):
            plan = read_plan_text("\n".join(lines).encode())
    return plan


def spoil(folder: Path, chooser: random.Random) -> None:
    """Do what people do between making a plan and applying it."""
    for path in sorted(path for path in folder.rglob("*.*") if path.is_file()):
        match chooser.randrange(30):
            case 0:
                path.unlink()
            case 1:
                path.write_text("new")
            case 2:
                path.unlink()
                path.symlink_to(folder / "x")
            case 3:
                path.rename(path.with_name(path.name + "2"))


def assert_a_copy_stays(plan: Plan, result: ApplyResult, before: Tree, after: Tree) -> None:
    for step in result.of(State.DONE):
        operation = step.operation
        assert operation.keeper is not None
        assert Path(os.fsdecode(operation.keeper)).is_file()
        if operation.sidecar_of is None:
            planned_group = next(one for one in plan.groups if one.number == operation.group)
            kept = [one.path for one in planned_group.files if one.action is Action.KEEP]
            assert operation.keeper in kept
    gone = {seen[0] for seen in before.values()} - {seen[0] for seen in after.values()}
    done = {step.operation.digest.hex() for step in result.of(State.DONE) if not step.operation.same_content}
    assert gone <= done


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.booleans())
def test_a_copy_of_every_photo_stays_and_undo_restores_the_tree(seed: int, spoiled: bool) -> None:  # noqa: FBT001
    chooser = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        photos = home / "photos"
        groups = lay_out(photos, chooser)
        action = chooser.choice([Action.TRASH, Action.QUARANTINE, Action.MOVE])
        target = os.fsencode(home / "aside")
        plan = edited(make_plan(groups, ORIGIN, action=action, target=target, settle=settle), chooser)
        if spoiled:
            spoil(photos, chooser)
        before = tree(photos)
        with at_home(home):
            result = apply(plan, permanently=True)
        # Many file systems cannot share blocks between files.
        assert {step.operation.action for step in result.of(State.FAILED)} <= {Action.REFLINK}
        assert_a_copy_stays(plan, result, before, tree(photos))
        lost = [one for one in result.of(State.DONE) if one.operation.action is Action.DELETE]
        if all(one.operation.same_content for one in lost):
            bring_everything_back(home)
            assert contents(tree(photos)) == contents(before)


def contents(seen: Tree) -> dict[str, tuple[str, int]]:
    """Contents and times; not in how many names a file is known, which a copy in place of a link changes."""
    return {name: (digest, time) for name, (digest, time, _) in seen.items()}
