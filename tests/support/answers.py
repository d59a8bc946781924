"""What vtsfind says of pairs of files at each place where it says what may go: one library for many pairs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from support.output import records
from vtsfind.base.settings import Settings
from vtsfind.cli.app import make_app
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.review.planned import planned
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session import find_groups
from vtsfind.engine.review.state import Mark

Pair = Mapping[str, bytes]
"""Name to content of the files of a pair: two or more."""


@dataclass
class Answers:
    """The answers about some pairs, each of which is a folder.

    Parameters
    ----------
    folder
        Where pairs, libraries and the card go.
    """

    folder: Path

    def write(self, pairs: Mapping[str, Pair]) -> None:
        """Write the pairs; all but the first file of each are on a card, too."""
        for pair, files in pairs.items():
            for number, (name, content) in enumerate(files.items()):
                for root in ("photos", "card" if number else "own"):
                    path = self.folder / root / pair / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
        for library, photos in (("all", "photos"), ("first", "own")):
            assert self.run("index", self.folder / photos, library=library).exit_code == 0

    def run(self, command: str, *arguments: object, library: str = "all") -> Result:
        """Run vtsfind on one of the libraries."""
        words = [command, *arguments, "--library", self.folder / library]
        return CliRunner().invoke(make_app(), [str(word) for word in words], prog_name="vtsfind")

    def _named(self, path: str, root: str = "photos") -> str:
        return Path(path).relative_to(self.folder / root).as_posix()

    @cached_property
    def members(self) -> dict[str, dict[str, Any]]:
        """File to what `dupes --json` says of it, with the keeper of its group."""
        found = records(self.run("dupes", "--json"), "group")
        return {
            self._named(member["path"]): member | {"keep": self._named(group["keep"])}
            for group in found
            for member in group["members"]
        }

    @cached_property
    def frees(self) -> int:
        """Bytes that `dupes` says can be freed."""
        gain: int = records(self.run("dupes", "--json"))[-1]["gain"]
        return gain

    @cached_property
    def planned(self) -> dict[str, str]:
        """File to what becomes of it by `plan`."""
        groups = records(self.run("plan", "--json"), "group")
        return {self._named(file["path"]): file["action"] for group in groups for file in group["files"]}

    @cached_property
    def listed(self) -> set[str]:
        """The files that `dupes -0` names."""
        output = self.run("dupes", "-0").stdout_bytes
        return {self._named(os.fsdecode(path)) for path in output.split(b"\0") if path}

    @cached_property
    def marked(self) -> set[str]:
        """The files that are marked to go when `browse` begins, and still when all groups are accepted."""
        settings = Settings(library=str(self.folder / "all"), workers=1)
        review = Review(find_groups(Context(settings), DedupOptions()))
        marked = {
            self._named(os.fsdecode(member.photo.path))
            for number, group in enumerate(review.groups)
            for place, member in enumerate(group.members)
            if review.mark(number, place) is Mark.DROP
        }
        for number in range(len(review.groups)):
            review.accept(number)
        actions = planned(review).actions
        assert marked == {
            self._named(os.fsdecode(path)) for path, action in actions.items() if action == "trash"
        }
        return marked

    @cached_property
    def standing(self) -> dict[str, str]:
        """File of the card to where it stands by `missing --by look`, in the library of the first files."""
        found = records(
            self.run("missing", self.folder / "card", "--by", "look", "--json", library="first"), "photo"
        )
        return {self._named(photo["path"], "card"): photo["standing"] for photo in found}

    def goes(self, pair: str) -> set[str]:
        """The files of a pair that go, which all places agree about."""
        said = [
            {file for file, member in self.members.items() if member["stays"] == ""},
            {file for file, action in self.planned.items() if action == "trash"},
            self.listed,
            self.marked,
        ]
        ours = [{file for file in files if file.startswith(f"{pair}/")} for files in said]
        assert all(files == ours[0] for files in ours), (pair, ours)
        return {file.partition("/")[2] for file in ours[0]}

    def verdict(self, pair: str) -> str | None:
        """What the files of a pair are to each other; None if they are in no group."""
        said = {
            member["verdict"]
            for file, member in self.members.items()
            if file.startswith(f"{pair}/") and member["verdict"]
        }
        assert len(said) <= 1
        return next(iter(said), None)
