"""Families of edits in wide random ranges, to measure what a verifier does with edits that nobody thought of.

A family is one thing that people, apps and messengers do to pictures; which of its kinds and how strong is drawn. They are
written apart from the edits that models are trained on and from those of `benchmarks.edits`. Half of them, `A`, is for
choosing when the other, `B`, is for measuring, and the other way round; kin are in the same half. A chain is of one half.

    python -m benchmarks.families --photos FOLDER --sheet SHEET.png
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from benchmarks.families import geometric, overlays, photometric, surroundings
from benchmarks.families.drawing import Other, Rng, chance, log_uniform, seed_of

Alone = Callable[[Image.Image, Rng], Image.Image]
Together = Callable[[Image.Image, Rng, Other], Image.Image]
Half = Literal["A", "B"]
Kind = Literal["photometric", "geometric", "overlay", "screen", "chain"]
SMALLEST = 20
"""Pixels: no side of what a family gives is shorter."""
PASSED_SIDES_PX = (120, 420)
"""Longer side of what was passed around."""


@dataclass(frozen=True, slots=True)
class Family:
    """One family of edits."""

    kind: Kind
    half: Half
    edit: Together


def _alone(edit: Alone) -> Together:
    return lambda image, rng, _: edit(image, rng)


def _families(kind: Kind, half: Half, alone: Mapping[str, Alone]) -> dict[str, Family]:
    return {name: Family(kind, half, _alone(edit)) for name, edit in alone.items()}


def _chain(half: Half, shortest: int, longest: int) -> Together:
    """A chain of families of one half, in the order in which people do such things, at most one of each kind but one."""
    order = ("geometric", "photometric", "overlay", "screen", "photometric")

    def edit(image: Image.Image, rng: Rng, other: Other) -> Image.Image:
        length = int(rng.integers(shortest, longest + 1))
        for step in sorted(rng.permutation(len(order))[:length]):
            fitting = [f for f in SINGLE.values() if f.half == half and f.kind == order[step]]
            image = fitting[int(rng.integers(len(fitting)))].edit(image, rng, other).convert("RGB")
        return image

    return edit


def _passed_around(half: Half, last: Kind) -> Together:
    """A window of the picture, mirrored or not, in other tones, drawn over or on a screen, made small and saved badly."""

    def edit(image: Image.Image, rng: Rng, other: Other) -> Image.Image:
        width, height = (round(side * rng.uniform(0.6, 1.0)) for side in image.size)
        left, top = int(rng.integers(image.width - width + 1)), int(rng.integers(image.height - height + 1))
        image = image.crop((left, top, left + width, top + height))
        if chance(rng, 0.4):
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for kind in ("photometric", last):
            fitting = [f for f in SINGLE.values() if f.half == half and f.kind == kind]
            if chance(rng, 0.85):
                image = fitting[int(rng.integers(len(fitting)))].edit(image, rng, other).convert("RGB")
        side_px = round(log_uniform(rng, *PASSED_SIDES_PX))
        image.thumbnail((side_px, side_px))
        file = io.BytesIO()
        image.save(file, "WEBP" if chance(rng, 0.2) else "JPEG", quality=int(rng.integers(25, 76)))
        return Image.open(file)

    return edit


SINGLE: Mapping[str, Family] = {
    **_families(
        "photometric",
        "A",
        {
            "gaussian blur": photometric.gaussian_blur,
            "box blur": photometric.box_blur,
            "motion blur": photometric.motion_blur,
            "lens blur": photometric.lens_blur,
            "exposure": photometric.exposure,
            "gamma": photometric.gamma,
            "tone curve": photometric.tone_curve,
            "vignette": photometric.vignette,
            "black and white": photometric.black_and_white,
            "tinted": photometric.tinted,
            "jpeg": photometric.jpeg,
            "compressed again": photometric.compressed_again,
        },
    ),
    **_families(
        "photometric",
        "B",
        {
            "sharpened": photometric.sharpened,
            "local contrast": photometric.local_contrast,
            "gaussian noise": photometric.gaussian_noise,
            "shot noise": photometric.shot_noise,
            "impulse noise": photometric.impulse_noise,
            "faded": photometric.faded,
            "light leak": photometric.light_leak,
            "hue": photometric.hue,
            "saturation": photometric.saturation,
            "white balance": photometric.white_balance,
            "posterised": photometric.posterised,
            "palette": photometric.palette,
            "dithered": photometric.dithered,
            "webp": photometric.webp,
            "avif": photometric.avif,
        },
    ),
    **_families(
        "geometric",
        "A",
        {
            "cropped": geometric.cropped,
            "trimmed": geometric.trimmed,
            "mirrored": geometric.mirrored,
            "quarter turned": geometric.quarter_turned,
            "stretched": geometric.stretched,
            "perspective": geometric.perspective,
            "pixelated": geometric.pixelated,
        },
    ),
    **_families(
        "geometric",
        "B",
        {
            "resized": geometric.resized,
            "thumbnail": geometric.thumbnail,
            "enlarged": geometric.enlarged,
            "rotated": geometric.rotated,
            "straightened": geometric.straightened,
            "sheared": geometric.sheared,
            "lens": geometric.lens,
        },
    ),
    **_families(
        "overlay",
        "A",
        {
            "text": overlays.text,
            "caption": overlays.caption,
            "watermark": overlays.watermark,
            "watermark tiled": overlays.watermark_tiled,
            "retouched": overlays.retouched,
            "erased": overlays.erased,
        },
    ),
    **_families(
        "overlay",
        "B",
        {
            "emoji": overlays.emoji,
            "stickers": overlays.stickers,
            "stripes": overlays.stripes,
            "scribbles": overlays.scribbles,
            "censored": overlays.censored,
            "recoloured": overlays.recoloured,
        },
    ),
    "blended": Family("overlay", "B", overlays.blended),
    **_families(
        "screen",
        "A",
        {
            "padded": surroundings.padded,
            "framed": surroundings.framed,
            "letterboxed": surroundings.letterboxed,
            "on page": surroundings.on_page,
            "scanned": surroundings.scanned,
        },
    ),
    "chat": Family("screen", "A", surroundings.chat),
    "feed": Family("screen", "A", surroundings.feed),
    "collage": Family("screen", "A", surroundings.collage),
    "beside": Family("screen", "A", surroundings.beside),
    **_families(
        "screen",
        "B",
        {
            "rounded": surroundings.rounded,
            "meme": surroundings.meme,
            "screen photographed": surroundings.screen_photographed,
            "print photographed": surroundings.print_photographed,
        },
    ),
    "gallery": Family("screen", "B", surroundings.gallery),
    "browser": Family("screen", "B", surroundings.browser),
    "inset": Family("screen", "B", surroundings.inset),
    "within": Family("screen", "B", surroundings.within),
}
FAMILIES: Mapping[str, Family] = {
    **SINGLE,
    "two of A": Family("chain", "A", _chain("A", 2, 2)),
    "three or four of A": Family("chain", "A", _chain("A", 3, 4)),
    "two of B": Family("chain", "B", _chain("B", 2, 2)),
    "three or four of B": Family("chain", "B", _chain("B", 3, 4)),
}
PASSED_AROUND: Mapping[str, Family] = {
    "passed around A": Family("chain", "A", _passed_around("A", "overlay")),
    "passed around B": Family("chain", "B", _passed_around("B", "overlay")),
    "passed around on a screen A": Family("chain", "A", _passed_around("A", "screen")),
    "passed around on a screen B": Family("chain", "B", _passed_around("B", "screen")),
}
"""Chains to choose on, and not to measure with."""


def edited(name: str, photo: Image.Image, key: str, other: Other) -> Image.Image:
    """Make the edit of a family that belongs to a photo.

    Parameters
    ----------
    name
        Of the family.
    photo
        The photo.
    key
        What it is called: the same key gives the same edit.
    other
        Gives other photos, for collages and the like.

    Returns
    -------
    A picture in RGB.
    """
    rng = np.random.default_rng(seed_of(name, key))
    made = {**FAMILIES, **PASSED_AROUND}[name].edit(photo.convert("RGB"), rng, other).convert("RGB")
    if min(made.size) < SMALLEST:
        made = made.resize((max(SMALLEST, made.width), max(SMALLEST, made.height)))
    return made


def names(half: str = "all") -> list[str]:
    """The families of a half, `A` or `B`, or all."""
    return [name for name, family in FAMILIES.items() if half in {"all", family.half}]
