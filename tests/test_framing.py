"""Which of two pictures is kept when one is in the other, and that copies of one picture keep their order all the same."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.act.framing import Framing, inset
from vtsfind.act.keep_policy import DEFAULT_RULES, KeepCandidate, policy
from vtsfind.base.groups import Box, Evidence, Photo, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.duplicates.keeper_ranking import SAME_FRAME_VERDICTS, CopyPair, KeeperRanking

SHOT = Details(camera="Maker Model", exif_fields=40)
BARE = Details()


def candidate(name: str, width: int, height: int, details: Details = BARE) -> KeepCandidate:
    stamp = Stamp(width * height, 10**18, 1)
    return KeepCandidate(Photo(name.encode(), stamp, bytes(32), PictureInfo(width, height)), details)


def part(width: float, height: float, left: float = 0.1, top: float = 0.1, *, turn: int = 1) -> Evidence:
    """Evidence for a box of this size, in shares of the second picture, the wider one."""
    return Evidence(box=Box(left, top, left + width, top + height), boxed=1, turn=turn)


def broken(evidence: Evidence, share: float) -> Evidence:
    """The same, where this share of the lines change at the edges of the box."""
    return replace(evidence, broken_off=share)


PHOTO = candidate("/photo.jpg", 1600, 1200, SHOT)
SCREEN = candidate("/screen.png", 1170, 2532)
ON_SCREEN = part(1.0, 877.5 / 2532, 0.0, 0.3)
CARD = candidate("/card.jpg", 2000, 2000)


def test_a_screenshot_with_more_pixels_comes_after_the_shot_that_it_shows() -> None:
    rules = policy()
    assert rules.ranked([PHOTO, SCREEN])[0] == SCREEN
    assert rules.is_frame(SCREEN, PHOTO, ON_SCREEN)
    assert rules.reason(PHOTO, SCREEN, ON_SCREEN).startswith(
        "1600x1200 beats 1170x2532, which contains it at 1170x878"
    )
    nearly = inset(SCREEN, PHOTO, part(0.9991, 877.5 / 2532, 0.0, 0.3))
    assert nearly
    assert nearly.size == "1170x878"


@pytest.mark.parametrize(
    ("wider", "narrower", "evidence", "framing"),
    [
        # an original and its crop: a camera's data are there
        (
            candidate("/o", 4000, 3000, SHOT),
            candidate("/c", 2000, 1500, SHOT),
            part(0.5, 0.5),
            Framing.WIDER,
        ),
        (candidate("/o", 4000, 3000, SHOT), candidate("/c", 2000, 1500), part(0.5, 0.5), Framing.WIDER),
        # the same crop, enlarged: it has more pixels of what both show, but no more than that
        (
            candidate("/o", 4000, 3000, SHOT),
            candidate("/c", 3900, 2925, SHOT),
            part(0.5, 0.5),
            Framing.WIDER,
        ),
        # a photo in a card, in its own size, smaller, larger
        (CARD, candidate("/p", 800, 600, SHOT), part(0.4, 0.3), Framing.FRAME),
        (CARD, candidate("/p", 1600, 1200, SHOT), part(0.4, 0.3), Framing.FRAME),
        (CARD, candidate("/p", 400, 300, SHOT), part(0.4, 0.3), Framing.WIDER),
        # nobody's data: a card or the original of a crop
        (CARD, candidate("/p", 800, 600), part(0.4, 0.3), Framing.UNCLEAR),
        (CARD, candidate("/p", 1600, 1200), part(0.4, 0.3), Framing.UNCLEAR),
        # it breaks off around the photo, as cards do; but a photo that is shown larger than it is was cut out of there
        (CARD, candidate("/p", 800, 600), broken(part(0.4, 0.3), 0.4), Framing.UNCLEAR),
        (CARD, candidate("/p", 800, 600), broken(part(0.4, 0.3), 0.9), Framing.LIKELY_FRAME),
        (CARD, candidate("/p", 400, 300), broken(part(0.4, 0.3), 0.9), Framing.WIDER),
        (
            candidate("/o", 2000, 2000, SHOT),
            candidate("/p", 800, 600),
            broken(part(0.4, 0.3), 0.9),
            Framing.WIDER,
        ),
        # a screenshot says that it is one
        (
            replace(CARD, details=Details(screenshot=True)),
            candidate("/p", 800, 600),
            part(0.4, 0.3),
            Framing.FRAME,
        ),
        # cut off in a tile of a collage; enlarged there; in one that a camera made
        (CARD, candidate("/p", 2400, 900), part(0.7, 0.4, 0.3, 0.0), Framing.COLLAGE),
        (CARD, candidate("/p", 900, 2400), part(0.4, 0.7, 0.0, 0.3), Framing.COLLAGE),
        (CARD, candidate("/p", 800, 300), part(0.7, 0.4, 0.3, 0.0), None),
        (candidate("/c", 2000, 2000, SHOT), candidate("/p", 2400, 900), part(0.7, 0.4, 0.3, 0.0), None),
        # two crops of one shot; a part that was turned
        (CARD, candidate("/p", 1600, 1000), part(0.7, 0.9, 0.3, 0.0), None),
        (CARD, candidate("/p", 2400, 900), part(0.7, 0.4, 0.2, 0.3), None),
        # lying on its side
        (CARD, candidate("/p", 600, 800, SHOT), part(0.4, 0.3, turn=6), Framing.FRAME),
    ],
)
def test_what_a_wider_picture_is_follows_from_detail_and_camera(
    wider: KeepCandidate, narrower: KeepCandidate, evidence: Evidence, framing: Framing | None
) -> None:
    found = inset(wider, narrower, evidence)
    assert (found and found.framing) is framing


@pytest.mark.parametrize(
    "evidence",
    [Evidence(), part(0.98, 0.98, 0.01, 0.01), part(0.4, 0.4), part(0.4, 0.3, turn=6)],
    ids=["no box", "all but a strip", "another shape", "another shape when turned"],
)
def test_a_box_that_has_not_all_of_the_other_in_it_says_nothing(evidence: Evidence) -> None:
    assert inset(CARD, candidate("/p", 800, 600, SHOT), evidence) is None


SCREENSHOT = replace(SCREEN, details=Details(screenshot=True))
SEEMS_ENLARGED = Details(enlarged=0.99)


def test_a_photo_without_camera_data_comes_before_its_screenshot_if_it_is_as_large_as_shown_though_it_seems_enlarged() -> (
    None
):
    rules, photo = policy(), candidate("/photo.jpg", 1170, 877, SEEMS_ENLARGED)
    assert rules.ranked([photo, SCREENSHOT])[0] == SCREENSHOT
    assert rules.is_frame(SCREENSHOT, photo, ON_SCREEN)
    words = "the photo itself; the other is a screenshot of it, which shows it at 1170x878"
    assert rules.reason(photo, SCREENSHOT, ON_SCREEN) == words
    words = "is a screenshot of the kept one, which shows it at 1170x878"
    assert rules.loss(photo, SCREENSHOT, ON_SCREEN) == words
    card = replace(SCREEN, details=Details())
    assert not rules.is_frame(card, photo, ON_SCREEN), (
        "what is no screenshot may be the original of an enlarged crop"
    )


def test_a_photo_that_is_shown_larger_than_it_is_comes_after_its_screenshot() -> None:
    rules, photo = policy(), candidate("/photo.jpg", 800, 600)
    assert not rules.is_frame(SCREENSHOT, photo, ON_SCREEN)
    facing = replace(ON_SCREEN, boxed=0)
    words = "shows it at 1170x878 on a screen, larger than 800x600"
    assert rules.reason(SCREENSHOT, photo, facing) == words
    assert rules.loss(SCREENSHOT, photo, facing) == f"the kept one {words}"


def test_a_shot_that_names_its_camera_comes_before_a_screenshot_that_shows_it_larger() -> None:
    screen = candidate("/screen", 1080, 2160, Details(screenshot=True))
    for shot, framing in (
        (candidate("/p", 400, 300, SHOT), Framing.FRAME),
        (candidate("/p", 400, 300), Framing.WIDER),
    ):
        found = inset(screen, shot, part(1.0, 0.375, 0.0, 0.3))
        assert found is not None
        assert found.framing is framing


def test_a_photo_of_which_a_screenshot_shows_a_part_is_no_collage_with_it() -> None:
    named = candidate("/Screenshot_1.png", 540, 1170)
    photo, seen = candidate("/photo.jpg", 1200, 900), part(0.5, 1.0, 0.2, 0.0)
    assert inset(photo, named, seen) is None
    other = candidate("/tile.png", 540, 1170)
    assert (found := inset(photo, other, seen))
    assert found.framing is Framing.COLLAGE


def test_a_photo_that_a_screenshot_cuts_off_comes_before_it() -> None:
    rules, photo = policy(), candidate("/photo.jpg", 2400, 1200, SEEMS_ENLARGED)
    cut = part(1.0, 0.4, 0.0, 0.3)
    assert rules.is_frame(SCREENSHOT, photo, cut)
    assert rules.reason(photo, SCREENSHOT, cut).endswith("is a screenshot of it, which shows a part of it")


def test_a_collage_or_a_crop_without_a_cameras_data_is_kept_wide_and_told_as_a_doubt() -> None:
    rules, photo = policy(), candidate("/p", 800, 600)
    facing = replace(part(0.4, 0.3), boxed=0)
    assert not rules.is_frame(CARD, photo, part(0.4, 0.3))
    assert rules.ambiguity(CARD, photo, facing) == "a crop or a collage"
    assert "which it contains" in rules.reason(CARD, photo, facing)
    shot = candidate("/o", 2000, 2000, SHOT)
    assert rules.ambiguity(shot, photo, facing) == ""
    assert rules.reason(shot, photo, facing) == "2000x2000 beats 800x600; has the camera's name"


def test_what_breaks_off_around_a_photo_comes_after_it_and_is_told_as_a_doubt() -> None:
    rules, photo = policy(), candidate("/p", 800, 600)
    seen = broken(part(0.4, 0.3), 0.9)
    assert rules.ranked([photo, CARD])[0] == CARD
    assert rules.is_frame(CARD, photo, seen)
    assert rules.ambiguity(photo, CARD, seen) == "a crop or a collage"
    assert rules.ambiguity(CARD, photo, replace(seen, boxed=0)) == "a crop or a collage"
    assert "which contains it at 800x600: a collage or card" in rules.reason(photo, CARD, seen)


def test_a_collage_that_cuts_a_picture_off_comes_after_it() -> None:
    rules, photo = policy(), candidate("/p", 2400, 900)
    collage = candidate("/collage", 2000, 2000)
    cut = part(0.7, 0.4, 0.3, 0.0)
    assert rules.ranked([photo, collage])[0] == collage
    assert rules.is_frame(collage, photo, cut)
    assert "which contains a part of it among other things" in rules.reason(photo, collage, cut)


def test_a_rule_before_the_pixels_decides_about_frames_too() -> None:
    for rules in (
        policy(reference=[b"/screen.png"]),
        policy(["folder", "pixels"], prefer=[b"/screen.png"]),
        policy(["smallest"]),
    ):
        assert not rules.is_frame(SCREEN, PHOTO, ON_SCREEN)
        assert "which contains it at" not in rules.reason(SCREEN, PHOTO, ON_SCREEN)


# --------------------------------------------------------------------------------------------- the order of many

NUMBERS = range(7)
shots = st.builds(
    candidate,
    st.integers(0, 10**6).map("/{:07}".format),
    st.sampled_from([400, 800, 1600, 2000]),
    st.sampled_from([400, 600, 1200, 2000]),
    st.sampled_from([BARE, SHOT]),
)
several = st.lists(
    shots, min_size=len(NUMBERS), max_size=len(NUMBERS), unique_by=lambda each: each.photo.path
)
evidence = st.builds(
    lambda width, height, boxed: Evidence(box=Box(0.0, 0.0, width, height), boxed=boxed),
    st.sampled_from([0.2, 0.4, 0.5, 0.8]),
    st.sampled_from([0.2, 0.3, 0.5, 0.8]),
    st.sampled_from([0, 1]),
)
pairs = st.tuples(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)).filter(lambda pair: pair[0] < pair[1])
edges = st.one_of(
    st.tuples(pairs, st.just(Verdict.EDIT), evidence),
    st.tuples(pairs, st.sampled_from(sorted(SAME_FRAME_VERDICTS)), st.just(Evidence())),
)
graphs = st.lists(edges, max_size=14, unique_by=lambda edge: edge[0])


@given(several, graphs, st.sampled_from([list(DEFAULT_RULES), ["smallest"], ["contents", "pixels"]]))
def test_copies_of_one_picture_come_in_the_order_of_the_policy_whatever_frames_there_are(
    photos: list[KeepCandidate], graph: list[CopyPair], names: list[str]
) -> None:
    rules = policy(names)
    best = dict(enumerate(photos))
    order = KeeperRanking(best, rules).order(graph)
    assert sorted(order) == list(NUMBERS)
    for (a, b), verdict, _ in graph:
        if verdict in SAME_FRAME_VERDICTS:
            assert (order.index(a) < order.index(b)) == (rules.key(best[a]) < rules.key(best[b]))


@given(several, graphs)
def test_the_order_does_not_depend_on_the_order_of_the_pairs(
    photos: list[KeepCandidate], graph: list[CopyPair]
) -> None:
    precedence = KeeperRanking(dict(enumerate(photos)), policy())
    shuffled = random.Random(0).sample(graph, len(graph))
    assert precedence.order(graph) == precedence.order(shuffled)


def test_a_frame_comes_right_after_the_shot_in_it_and_takes_its_copies_along() -> None:
    small_card = candidate("/card-small.jpg", 1900, 1900)
    thumbnail = candidate("/thumb.jpg", 160, 120, SHOT)
    stranger = candidate("/stranger.jpg", 1800, 1000, SHOT)
    photo = candidate("/p.jpg", 1600, 1000, SHOT)
    best = dict(enumerate([CARD, small_card, stranger, photo, thumbnail]))
    graph: list[CopyPair] = [
        ((0, 1), Verdict.RESAVE, Evidence()),
        ((0, 3), Verdict.EDIT, replace(part(0.8, 0.5), boxed=0)),
        ((3, 4), Verdict.RESAVE, Evidence()),
    ]
    precedence = KeeperRanking(best, policy())
    assert precedence.order([]) == [0, 1, 2, 3, 4]
    assert precedence.order(graph) == [2, 3, 0, 1, 4]


def test_a_frame_in_a_frame_comes_last() -> None:
    best = dict(enumerate([candidate("/screen", 3000, 3000), CARD, candidate("/p.jpg", 1000, 1000, SHOT)]))
    graph: list[CopyPair] = [
        ((1, 2), Verdict.EDIT, replace(part(0.5, 0.5), boxed=0)),
        ((0, 2), Verdict.EDIT, replace(part(0.3, 0.3), boxed=0)),
    ]
    assert KeeperRanking(best, policy()).order(graph) == [2, 0, 1]
