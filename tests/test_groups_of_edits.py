"""Groups of real photos and their edits hold together, whichever of them is kept and whichever pairs were compared first."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from support.made_groups import words_of
from support.real_photos import photo

from vtsfind.act.keep_policy import policy
from vtsfind.act.removal import stay_reasons
from vtsfind.base.groups import COPIES, Group, PairVerdict, Photo, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.duplicates.clustering import cluster
from vtsfind.engine.duplicates.keeper_ranking import RankedFiles
from vtsfind.engine.duplicates.keepers import choose_keepers
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verification import VerifiedPairs
from vtsfind.engine.duplicates.verifier import Advance
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.scope import scope
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.features.features import features
from vtsfind.find.pairs import Pair
from vtsfind.find.verification.verify import PhotoFeatures, verify

Pictures = Mapping[str, Image.Image]


def scaled(image: Image.Image, factor: float) -> Image.Image:
    size = round(image.width * factor), round(image.height * factor)
    return image.resize(size, Image.Resampling.LANCZOS)


def window(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    w, h = image.size
    return image.crop((round(left * w), round(top * h), round(right * w), round(bottom * h)))


def with_sticker(image: Image.Image) -> Image.Image:
    """A yellow disc over a quarter of the picture."""
    image = image.copy()
    box = (0.3 * image.width, 0.3 * image.height, 0.75 * image.width, 0.8 * image.height)
    ImageDraw.Draw(image).ellipse(box, fill=(250, 210, 40), outline=(0, 0, 0), width=4)
    return image


def screenshot(image: Image.Image) -> Image.Image:
    """A photo on a screen, with a bar above and lines of text below."""
    screen = Image.new("RGB", (image.width + 40, image.height * 2), (250, 250, 250))
    draw = ImageDraw.Draw(screen)
    draw.rectangle((0, 0, screen.width, 40), fill=(30, 90, 160))
    screen.paste(image, (20, image.height // 2))
    for line in range(5):
        top = round(image.height * 1.55) + 18 * line
        draw.rectangle((30, top, 230 - 20 * line, top + 8), fill=(90, 90, 90))
    return screen


def meme(image: Image.Image, text: str) -> Image.Image:
    """A photo below a white bar with a text."""
    made = Image.new("RGB", (image.width, image.height + 70), (255, 255, 255))
    made.paste(image, (0, 70))
    ImageDraw.Draw(made).text((10, 10), text, fill=(0, 0, 0), font=ImageFont.load_default(size=40))
    return made


def side_by_side(first: Image.Image, second: Image.Image) -> Image.Image:
    height = min(first.height, second.height)
    parts = [scaled(image, height / image.height) for image in (first, second)]
    canvas = Image.new("RGB", (sum(part.width for part in parts) + 12, height), (255, 255, 255))
    canvas.paste(parts[0], (0, 0))
    canvas.paste(parts[1], (parts[0].width + 12, 0))
    return canvas


@cache
def versions(name: str) -> Pictures:
    """A photo and nine edits; the sticker hides what the crop shows, and the screenshot has the most pixels."""
    image = photo(name)
    return {
        "photo": image,
        "half": scaled(image, 0.5),
        "sticker": scaled(with_sticker(image), 1.6),
        "crop": window(image, 0.28, 0.3, 0.8, 0.8),
        "faded": image.point(lambda value: 60 + value // 2),
        "blurred": image.filter(ImageFilter.GaussianBlur(2.5)),
        "crooked": image.rotate(12, Image.Resampling.BICUBIC, expand=True),
        "screenshot": scaled(screenshot(image), 1.5),
        "meme": meme(image, "when it rains"),
        "other meme": meme(image, "FRIDAY NIGHT ok"),
    }


class Photographs:
    """Compares pictures, which are called by their number, and notes the pairs."""

    def __init__(self, pictures: Pictures) -> None:
        self.names = list(pictures)
        self._pictures = [np.asarray(image.convert("RGB")) for image in pictures.values()]
        self._looked = [self._look(number) for number in range(len(self.names))]
        self._known: dict[Pair, PairVerdict] = {}

    def _look(self, number: int) -> PhotoFeatures:
        height, width = self._pictures[number].shape[:2]
        info = PictureInfo(width, height, format="JPEG")
        return PhotoFeatures(features(self._pictures[number]), info, bytes([number]) * 32)

    def content(self, number: int) -> Content:
        looked = self._looked[number]
        stamp = Stamp(looked.info.width * looked.info.height, 1, number)
        path = b"/" + self.names[number].encode()
        return Content(looked.digest, looked.info, (Photo(path, stamp, looked.digest, looked.info),))

    def verdicts(self, pairs: Sequence[Pair], advance: Advance = print) -> list[PairVerdict]:
        del advance
        for first, second in pairs:
            if (first, second) not in self._known:
                self._known[first, second] = verify(self._looked[first], self._looked[second])
        return [self._known[pair] for pair in pairs]

    def groups(self, compared: Sequence[Pair]) -> tuple[Group, ...]:
        """The groups, where some pairs are compared first."""
        rules = Rules(policy(), frozenset(COPIES), frozenset(), scope(), known_decisions())
        contents = {number: self.content(number) for number in range(len(self.names))}
        copies = {
            pair: found
            for pair, found in zip(compared, self.verdicts(compared), strict=True)
            if found and found[0] in COPIES
        }
        files = RankedFiles(contents, lambda _: Details(), rules.policy, copies)
        return choose_keepers(
            cluster(contents, files, VerifiedPairs(copies), self, rules), contents, files, rules
        )


@cache
def photographs(name: str) -> Photographs:
    return Photographs(versions(name))


def named(groups: Sequence[Group]) -> list[set[str]]:
    return [{member.photo.path[1:].decode() for member in group.members} for group in groups]


def neighbours(order: Sequence[int]) -> list[Pair]:
    """Each with the next two."""
    pairs = [(a, b) for step in (1, 2) for a, b in zip(order, order[step:], strict=False)]
    return sorted({(min(pair), max(pair)) for pair in pairs})


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["astronaut", "osprey", "spaniels"])
def test_a_photo_and_its_edits_are_one_group_whichever_pairs_were_compared_first(
    name: str, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(versions(name))).tolist()
    (group,) = photographs(name).groups(neighbours(order))
    assert named([group]) == [set(versions(name))]


def test_an_edit_that_is_not_recognised_in_the_keeper_stays_with_the_photo_that_both_were_made_of() -> None:
    photos = photographs("astronaut")
    chosen = {name: versions("astronaut")[name] for name in ("photo", "sticker", "crop")}
    (group,) = Photographs(chosen).groups([(0, 1), (0, 2)])
    assert group.keeper.path == b"/sticker"
    (crop,) = [member for member in group.members if member.photo.path == b"/crop"]
    assert (crop.verdict, crop.evidence.indirect) == (Verdict.EDIT, True)
    reasons = stay_reasons(group.members, asked=COPIES)
    assert (
        words_of(reasons[group.members.index(crop)])
        == "is a copy of another photo of the group, not certainly of the kept one"
    )
    sticker, small = (photos.names.index(name) for name in ("sticker", "crop"))
    (direct,) = photos.verdicts([(min(sticker, small), max(sticker, small))])
    assert direct is None or direct[0] not in COPIES


@pytest.mark.parametrize("name", ["astronaut", "osprey"])
def test_a_small_copy_of_a_meme_is_found_beside_another_meme_of_the_template(name: str) -> None:
    made = versions(name)
    memes = {
        "other meme": made["other meme"],
        "meme": made["meme"],
        "small meme": scaled(made["meme"], 0.5),
    }
    (group,) = Photographs(memes).groups([(0, 1), (0, 2), (1, 2)])
    assert named([group]) == [{"meme", "small meme"}]


def test_a_copy_of_an_edit_that_is_not_recognised_itself_comes_with_that_edit() -> None:
    made = versions("astronaut")
    tiny = scaled(made["sticker"], 0.25)
    pictures = {"photo": made["photo"], "crop": made["crop"], "sticker": made["sticker"], "tiny": tiny}
    (group,) = Photographs(pictures).groups([(0, 1), (0, 2), (2, 3)])
    assert named([group]) == [set(pictures)]


@pytest.mark.parametrize("compared", [list(combinations(range(5), 2)), [(0, 4), (1, 4), (2, 4), (3, 4)]])
def test_a_collage_of_two_photos_does_not_make_one_group_of_them(compared: list[Pair]) -> None:
    one, two = photo("astronaut"), photo("osprey")
    pictures = {
        "one": one,
        "two": two,
        "one small": scaled(one, 0.6),
        "two small": scaled(two, 0.6),
        "collage": scaled(side_by_side(one, two), 1.5),
    }
    groups = named(Photographs(pictures).groups(compared))
    assert sorted(sorted(group - {"collage"}) for group in groups) == [
        ["one", "one small"],
        ["two", "two small"],
    ]
