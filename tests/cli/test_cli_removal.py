"""What may go: at each place that says it, only a file of which another one has everything that is in it."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support import block_encoder
from support.answers import Answers, Pair
from support.drawn_photos import encoded
from support.rich_files import (
    camera_exif,
    deep_png,
    iptc_segment,
    motion_photo,
    several,
    with_gain_map,
    with_segment,
    xmp,
)
from support.textures import photograph

from vtsfind.media import formats

formats.register(formats.HEIF)  # so that tests can write them


def still(seed: int, **options: object) -> bytes:
    return encoded(photograph(seed), "JPEG", **{"quality": 90, **options})


def frames(kind: str, seed: int, *others: int, **options: object) -> bytes:
    return several(kind, [photograph(each) for each in (seed, *others)], **options)


def deep(seed: int) -> bytes:
    values = np.asarray(photograph(seed)).astype(np.uint16) * 256
    return deep_png(values + np.random.default_rng(seed).integers(0, 256, values.shape).astype(np.uint16))


def swayed(seed: int) -> Image.Image:
    """The next shot of a burst: other noise, and a sway of a hundredth."""
    moved = photograph(seed).transform(
        (384, 288), Image.Transform.AFFINE, (1, 0, 3.8, 0, 1, 2.1), Image.Resampling.BICUBIC
    )
    noise = np.random.default_rng(seed).normal(0, 3, (288, 384, 3))
    return Image.fromarray(np.clip(np.asarray(moved) + noise, 0, 255).astype(np.uint8))


def shot(seed: int, image: Image.Image, subseconds: str) -> bytes:
    del seed
    return encoded(image, "JPEG", quality=90, exif=camera_exif(subseconds=subseconds))


def shape(seed: int) -> npt.NDArray[np.bool_]:
    """A logo: a few discs, other ones for every seed."""
    y, x = np.mgrid[:288, :384]
    centres = np.random.default_rng(seed).integers((40, 40), (250, 340), (6, 2))
    discs = [(y - row) ** 2 + (x - column) ** 2 < 900 for row, column in centres]
    return np.asarray(np.any(discs, axis=0))


def logo(seed: int) -> bytes:
    """A white logo on transparent ground."""
    values = np.full((288, 384, 4), 255, np.uint8)
    values[..., 3] = shape(seed) * np.uint8(255)
    return encoded(Image.fromarray(values), "PNG")


def see_through(seed: int, alpha: int) -> bytes:
    """A white photo that shows through in some places, which are seen on black only."""
    values = np.full((288, 384, 4), 255, np.uint8)
    values[..., :3] = np.asarray(photograph(seed))
    values[100:200, 100:200] = (255, 255, 255, alpha)
    return encoded(Image.fromarray(values), "PNG")


def labels(seed: int) -> bytes:
    """A map of labels in 16 bits with values below 256, all of them black in eight bits."""
    return deep_png(shape(seed).astype(np.uint16) * 200)


def made_from(seed: int, kind: str, other: str, **options: object) -> Pair:
    """A picture without metadata, and what was made from it in another format."""
    original = encoded(photograph(seed), kind, quality=90)
    made = Image.open(io.BytesIO(original)).convert("RGB")
    return {f"a.{kind.lower()}": original, f"b.{other.lower()}": encoded(made, other, **options)}


KEYWORDS = xmp(keywords=["sea", "beach"], caption="At the sea", rating=4)
PAIRS: dict[str, Pair] = {
    "pages of a TIFF": {"a.tif": frames("TIFF", 1, 101), "b.tif": frames("TIFF", 1, 102)},
    "frames of a GIF": {"a.gif": frames("GIF", 2, 101), "b.gif": frames("GIF", 2, 102)},
    "frames of an APNG": {"a.png": frames("PNG", 3, 101), "b.png": frames("PNG", 3, 102)},
    "frames of a WebP": {"a.webp": frames("WEBP", 4, 101), "b.webp": frames("WEBP", 4, 102)},
    "pictures of a HEIC": {"a.heic": frames("HEIF", 5, 101), "b.heic": frames("HEIF", 5, 102)},
    "eyes of a stereo picture": {"a.mpo": frames("MPO", 6, 101), "b.mpo": frames("MPO", 6, 102)},
    "the same animation": {
        "a.png": frames("PNG", 7, 101),
        "longer name.png": frames("PNG", 7, 101, compress_level=1),
    },
    "a still of an animation": {"a.webp": frames("WEBP", 8, 101), "b.png": encoded(photograph(8), "PNG")},
    "sixteen and eight bits": {"deep.png": deep(9), "b.png": encoded(photograph(9), "PNG")},
    "a motion photo and its still": {"a.jpg": still(10), "longer name.jpg": motion_photo(still(10))},
    "a gain map": {"a.jpg": still(11), "longer name.jpg": with_gain_map(still(11))},
    "two gain maps": {"a.jpg": with_gain_map(still(12), 1), "b.jpg": with_gain_map(still(12), 2)},
    "keywords in XMP": {"a.jpg": still(13), "longer name.jpg": still(13, xmp=KEYWORDS)},
    "keywords in IPTC": {
        "a.jpg": still(14),
        "longer name.jpg": with_segment(still(14), 0xED, iptc_segment(["sea"], "At the sea")),
    },
    "other keywords": {
        "a.jpg": still(15, xmp=xmp(keywords=["sea"])),
        "b.jpg": still(15, xmp=xmp(keywords=["cat"])),
    },
    "a place": {"a.jpg": still(16), "longer name.jpg": still(16, exif=camera_exif(place=(48.1, 11.5)))},
    "faces": {"a.jpg": still(17), "longer name.jpg": still(17, xmp=xmp(faces=["Ann"]))},
    "editing steps": {
        "a.jpg": still(18),
        "longer name.jpg": still(18, xmp=xmp(edits={"Exposure2012": "+1.00"})),
    },
    "data behind the picture": {"a.jpg": still(19), "longer name.jpg": still(19) + b"something else"},
    "black and white": {
        "a.jpg": still(20),
        "b.jpg": encoded(photograph(20).convert("L"), "JPEG", quality=90),
    },
    "saved by an editor minutes later": {
        "a.jpg": still(21, exif=camera_exif(place=(48.1, 11.5))),
        "b.jpg": encoded(
            photograph(21),
            "JPEG",
            quality=70,
            exif=camera_exif(taken=None, model=None, changed="2021:07:03 12:37:45", software="An editor"),
        ),
    },
    "a burst in one second": {
        "a.jpg": shot(22, photograph(22), "120"),
        "b.jpg": shot(22, swayed(22), "240"),
    },
    "another film beside it": {
        "a.jpg": still(30),
        "a.mov": b"film",
        "b.jpg": still(30),
        "b.mov": b"another film",
    },
    "the same film beside it": {"a.jpg": still(31), "a.mov": b"film", "b.jpg": still(31), "b.mov": b"film"},
    "notes of an editor beside it": {
        "a.jpg": still(32),
        "b.jpg": still(32, quality=70),
        "b.xmp": b"notes",
        "b.jpg.pp3": b"steps",
    },
    "other notes of an editor": {
        "a.jpg": still(33),
        "a.xmp": b"notes",
        "b.jpg": still(33, quality=70),
        "b.xmp": b"other notes",
    },
    "the still of a live photo and one with its place": {
        "a.jpg": still(34),
        "a.mov": b"film",
        "b.jpg": still(34, exif=camera_exif(place=(48.1, 11.5))),
    },
    "a smaller copy without the camera's data": {
        "a.jpg": still(23, exif=camera_exif(size=(384, 288))),
        "b.jpg": encoded(photograph(23).resize((192, 144)), "JPEG", quality=80),
    },
    "a JPEG made from a WebP": made_from(35, "WEBP", "JPEG", quality=80),
    "a JPEG made from few colours": made_from(36, "GIF", "JPEG", quality=95),
    "white logos": {"a.png": logo(25), "b.png": logo(26)},
    "other transparency": {"a.png": see_through(27, 255), "b.png": see_through(27, 100)},
    "maps of labels": {"a.png": labels(28), "b.png": labels(29)},
    "a colour profile": {
        "a.jpg": still(24),
        "longer name.jpg": still(24, icc_profile=b""),
    },
}
GOES: dict[str, set[str]] = {
    "the same animation": {"longer name.png"},
    "sixteen and eight bits": {"b.png"},
    "a motion photo and its still": {"a.jpg"},
    "a gain map": {"a.jpg"},
    "keywords in XMP": {"a.jpg"},
    "keywords in IPTC": {"a.jpg"},
    "a place": {"a.jpg"},
    "faces": {"a.jpg"},
    "editing steps": {"a.jpg"},
    "data behind the picture": {"a.jpg"},
    "saved by an editor minutes later": {"b.jpg"},
    "a smaller copy without the camera's data": {"b.jpg"},
    "a colour profile": {"longer name.jpg"},
    "the same film beside it": {"b.jpg"},
    "notes of an editor beside it": {"b.jpg"},
    "the still of a live photo and one with its place": {"a.jpg"},
}
"""What goes of each pair; nothing of the others."""
VERDICTS = {
    "the same animation": "pixels",
    "sixteen and eight bits": "resave",
    "a still of an animation": "edit",
    "black and white": "edit",
    "a burst in one second": None,
    "saved by an editor minutes later": "resave",
}
"""What the files of a pair are to each other, where that matters."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        for name in ("CONFIG", "DATA", "CACHE", "STATE"):
            patch.setenv(f"VTSFIND_{name}_DIR", str(home / name.lower()))
        patch.setenv("VTSFIND_MODEL", block_encoder.NAME)
        patch.setenv("VTSFIND_WORKERS", "2")
        block_encoder.register()
        block_encoder.install(patch.setattr)
        asked = Answers(tmp_path_factory.mktemp("pairs"))
        asked.write(PAIRS)
        for each in ("members", "planned", "listed", "marked", "standing", "frees"):
            getattr(asked, each)  # all at once, in the same places
        yield asked


