"""What kind of edit a file is said to be."""

from dataclasses import replace

import pytest
from support.made_groups import photo

from vtsfind.act.edit_kind import edit_kind
from vtsfind.base.groups import Box, Evidence, Group, Member, Verdict
from vtsfind.base.quality import Details
from vtsfind.engine.review.relations import related_to

MIDDLE = Box(0.25, 0.2, 0.75, 1.0)
STRIP = Box(0.0, 0.0, 1.0, 0.95)


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (Evidence(box=MIDDLE, boxed=0), "crop, 40 % of it"),
        (Evidence(box=MIDDLE, boxed=1), "shows more around it"),
        (Evidence(box=MIDDLE, boxed=1, broken_off=0.9), "in a frame or collage"),
        (Evidence(box=STRIP, boxed=0), "border cut off"),
        (Evidence(box=STRIP, boxed=1), "border added"),
        (Evidence(agreement=0.96, changed=0.0134, lighter=0.0, recoloured=0.7), "about 1 % of it changed"),
        (Evidence(agreement=1.0, changed=0.0004, lighter=0.0, recoloured=0.0), "less than 1 % of it changed"),
        (Evidence(agreement=1.0, changed=0.0, lighter=13.7, recoloured=9.2), "brighter"),
        (Evidence(agreement=1.0, changed=0.0, lighter=-13.7, recoloured=9.2), "darker"),
        (Evidence(agreement=1.0, changed=0.0, lighter=0.3, recoloured=12.5), "other colours"),
        (
            Evidence(agreement=1.0, changed=0.0, lighter=-3.7, recoloured=23.0),
            "darker, other colours",
        ),
        (Evidence(agreement=1.0, changed=0.0, lighter=0.0, recoloured=0.0), "other contrast or colours"),
        (
            Evidence(agreement=0.97, changed=0.0815, lighter=36.7, recoloured=9.0),
            "brighter; at least 8 % of it clipped or changed",
        ),
        (Evidence(agreement=0.96), ""),
        (Evidence(agreement=1.0, note="a part of it differs at full size"), "a small part of it changed"),
        (Evidence(agreement=1.0, grey=1, note="one is black and white"), "black and white"),
        (Evidence(agreement=1.0, grey=0), "in colour, the kept one in black and white"),
        (
            Evidence(agreement=0.98, changed=0.02, lighter=-8.0, recoloured=20.0, grey=1),
            "darker, black and white; at least 2 % of it clipped or changed",
        ),
        (Evidence(indirect=True), ""),
        (Evidence(), ""),
    ],
)
def test_the_kind_is_what_the_comparison_shows(evidence: Evidence, words: str) -> None:
    kept = Member(photo(b"/kept.jpg"), None, Evidence(), "")
    assert edit_kind(Member(photo(b"/a.jpg"), Verdict.EDIT, evidence, ""), kept) == words
    assert edit_kind(Member(photo(b"/a.jpg"), Verdict.RESAVE, evidence, ""), kept) == ""


@pytest.mark.parametrize(
    ("name", "details"), [(b"/Screenshot_2024.png", Details()), (b"/a.png", Details(screenshot=True))]
)
def test_a_screenshot_is_called_so_by_its_file_or_its_name(name: bytes, details: Details) -> None:
    member = Member(photo(name), Verdict.EDIT, Evidence(box=MIDDLE, boxed=0), "")
    kept = Member(photo(b"/kept.jpg"), None, Evidence(), "")
    screen = Member(photo(b"/Screenshot_1.png"), None, Evidence(), "")
    assert edit_kind(replace(member, details=details), kept) == "screenshot of it"
    assert edit_kind(replace(member, details=details), screen) == "screenshot"


def test_a_photo_is_no_crop_of_its_screenshot() -> None:
    screen = Member(photo(b"/Screenshot_2024.png"), None, Evidence(), "")
    shot = Member(photo(b"/a.jpg"), Verdict.EDIT, Evidence(box=MIDDLE, boxed=0), "")
    assert edit_kind(shot, screen) == "what the screenshot shows"
    kept, other = related_to(Group(1, (screen, shot)), 1)[::-1]
    assert (kept.member.verdict, kept.label, kept.edit) == (None, "", "")
    assert (other.label, other.edit, other.is_screenshot) == ("edited", "screenshot of it", True)
