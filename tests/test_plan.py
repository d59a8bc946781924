"""Plans: what they may ask for, and how they survive people's editors."""

import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import made_plans
from support.made_plans import ORIGIN, group, photo

from vtsfind.act.make_plan import make_plan
from vtsfind.act.plan import Plan, PlannedGroup, operations
from vtsfind.act.plan_json import read_plan_json
from vtsfind.act.plan_rules import PlanRefused, problems
from vtsfind.act.plan_text import plan_text, quote_path, read_plan_text, unquote_path
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Action
from vtsfind.engine.apply.plans import plan_for_groups
from vtsfind.report.plan import write_plan_records
from vtsfind.report.streams import Output

GOLDEN = Path(__file__).parent / "golden" / "plan-v1.txt"


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Three files of the same content."""
    paths = [tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg")]
    for path in paths:
        path.write_bytes(b"same")
    return paths


@pytest.fixture
def plan(three: list[Path]) -> Plan:
    return make_plan([group(1, *map(photo, three))], ORIGIN)


def edited(plan: Plan, pattern: str, replacement: str) -> Plan:
    """The plan after a person replaced the first match of a pattern in its text."""
    text, count = re.subn(pattern, replacement, plan_text(plan), count=1)
    assert count == 1
    return read_plan_text(text.encode())


def names(plan: Plan) -> dict[str, list[str]]:
    """What is to happen, to which file names."""
    found: dict[str, list[str]] = {}
    for operation in operations(plan):
        found.setdefault(operation.action, []).append(os.path.basename(operation.path).decode())
    return found


def test_a_plan_keeps_the_keeper_and_trashes_the_rest(plan: Plan) -> None:
    assert names(plan) == {"trash": ["b.jpg", "c.jpg"]}
    assert {operation.keeper for operation in operations(plan)} == {plan.groups[0].files[0].path}


@settings(max_examples=40)
@given(made_plans.plans())
def test_any_plan_is_read_back_as_it_was_written(plan: Plan) -> None:
    text = plan_text(plan)
    assert read_plan_text(text.encode()) == plan
    assert plan_text(read_plan_text(text.encode())) == text


@settings(max_examples=40)
@given(made_plans.plans())
def test_line_ends_byte_order_marks_and_trailing_blanks_of_editors_do_no_harm(plan: Plan) -> None:
    text = "\ufeff" + plan_text(plan).replace("\n", " \r\n")
    assert read_plan_text(text.encode()) == plan


@given(st.binary(max_size=30).filter(lambda path: b"\0" not in path))
def test_a_quoted_path_is_one_visible_line_and_the_same_bytes(path: bytes) -> None:
    text = quote_path(path)
    assert text.isprintable()
    assert unquote_path(text) == path


@settings(max_examples=40)
@given(made_plans.plans(), st.randoms(use_true_random=False))
def test_a_plan_with_lines_taken_out_is_refused_or_keeps_and_takes_less(plan: Plan, chooser: object) -> None:
    lines = plan_text(plan).splitlines(keepends=True)
    end = next(i for i, line in enumerate(lines) if line.startswith("files "))
    left = [line for i, line in enumerate(lines) if i == 0 or i >= end or chooser.random() < 0.8]  # type: ignore[attr-defined]
    try:
        read = read_plan_text("".join(left).encode())
    except UsageError:
        return
    assert not list(problems(read))
    before = {(one.action, one.path) for one in operations(plan)}
    assert {(one.action, one.path) for one in operations(read)} <= before


@settings(max_examples=40)
@given(made_plans.plans(), st.data())
def test_a_plan_with_any_byte_changed_is_refused_or_sound(plan: Plan, data: st.DataObject) -> None:
    text = bytearray(plan_text(plan).encode())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.integers(0, 255))
    with suppress(UsageError):
        assert not list(problems(read_plan_text(bytes(text))))


def without_comments(text: str) -> list[str]:
    """The lines of a plan that mean something."""
    return [re.sub("^(files \\d+):.*", r"\1", line) for line in text.splitlines() if not line.startswith("#")]


def test_the_text_of_a_plan_is_the_golden_one() -> None:
    plan = read_plan_text(GOLDEN.read_bytes())
    assert without_comments(plan_text(plan)) == without_comments(GOLDEN.read_text())
    assert names(plan) == {"trash": ["b.jpg", "b.xmp"], "quarantine": ["d\nd.jpg"]}


def test_a_line_taken_out_leaves_the_photo_alone(plan: Plan) -> None:
    assert names(edited(plan, "trash .*b.jpg.*\n", "")) == {"trash": ["c.jpg"]}
    assert names(edited(plan, "trash( .*b.jpg)", r"leave\1")) == {"trash": ["c.jpg"]}


def test_the_keeper_may_be_swapped_for_a_copy_of_the_same_content(plan: Plan) -> None:
    swapped = edited(edited(plan, "trash( .*b.jpg)", r"keep\1"), "keep( .*a.jpg)", r"trash\1")
    assert names(swapped) == {"trash": ["a.jpg", "c.jpg"]}


def test_a_group_that_keeps_nothing_is_refused_and_the_override_named(plan: Plan) -> None:
    with pytest.raises(PlanRefused, match=r"Group 1: no photo is kept.*remove-all 1"):
        edited(plan, "keep .*\n", "")


def test_a_group_that_keeps_nothing_is_taken_when_its_number_is_typed(plan: Plan) -> None:
    whole = edited(plan, "group 1\nkeep", "group 1\nremove-all 1\ntrash")
    assert names(whole) == {"trash": ["a.jpg", "b.jpg", "c.jpg"]}
    assert {operation.keeper for operation in operations(whole)} == {None}


def test_an_override_that_names_another_group_is_refused(plan: Plan) -> None:
    with pytest.raises(UsageError, match="'remove-all' must name the group above it"):
        edited(plan, "group 1\nkeep", "group 1\nremove-all 2\ntrash")


def test_a_group_line_taken_out_does_not_make_its_photos_copies_of_others(three: list[Path]) -> None:
    other = [path.with_suffix(".png") for path in three]
    for path in other:
        path.write_bytes(b"other")
    plan = make_plan([group(1, *map(photo, three)), group(2, *map(photo, other))], ORIGIN)
    with pytest.raises(UsageError, match="is not a photo of group 1"):
        edited(plan, "\ngroup 2\nkeep .*\n", "\n")


def test_two_edits_of_one_photo_are_not_taken_for_copies_of_each_other(three: list[Path]) -> None:
    photos = [replace(photo(path), digest=bytes([i]) * 32) for i, path in enumerate(three)]
    plan = make_plan([group(1, *photos, verdicts=[Verdict.EDIT, Verdict.EDIT])], ORIGIN)
    with pytest.raises(PlanRefused, match=r"c\.jpg was not compared with any kept photo"):
        edited(edited(plan, "trash( .*b.jpg)", r"keep\1"), "keep( .*a.jpg)", r"trash\1")
    near = make_plan([group(1, *photos, verdicts=[Verdict.RESAVE, Verdict.EDIT])], ORIGIN)
    swapped = edited(edited(near, "trash( .*b.jpg)", r"keep\1"), "keep( .*a.jpg)", r"trash\1")
    assert names(swapped) == {"trash": ["a.jpg", "c.jpg"]}


def test_a_photo_of_other_content_cannot_become_a_link(three: list[Path]) -> None:
    photos = [photo(three[0]), replace(photo(three[1]), digest=bytes(32))]
    found = [group(1, *photos, verdicts=[Verdict.PIXELS])]
    with pytest.raises(PlanRefused, match="cannot become a hardlink"):
        make_plan(found, ORIGIN, marks={photos[1].path: Action.HARDLINK})


def test_a_plan_of_links_links_what_it_can_and_keeps_the_rest_with_the_reason(three: list[Path]) -> None:
    photos = [photo(three[0]), photo(three[1]), replace(photo(three[2]), digest=bytes(32))]
    found = [group(1, *photos, verdicts=[Verdict.BYTES, Verdict.PIXELS])]
    plan = make_plan(found, ORIGIN, action=Action.HARDLINK)
    assert names(plan) == {"hardlink": ["b.jpg"]}
    kept = plan.groups[0].files[2]
    assert (kept.action, "cannot become a link" in kept.reason) == (Action.KEEP, True)


def test_changed_facts_are_refused(plan: Plan) -> None:
    with pytest.raises(UsageError, match="below 'files' were edited"):
        edited(plan, "1 4 bytes", "1 5 bytes")


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        ("vtsfind plan 1", "vtsfind plan 2", "newer vtsfind"),
        ("vtsfind plan 1", "hello", "line 1: a plan must begin with"),
        ("trash ", "thrash ", "'thrash' is not an action"),
        ("trash .*b.jpg", "trash /nowhere.jpg", "/nowhere.jpg is not a photo of group 1"),
        ("(trash .*b.jpg)", r"\1\n\1", "is listed twice"),
        ("group 1", "group 1\ngroup 1", "not the number of a new group"),
        ("(?s)files .*", "", "incomplete"),
        ("trash .*b.jpg", 'trash "/a', "quotation marks do not match"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_line(
    plan: Plan, pattern: str, replacement: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        edited(plan, pattern, replacement)


def test_companions_go_with_their_photo_and_not_when_it_becomes_a_link(three: list[Path]) -> None:
    film = three[1].with_suffix(".mov")
    film.write_bytes(b"film")
    groups = [group(1, photo(three[0]), photo(three[1], [film]))]
    plan = make_plan(groups, ORIGIN, settle=made_plans.settle)
    assert names(plan) == {"trash": ["b.jpg", "b.mov"]}
    linked = make_plan(groups, ORIGIN, action=Action.HARDLINK, settle=made_plans.settle)
    assert names(linked) == {"hardlink": ["b.jpg"]}
    assert names(edited(plan, "trash( .*b.jpg)", r"hardlink\1")) == {"hardlink": ["b.jpg"]}


def test_a_companion_that_a_kept_photo_shares_stays(three: list[Path]) -> None:
    film = three[1].with_suffix(".mov")
    film.write_bytes(b"film")
    groups = [group(1, photo(three[0], [film]), photo(three[1], [film]))]
    assert names(make_plan(groups, ORIGIN, settle=made_plans.settle)) == {"trash": ["b.jpg"]}


def test_moved_files_keep_their_whole_path_below_the_folder(three: list[Path]) -> None:
    plan = make_plan([group(1, *map(photo, three))], ORIGIN, action=Action.MOVE, target=b"/aside")
    assert operations(plan)[0].target == b"/aside" + os.fsencode(three[1])
    with pytest.raises(PlanRefused, match="the plan names no folder"):
        make_plan([group(1, *map(photo, three))], ORIGIN, action=Action.MOVE)


def test_a_photo_in_two_groups_is_refused(three: list[Path]) -> None:
    a, b, c = map(photo, three)
    with pytest.raises(PlanRefused, match="already listed in group 1"):
        make_plan([group(1, a, b), group(2, b, c)], ORIGIN)


def test_a_relative_path_is_refused(plan: Plan) -> None:
    odd = replace(plan.groups[0].files[1], path=b"b.jpg")
    loose = replace(plan, groups=(PlannedGroup(1, (plan.groups[0].files[0], odd)),))
    assert [problem.path for problem in problems(loose)] == [b"b.jpg"]


class Caught(Output):
    """Standard output that is kept."""

    def __init__(self) -> None:
        self.content = b""

    def raw(self, data: bytes) -> None:
        self.content += data


def json_of(plan: Plan) -> bytes:
    caught = Caught()
    write_plan_records(caught, plan)
    return caught.content


@settings(max_examples=40)
@given(made_plans.plans())
def test_any_plan_is_read_back_from_json_as_it_was_written(plan: Plan) -> None:
    read = read_plan_json(json_of(plan))
    assert replace(read, version=plan.version) == plan


def test_json_that_cannot_be_understood_is_refused_with_its_line(plan: Plan) -> None:
    text = json_of(plan)
    for old, new, message in (
        (b'"trash"', b'"burn"', "line 2"),
        (b'"sha256":', b'"md5":', "'sha256' is missing"),
        (b'"schema":1', b'"schema":2', "newer vtsfind"),
        (b'"size":4', b'"size":"4"', "number of bytes"),
        (b'"command":"plan"', b'"command":"dupes"', "must begin with its header"),
        (b'{"type":"footer"', b'{"type":"feet"', "incomplete"),
    ):
        with pytest.raises(UsageError, match=message):
            read_plan_json(text.replace(old, new, 1))


def test_json_that_puts_a_photo_into_another_group_as_the_same_bytes_is_refused(three: list[Path]) -> None:
    three[2].write_bytes(b"other")
    plan = make_plan([group(1, photo(three[0]), photo(three[1]))], ORIGIN)
    stranger = replace(plan.groups[0].files[1], path=b"/c.jpg", digest=made_plans.digest(three[2]))
    forged = replace(plan, groups=(PlannedGroup(1, (*plan.groups[0].files, stranger)),))
    with pytest.raises(PlanRefused, match="does not have the same bytes"):
        read_plan_json(json_of(forged))


def test_photos_that_are_gone_are_left_out_of_a_plan_and_told(three: list[Path]) -> None:
    groups = [group(1, *map(photo, three))]
    three[1].unlink()
    plan, gone = plan_for_groups(groups, library=Path("/lib"), command="vtsfind plan")
    assert names(plan) == {"trash": ["c.jpg"]}
    assert [failure.path for failure in gone] == [os.fsencode(three[1])]
    three[0].unlink()
    plan, gone = plan_for_groups(groups, library=Path("/lib"), command="vtsfind plan")
    assert operations(plan) == ()
    assert len(gone) == 2
