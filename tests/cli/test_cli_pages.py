"""Web pages of `dupes` and `query`; a browser ticks and saves, where one is installed."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.copies import family, save, unrelated
from support.output import Vtsfind
from support.textures import photograph

from vtsfind.base.operations import Action
from vtsfind.base.settings import Settings
from vtsfind.engine.apply.plans import read_plan
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session import find_groups
from vtsfind.engine.review.session_log import SavedSteps


class _Page(HTMLParser):
    """What a page shows and loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.names: list[str] = []
        self.sources: list[str] = []
        self.ticked = 0
        self._class = ""
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._class = given.get("class") or ""
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.ticked += tag == "input" and "checked" in given

    def handle_data(self, data: str) -> None:
        if self._class == "name":
            self.names.append(data)
            self._class = ""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A photo with five kinds of copies, one of them with a name that looks like a tag, and three other photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    family(folder)
    (folder / "bytes.jpg").rename(folder / "<script>alert(1)<b>&amp;.jpg")
    unrelated(folder, 1, 2, 3)
    return folder


@pytest.mark.usefixtures("photos")
def test_a_page_shows_every_photo_of_a_group_and_loads_nothing(tmp_path: Path, dupes: Vtsfind) -> None:
    result = dupes("--html", tmp_path / "page.html")
    assert result.exit_code == 0, result.stderr
    assert "Wrote the page" in result.stderr
    page = _Page(tmp_path / "page.html")
    assert sorted(page.names) == sorted(
        ["photo.jpg", "pixels.png", "resave.jpg", "turned.jpg", "edit.jpg", "<script>alert(1)<b>&amp;.jpg"]
    )
    assert len(page.sources) == 6
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)


def test_the_plan_in_a_page_is_the_plan_of_vtsfind_plan(
    photos: Path, tmp_path: Path, dupes: Vtsfind, run: Vtsfind
) -> None:
    for name in ("edit.jpg", "<script>alert(1)<b>&amp;.jpg"):  # with these it is in doubt which to keep
        (photos / name).unlink()
    dupes("--html", tmp_path / "page.html")
    made = run("plan", "--library", tmp_path / "library", "--json")
    (tmp_path / "plan.json").write_text(made.stdout)
    text = (tmp_path / "page.html").read_text()
    inside = re.search(r'<script type="application/json" id="plan">(.*?)</script>', text, re.DOTALL)
    assert inside
    lines = "\n".join(json.dumps(record) for record in json.loads(inside[1]))
    (tmp_path / "page.json").write_text(lines)
    from_page, from_plan = read_plan(tmp_path / "page.json"), read_plan(tmp_path / "plan.json")
    assert from_page.groups == from_plan.groups
    going = [file for group in from_plan.groups for file in group.files if file.action is Action.TRASH]
    assert _Page(tmp_path / "page.html").ticked == len(going) > 0


def test_where_it_is_in_doubt_which_photo_to_keep_a_page_says_so_and_ticks_nothing(
    tmp_path: Path, dupes: Vtsfind
) -> None:
    image = photograph(0)
    for name in ("a.jpg", "b/a.jpg"):
        copy = save(tmp_path / "photos" / name, image)
        os.utime(copy, (1_600_000_000, 1_600_000_000))
    save(tmp_path / "photos" / "other.jpg", photograph(1))
    save(tmp_path / "photos" / "other-crop.jpg", photograph(1).crop((40, 30, 360, 270)))
    assert dupes("--html", tmp_path / "page.html").exit_code == 0
    assert _Page(tmp_path / "page.html").ticked == 0
    text = (tmp_path / "page.html").read_text()
    assert "<h2>Group 1: 2 photos; only the paths differ</h2>" in text
    assert "it is in doubt which photo to keep. Nothing is ticked there." in text
    assert "1 edited photo may be wanted as well: not ticked." in text
    assert "<b>edited: crop, 69 % of it</b>: " in text
    assert '"action":"trash"' in text  # which the page carries out if a person ticks the box


@pytest.mark.usefixtures("photos")
def test_a_page_shows_commands_in_reasons_as_code(tmp_path: Path, dupes: Vtsfind) -> None:
    assert dupes().exit_code == 0
    library = tmp_path / "library"
    groups = find_groups(Context(Settings(library=str(library))), DedupOptions())
    with SavedSteps(library) as log:
        Review(groups, log).choose(0, 1)
    assert dupes("--html", tmp_path / "page.html", index=False).exit_code == 0
    assert "kept: you chose it in <code>vtsfind browse</code>" in (tmp_path / "page.html").read_text()


