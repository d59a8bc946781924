"""A photo that a person keeps in `vtsfind browse` is not proposed by other commands."""

from pathlib import Path

from support.copies import family
from support.output import Vtsfind, records

from vtsfind.base.settings import Settings, places
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session import find_groups
from vtsfind.engine.review.session_log import SavedSteps


def test_what_is_kept_in_a_review_stays_until_it_is_undone(run: Vtsfind, tmp_path: Path) -> None:
    family(tmp_path / "photos")
    assert run("index", tmp_path / "photos").exit_code == 0
    first, *others = run("dupes", "--paths-only").stdout.splitlines()
    groups = find_groups(Context(Settings()), DedupOptions())
    place = next(
        (number, member)
        for number, group in enumerate(groups)
        for member, each in enumerate(group.members)
        if each.photo.path.decode() == first
    )
    with SavedSteps(places().library("default")) as log:
        review = Review(groups, log)
        review.toggle(*place)
        kept = run("dupes", "--paths-only").stdout.splitlines()
        planned = records(run("plan", "--json"), "group")
        review.undo()
    assert kept == others
    files = {file["path"]: file for group in planned for file in group["files"]}
    assert files[first]["action"] == "keep"
    assert "you keep it in `vtsfind browse`" in files[first]["reason"]
    assert run("dupes", "--paths-only").stdout.splitlines() == [first, *others]
