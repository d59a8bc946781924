"""A law: whatever a plan proposes to go has nothing in it that the kept file lacks."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.made_groups import words_of
from support.made_plans import ORIGIN

from vtsfind.act.keep_policy import KeepCandidate, policy
from vtsfind.act.make_plan import make_plan
from vtsfind.act.removal import stay_reasons
from vtsfind.base.contents import Contents, Item, ItemKind, in_order
from vtsfind.base.groups import Evidence, Group, Member, Photo, StayReason, Verdict
from vtsfind.base.operations import Action
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp

ITEMS = st.builds(Item, st.sampled_from(ItemKind), st.sampled_from(["1", "2"]))
CONTENTS = st.builds(
    Contents,
    frames=st.sampled_from([1, 1, 1, 2, 12]),
    animated=st.booleans(),
    transparent=st.sampled_from([False, False, True]),
    bits=st.sampled_from([8, 8, 8, 10, 16]),
    colours=st.sampled_from(["RGB", "RGB", "grey", "palette", "CMYK", "CIELAB"]),
    profile=st.sampled_from(["", "", "Display P3", "Adobe RGB"]),
    items=st.lists(ITEMS, max_size=2).map(in_order),
)
DETAILS = st.builds(
    Details,
    quality=st.sampled_from([None, 60, 95]),
    lossless=st.booleans(),
    enlarged=st.sampled_from([None, 0.01, 0.99]),
    camera=st.sampled_from(["", "Maker Model"]),
    contents=st.none() | CONTENTS | CONTENTS,
)
SIZES = st.sampled_from([(400, 300), (800, 600)])
OF_SAME_PIXELS = frozenset({Verdict.BYTES, Verdict.PIXELS})


@st.composite
def candidates(draw: st.DrawFn) -> list[KeepCandidate]:
    """Two or three files with random contents, some of the same bytes."""
    found = []
    for number in range(draw(st.integers(2, 3))):
        info = PictureInfo(*draw(SIZES), format=draw(st.sampled_from(["JPEG", "PNG", "HEIF"])))
        photo = Photo(b"/%d.jpg" % number, Stamp(100, number, number), bytes([number]) * 32, info)
        found.append(KeepCandidate(photo, draw(DETAILS)))
    if draw(st.booleans()):
        again = replace(found[0].photo, path=b"/again.jpg")
        found.append(KeepCandidate(again, found[0].details))
    return found


def group_of(files: list[KeepCandidate], verdicts: list[Verdict]) -> Group:
    """The group of some files, as it is proposed."""
    keeper, *others = policy().ranked(files)
    members = [Member(keeper.photo, None, Evidence(), "", keeper.details)]
    for other, drawn in zip(others, verdicts, strict=False):
        verdict = Verdict.BYTES if other.photo.digest == keeper.photo.digest else drawn
        details = other.details
        if verdict is Verdict.PIXELS and keeper.details.contents and details.contents:
            # the digest of the pixels says that all of this is the same
            kept = keeper.details.contents
            shown = {name: getattr(kept, name) for name in ("frames", "animated", "transparent", "bits")}
            details = replace(details, contents=replace(details.contents, **shown))
        members.append(Member(other.photo, verdict, Evidence(), "", details))
    staying = stay_reasons(members)
    return Group(1, tuple(replace(each, stay_reason=staying.get(i)) for i, each in enumerate(members)))


@given(
    candidates(),
    st.lists(st.sampled_from([v for v in Verdict if v is not Verdict.BYTES]), min_size=3, max_size=3),
)
def test_whatever_goes_has_no_content_that_the_kept_one_lacks(
    files: list[KeepCandidate], verdicts: list[Verdict]
) -> None:
    group = group_of(files, verdicts)
    (planned,) = make_plan([group], ORIGIN).groups
    by_path = {member.photo.path: member for member in group.members}
    for file in planned.files:
        if file.action is not Action.TRASH:
            continue
        keeper = planned.keeper_of(file)
        assert keeper is not None
        assert keeper.action is Action.KEEP
        if keeper.digest == file.digest:
            continue
        assert file.verdict in {Verdict.PIXELS, Verdict.RESAVE, Verdict.TURNED}
        kept, going = (by_path[each.path].details for each in (keeper, file))
        assert kept
        assert going
        assert_holds_all(kept.contents, going.contents, same_pixels=file.verdict in OF_SAME_PIXELS)


def assert_holds_all(kept: Contents | None, going: Contents | None, *, same_pixels: bool) -> None:
    """Everything that is in one file is in the other."""
    assert kept is not None
    assert going is not None
    assert set(going.items) <= set(kept.items)
    assert going.profile in {"", kept.profile}
    assert going.colours not in {"CMYK", "CIELAB"} or going.colours == kept.colours
    if not same_pixels:
        assert going.frames == 1
        assert going.bits == 8
        assert not going.transparent
        assert not kept.transparent


def test_a_photo_never_goes_for_a_screenshot_of_it_though_edits_are_asked_for() -> None:
    plain = Details(enlarged=0.0, contents=Contents())
    members = [
        Member(
            Photo(path, Stamp(1, 1, 1), path.rjust(32), PictureInfo(*size)), verdict, Evidence(), "", plain
        )
        for path, size, verdict in (
            (b"/phone/Screenshot_2024-01-04.png", (540, 1170), None),
            (b"/phone/IMG_1046.jpg", (256, 256), Verdict.EDIT),
            (b"/phone/Screenshot_2024-01-05.png", (540, 1170), Verdict.EDIT),
        )
    ]
    reasons = stay_reasons(members, asked={Verdict.EDIT})
    assert reasons == {1: StayReason("the kept one is a screenshot of it"), 2: None}


def test_of_two_of_one_size_of_which_one_seems_enlarged_the_other_stays_unless_it_is_certain() -> None:
    def member(path: bytes, enlarged: float, quality: int, verdict: Verdict | None) -> Member:
        known = Details(quality=quality, enlarged=enlarged, contents=Contents())
        info = PictureInfo(640, 480, format="JPEG")
        return Member(Photo(path, Stamp(1, 1, 1), path.rjust(32), info), verdict, Evidence(), "", known)

    original, again = (
        member(b"/original.jpg", 0.98, 92, None),
        member(b"/again.jpg", 0.81, 85, Verdict.RESAVE),
    )
    assert "this may be the original" in words_of(stay_reasons([original, again])[1])
    assert "JPEG quality 92 beats 85" in words_of(stay_reasons([again, original])[1])
    certain = replace(again, details=Details(quality=85, enlarged=0.01, contents=Contents()))
    assert stay_reasons([certain, replace(original, verdict=Verdict.RESAVE)]) == {1: None}