def test_a_page_takes_the_place_of_a_page_and_of_nothing_else(
    photos: Path, tmp_path: Path, dupes: Vtsfind
) -> None:
    page, letter = tmp_path / "page.html", tmp_path / "letter.html"
    letter.write_text("<p>Dear all,")
    assert dupes("--html", page).exit_code == 0
    assert dupes("--html", page, index=False).exit_code == 0
    refused = dupes("--html", letter, index=False)
    assert (refused.exit_code, letter.read_text()) == (2, "<p>Dear all,")
    photo = photos / "photo.jpg"
    content = photo.read_bytes()
    refused = dupes("--html", photo, "--force", index=False)
    assert (refused.exit_code, photo.read_bytes()) == (2, content)


@pytest.mark.usefixtures("photos")
def test_candidates_make_no_page(tmp_path: Path, dupes: Vtsfind) -> None:
    result = dupes("--no-verify", "--radius", "8", "--html", tmp_path / "page.html")
    assert result.exit_code == 2
    assert "--no-verify" in result.stderr
    assert not (tmp_path / "page.html").exists()


def test_the_answers_to_a_query_make_a_contact_sheet(album: Path, tmp_path: Path, ask: Vtsfind) -> None:
    photo = min((album / "photos").iterdir())
    result = ask(photo, "--top", 3, "--html", tmp_path / "sheet.html")
    assert result.exit_code == 0, result.stderr
    page = _Page(tmp_path / "sheet.html")
    assert (len(page.names), page.names[0]) == (3, photo.name)
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert (
        len(re.findall(r"bits apart, \d+x\d+, \d{4}-\d\d-\d\d", (tmp_path / "sheet.html").read_text())) == 3
    )


_A_PERSON = """<script>
URL.createObjectURL = (blob) => { blob.text().then((text) => { note.saved = text; }); return "about:blank"; };
HTMLAnchorElement.prototype.click = function () { note.file = this.download; };
const note = {};
const problem = () => sections[0].querySelector(".problem").textContent;
const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key }));
boxes.filter((box) => !box.checked).forEach((box) => box.click());
note.all = { disabled: save.disabled, problem: problem() };
boxes.slice(2).forEach((box) => box.click());
boxes[0].click();
note.one = { disabled: save.disabled, problem: problem(), totals: document.getElementById("totals").textContent };
press("n");
note.focused = document.activeElement === boxes[0];
press("s");
setTimeout(() => { document.body.textContent = JSON.stringify(note); }, 100);
</script></body>"""
"""Ticks all boxes, then all but the second are cleared; moves to the first group, and saves."""


@pytest.mark.usefixtures("photos")
def test_a_browser_saves_what_is_ticked_as_a_plan_that_apply_carries_out(
    tmp_path: Path, dupes: Vtsfind, run: Vtsfind
) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no Chromium is installed")
    assert dupes("--html", tmp_path / "page.html").exit_code == 0
    page = tmp_path / "used.html"
    page.write_text((tmp_path / "page.html").read_text().replace("</body>", _A_PERSON))
    shown = subprocess.run(
        [browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=5000", "--dump-dom", page.as_uri()],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    body = re.search(r"<body>(.*?)</body>", shown, re.DOTALL)
    assert body, shown[:2000]
    note = json.loads(unescape(body[1]))
    assert note["all"] == {"disabled": True, "problem": "One photo of this group must stay: clear its box."}
    assert note["one"]["disabled"] is False
    assert note["one"]["totals"].startswith("1 of 6 photos")
    assert (note["one"]["problem"], note["focused"], note["file"]) == ("", True, "vtsfind-plan.json")

    plan = tmp_path / note["file"]
    plan.write_text(note["saved"])
    (group,) = read_plan(plan).groups
    going = [Path(os.fsdecode(file.path)) for file in group.files if file.action is Action.TRASH]
    assert going == [Path(os.fsdecode(group.files[1].path))]
    result = run("apply", plan, "--yes")
    assert result.exit_code == 0, result.stderr
    assert not going[0].exists()
    assert len(list(going[0].parent.iterdir())) == 8
