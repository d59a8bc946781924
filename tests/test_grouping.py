"""From verdicts to groups: a frame gives way to the shot in it also when that is seen late, and nobody is there unseen."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from support.made_groups import words_of

from vtsfind.act.keep_policy import policy
from vtsfind.base.contents import Contents
from vtsfind.base.groups import COPIES, Box, Evidence, Group, PairVerdict, Photo, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.duplicates.best_shots import choose_best_shots
from vtsfind.engine.duplicates.clustering import Cluster, cluster
from vtsfind.engine.duplicates.keeper_ranking import RankedFiles
from vtsfind.engine.duplicates.keepers import choose_keepers
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verification import VerifiedPairs
from vtsfind.engine.duplicates.verifier import Advance
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.scope import scope
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.pairs import Pair
from vtsfind.media.shot_quality import ShotQuality

SIZES = {"/card": (2000, 2000), "/photo": (1200, 900), "/small": (240, 180), "/other": (1000, 750)}
NUMBER = {name: number for number, name in enumerate(SIZES)}
RESAVE: PairVerdict = (Verdict.RESAVE, Evidence(agreement=1.0))


def content(name: str) -> Content:
    number, (width, height) = NUMBER[name], SIZES[name]
    info, digest = PictureInfo(width, height, format="JPEG"), bytes([number]) * 32
    return Content(digest, info, (Photo(name.encode(), Stamp(width * height, 1, number), digest, info),))


def details(each: Content) -> Details:
    return Details(camera="" if each.photos[0].path == b"/card" else "Maker Model")


def in_card(width: float, height: float, left: float = 0.0, set_off: float | None = None) -> PairVerdict:
    """The card, which comes first by digest, shows the other in a part of this size, that is set off along a share of its edges."""
    return Verdict.EDIT, Evidence(box=Box(left, 0.0, left + width, height), boxed=0, broken_off=set_off)


class KnownVerdicts:
    """Knows all verdicts, and remembers what it was asked."""

    def __init__(self, truth: dict[tuple[str, str], PairVerdict]) -> None:
        self.truth = {(NUMBER[a], NUMBER[b]): seen for (a, b), seen in truth.items()}
        self.asked: list[Pair] = []

    def verdicts(self, pairs: Sequence[Pair], advance: Advance = print) -> list[PairVerdict]:
        del advance
        self.asked += pairs
        return [self.truth.get(each) for each in pairs]


def grouped(
    verifier: KnownVerdicts,
    known: Sequence[tuple[str, str]],
    skipped: Sequence[tuple[str, str]] = (),
    details: Callable[[Content], Details] = details,
    kinds: Sequence[Verdict] = COPIES,
) -> tuple[Group, ...]:
    contents = {NUMBER[name]: content(name) for name in SIZES}
    numbered = [(NUMBER[a], NUMBER[b]) for a, b in known]
    rules = Rules(policy(), frozenset(kinds), frozenset(), scope(), known_decisions())
    verified = VerifiedPairs(
        {pair: found for pair in numbered if (found := verifier.truth[pair])},
        tuple((NUMBER[a], NUMBER[b]) for a, b in skipped),
    )
    files = RankedFiles(contents, details, rules.policy, verified.copies)
    return choose_keepers(cluster(contents, files, verified, verifier, rules), contents, files, rules)


def paths(group: Group) -> list[bytes]:
    return [member.photo.path for member in group.members]


@pytest.mark.parametrize("first", [("/card", "/photo"), ("/card", "/small")])
def test_a_frame_gives_way_to_the_shot_in_it_whichever_pair_was_compared_first(
    first: tuple[str, str],
) -> None:
    verifier = KnownVerdicts(
        {
            ("/card", "/photo"): in_card(0.6, 0.45),
            ("/card", "/small"): in_card(0.6, 0.45),
            ("/photo", "/small"): RESAVE,
        }
    )
    (group,) = grouped(verifier, [first, ("/photo", "/small")], [("/card", "/photo")])
    assert paths(group) == [b"/photo", b"/small", b"/card"]
    assert group.members[2].reason.startswith(
        "the kept one is better, 1200x900 beats 2000x2000, which contains it at 1200x900"
    )
    assert group.members[0].reason.startswith("1200x900 beats ")
    assert not group.tied


def test_two_shots_in_one_card_are_no_copies_of_each_other() -> None:
    verifier = KnownVerdicts(
        {("/card", "/photo"): in_card(0.6, 0.45), ("/card", "/other"): in_card(0.5, 0.375)}
    )
    (group,) = grouped(verifier, [("/card", "/photo"), ("/card", "/other")])
    assert paths(group) == [b"/photo", b"/card"]
    assert (NUMBER["/photo"], NUMBER["/other"]) in verifier.asked


@pytest.mark.parametrize(
    ("set_off", "left", "is_collage"), [(0.6, 0.45, True), (0.4, 0.45, False), (0.6, 0.35, False)]
)
def test_parts_that_are_set_off_side_by_side_make_a_collage_around_which_nothing_gathers(
    set_off: float, left: float, *, is_collage: bool
) -> None:
    verifier = KnownVerdicts(
        {
            ("/card", "/photo"): in_card(0.6, 1, set_off=set_off),
            ("/card", "/other"): in_card(0.4, 1, left, set_off),
        }
    )
    (group,) = grouped(verifier, [("/card", "/photo"), ("/card", "/other")], details=lambda _: Details())
    assert (b"/other" in paths(group)) is not is_collage


def test_a_shot_that_is_only_small_leaves_the_frame_first() -> None:
    verifier = KnownVerdicts({("/card", "/small"): in_card(0.6, 0.45)})
    (group,) = grouped(verifier, [("/card", "/small")])
    assert paths(group) == [b"/card", b"/small"]
    assert group.members[1].reason.startswith("the kept one is better, 2000x2000 beats 240x180")


def test_a_copy_of_an_edit_that_is_not_recognised_itself_comes_with_that_edit() -> None:
    edit: PairVerdict = (Verdict.EDIT, Evidence())
    verifier = KnownVerdicts({("/photo", "/other"): edit, ("/small", "/other"): RESAVE})
    (group,) = grouped(verifier, [("/photo", "/other"), ("/small", "/other")])
    assert paths(group) == [b"/photo", b"/other", b"/small"]
    assert [member.evidence.indirect for member in group.members] == [None, None, True]
    assert (NUMBER["/photo"], NUMBER["/small"]) in verifier.asked


def test_of_copies_in_full_the_one_that_was_compared_with_most_is_compared_further() -> None:
    edit: PairVerdict = (Verdict.EDIT, Evidence())
    truth = {("/photo", "/small"): RESAVE, ("/small", "/other"): edit, ("/card", "/small"): edit}
    (group,) = grouped(KnownVerdicts(truth), [*truth][:2], [("/card", "/photo")])
    assert set(paths(group)) == {b"/card", b"/photo", b"/small", b"/other"}


def test_one_that_stands_for_its_copies_in_full_has_what_only_they_were_found_to_be_copies_of() -> None:
    edit: PairVerdict = (Verdict.EDIT, Evidence())
    truth = {("/photo", "/small"): RESAVE, ("/card", "/photo"): edit, ("/small", "/other"): edit}
    verifier = KnownVerdicts(truth)
    (group,) = grouped(verifier, [*truth])
    assert set(paths(group)) == {b"/card", b"/photo", b"/small", b"/other"}
    assert (NUMBER["/photo"], NUMBER["/other"]) in verifier.asked


def test_a_second_file_of_an_edit_that_stays_goes_for_that_file() -> None:
    photo, edit = content("/photo"), content("/other")
    again = replace(edit.photos[0], path=b"/longer name of the other")
    twins = replace(edit, photos=(*edit.photos, again))
    rules = Rules(policy(), frozenset(COPIES), frozenset(), scope(), known_decisions())
    of_edit = Cluster(0, {1: (Verdict.EDIT, Evidence())})
    (group,) = choose_keepers(
        [of_edit], {0: photo, 1: twins}, RankedFiles({0: photo, 1: twins}, details, rules.policy, {}), rules
    )
    assert [(member.photo.path, member.may_go) for member in group.members[1:]] == [
        (b"/other", False),
        (b"/longer name of the other", True),
    ]
    assert group.members[2].reason == "the same file as other, which stays"


@pytest.mark.parametrize(("again_seems", "kept"), [(0.81, b"/photo"), (0.01, b"/again")])
def test_a_file_saved_again_is_kept_for_showing_no_traces_only_if_it_certainly_has_none(
    again_seems: float, kept: bytes
) -> None:
    first, again = content("/photo"), content("/small")
    again = replace(
        again, photos=(replace(again.photos[0], path=b"/again", info=first.info),), info=first.info
    )
    contents = {0: first, 1: again}
    known = {
        first.digest: Details(quality=92, enlarged=0.98, contents=Contents()),
        again.digest: Details(quality=85, enlarged=again_seems, contents=Contents()),
    }
    rules = Rules(policy(), frozenset(COPIES), frozenset(), scope(), known_decisions())
    verified = VerifiedPairs({(0, 1): (Verdict.RESAVE, Evidence(agreement=1.0))})
    files = RankedFiles(contents, lambda each: known[each.digest], rules.policy, verified.copies)
    clusters = cluster(contents, files, verified, KnownVerdicts({}), rules)
    (group,) = choose_keepers(clusters, contents, files, rules)
    assert group.keeper.path == kept
    assert bool(group.members[1].stay_reason) == (kept == b"/photo")


def of_scene(
    rules: Rules,
    sharpness: dict[str, float],
    card: tuple[int, int] | None = None,
    details_of: Callable[[Content], Details] = lambda _: Details(camera="Maker Model"),
    kept_before: str = "/photo",
) -> Group:
    """The group of three shots of one size and one of another size; the second was not recognised in the third."""
    other_shot: PairVerdict = (Verdict.BURST, Evidence())
    names = ("/photo", "/other", "/small", "/card")
    contents = {NUMBER[name]: content(name) for name in names}
    sizes = dict.fromkeys(names, content("/photo").info) | {"/card": content("/small").info}
    if card:
        sizes["/card"] = replace(sizes["/card"], width=card[0], height=card[1])
    for name, info in sizes.items():
        known = contents[NUMBER[name]]
        contents[NUMBER[name]] = replace(known, photos=(replace(known.photos[0], info=info),))
    verifier = KnownVerdicts(
        {
            ("/photo", "/other"): other_shot,
            ("/photo", "/small"): other_shot,
            ("/photo", "/card"): other_shot,
            ("/card", "/photo"): other_shot,
        }
    )
    files = RankedFiles(contents, details_of, rules.policy, {})
    others = [NUMBER[name] for name in names if name != kept_before]
    before = Cluster(NUMBER[kept_before], {number: (Verdict.BURST, Evidence()) for number in others})
    clusters = choose_best_shots(
        [before],
        contents,
        files,
        verifier=verifier,
        rate=lambda each: [ShotQuality(sharpness[one.photos[0].path.decode()], 0.0, 0.0) for one in each],
        rules=rules,
    )
    (found,) = choose_keepers(clusters, contents, files, rules)
    return found


def test_a_shot_that_is_upright_or_of_another_shape_is_rated_and_not_judged_by_its_pixels() -> None:
    burst = frozenset({Verdict.BURST})
    rules = Rules(policy(["pixels"]), burst, burst, scope(), known_decisions())
    sharpness = {"/photo": 5.0, "/other": 5.0, "/small": 5.0, "/card": 9.0}
    for size in ((900, 1200), (1200, 800), (675, 1200)):
        assert of_scene(rules, sharpness, size).keeper.path == b"/card"


def test_the_best_shot_is_kept_and_one_that_is_not_recognised_in_it_stays_whoever_asks() -> None:
    burst = frozenset({Verdict.BURST})
    rules = Rules(policy(["pixels"]), burst, burst, scope(), known_decisions())
    found = of_scene(rules, {"/photo": 5.0, "/other": 10.0, "/small": 9.0})
    assert [(member.photo.path, member.reason) for member in found.members] == [
        (b"/other", "sharpest of 3 shots"),
        (b"/photo", "less sharp, 50 % of the kept one"),
        (b"/small", "less sharp, 90 % of the kept one"),
        (b"/card", "the kept one is better, 1200x900 beats 240x180"),
    ]
    assert "not certainly of the kept one" in words_of(found.members[2].stay_reason)
    assert not found.tied


def test_a_shot_that_is_recognised_in_another_one_than_the_kept_shot_stays_in_their_burst() -> None:
    other_shot: PairVerdict = (Verdict.BURST, Evidence())
    verifier = KnownVerdicts({("/photo", "/small"): other_shot, ("/small", "/other"): other_shot})
    known = [("/photo", "/small"), ("/small", "/other")]
    (found,) = grouped(verifier, known, kinds=[Verdict.BURST])
    assert paths(found) == [b"/photo", b"/other", b"/small"]
    assert "not certainly of the kept one" in words_of(found.members[1].stay_reason)


NO_CAMERA, SCREENSHOT = Details(), Details(camera="Maker Model", screenshot=True)


@pytest.mark.parametrize(
    ("other", "words"), [(NO_CAMERA, "its file tells of no camera"), (SCREENSHOT, "a screenshot")]
)
@pytest.mark.parametrize("size", [(1080, 2160), (1200, 900)], ids=["larger", "as large and sharper"])
@pytest.mark.parametrize("before", ["/card", "/photo"])
def test_what_no_camera_took_is_not_the_best_shot_of_a_burst(
    other: Details, words: str, size: tuple[int, int], before: str
) -> None:
    burst = frozenset({Verdict.BURST})
    rules = Rules(policy(), burst, burst, scope(), known_decisions())

    def some(*names: bytes) -> Callable[[Content], Details]:
        return lambda each: Details(camera="Maker Model") if each.photos[0].path in names else other

    sharpness = {"/photo": 8.0, "/other": 5.0, "/small": 5.0, "/card": 30.0}
    found = of_scene(rules, sharpness, size, some(b"/photo", b"/other", b"/small"), before)
    assert (found.keeper.path, found.members[0].reason) == (b"/photo", "sharpest of 3 shots")
    (card,) = (member for member in found.members if member.photo.path == b"/card")
    assert card.reason == words
    alone = of_scene(rules, sharpness, size, some(b"/photo"), before)
    assert alone.keeper.path == b"/photo"
    assert {member.reason for member in alone.members[1:]} == {words}


def test_without_camera_data_the_keep_rules_choose_the_first_shot() -> None:
    burst = frozenset({Verdict.BURST})
    rules = Rules(policy(), burst, burst, scope(), known_decisions())
    sharpness = {"/photo": 5.0, "/other": 10.0, "/small": 5.0, "/card": 5.0}
    found = of_scene(rules, sharpness, details_of=lambda _: Details())
    assert (found.keeper.path, found.members[0].reason) == (b"/other", "sharpest of 3 shots")
