"""Documents for people: every file that they name is there, every link leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PLACES = ("vtsfind/", "tests/", "docs/", "weights/", "benchmarks/", ".ci/", ".github/")
MADE_UP = re.compile(r"NAME|\*|\.\.\.")
ONLY_IN_THE_WHEEL = {"vtsfind/weights"}
OF_THE_PAST = {"CHANGELOG.md", "notebook"}


def named_files(text: str) -> list[str]:
    """What stands in backticks and looks like a file or folder of the checkout."""
    return [name for name in re.findall(r"`([^`\s]+)`", text) if name.startswith(PLACES)]


PRESENT = [path for path in DOCUMENTS if not OF_THE_PAST & set(path.parts)]


@pytest.mark.parametrize("document", PRESENT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_a_document_names_is_there(document: Path) -> None:
    names = set(named_files(document.read_text(encoding="utf-8"))) - ONLY_IN_THE_WHEEL
    assert [name for name in names if not (MADE_UP.search(name) or (ROOT / name).exists())] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    relative = [link for link in links if "://" not in link]
    assert [link for link in relative if not (document.parent / link).exists()] == []


def test_the_changelog_has_a_section_for_what_is_not_released() -> None:
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