@pytest.mark.parametrize("pair", PAIRS)
def test_a_file_goes_only_if_the_kept_one_has_everything_in_it(answers: Answers, pair: str) -> None:
    assert answers.goes(pair) == GOES.get(pair, set())


@pytest.mark.parametrize("pair", PAIRS)
def test_a_photo_of_a_card_is_there_only_if_it_could_go(answers: Answers, pair: str) -> None:
    first, *others = PAIRS[pair]
    if any(name.endswith((".mov", ".xmp")) for name in PAIRS[pair]):
        pytest.skip("what is beside a photo of a card is named on its own")
    for name in others:
        standing = answers.standing[f"{pair}/{name}"]
        could_go = name in GOES.get(pair, set())
        assert (standing == "there") == could_go, (first, name, standing)


@pytest.mark.parametrize("pair", VERDICTS)
def test_the_verdict_says_what_the_pictures_show(answers: Answers, pair: str) -> None:
    assert answers.verdict(pair) == VERDICTS[pair]


def test_what_dupes_says_is_freed_is_what_the_plan_frees(answers: Answers) -> None:
    gone = [
        (answers.folder / "photos" / file).stat().st_size
        for file, action in answers.planned.items()
        if action == "trash"
    ]
    assert answers.frees == sum(gone)
    assert answers.run("dupes").stderr.count("frees") == 1


def test_the_reason_says_what_the_kept_one_lacks(answers: Answers, tmp_path: Path) -> None:
    del tmp_path
    stays = (
        answers.members["other keywords/b.jpg"]["stays"] or answers.members["other keywords/a.jpg"]["stays"]
    )
    assert stays in {f"has keyword {word}, which the kept one lacks" for word in ("sea", "cat")}


def test_verbose_output_says_what_is_in_each_file(answers: Answers) -> None:
    told = answers.run("dupes", "-v").stdout
    assert "contains motion video" in told
    assert "contains keyword beach, sea, caption At the sea, rating 4" in told
