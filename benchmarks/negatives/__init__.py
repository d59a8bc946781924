"""Pairs of pictures that are not versions of each other, in kinds, and pairs that differ in one small place.

    python -m benchmarks.negatives --photos FOLDER --sheet SHEET.png

The pairs of most kinds may be called `burst` or `similar` at most. Those of `CHANGED` are the same picture with a small thing
that is another one: they may be an `edit`, but never `bytes`, `pixels`, `resave` or `turned`. Other shots of one scene that
were really taken come from `benchmarks.negatives.scenes`.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
from PIL import Image

from benchmarks.families.drawing import Other, Rng, seed_of
from benchmarks.negatives import pictures
from benchmarks.negatives.documents import PAGES, Fields, Page
from benchmarks.negatives.pictures import Draw, Pair

_VISIBLE_LEVELS = 48
_VISIBLE_PIXELS = 12


def _documents(rng: Rng, _other: Other, *, page: Page) -> Pair:
    """Two pages of one template, of which one field, up to three, or all are other ones."""
    look, seed = int(rng.integers(1 << 40)), int(rng.integers(1 << 40))
    fields = Fields(seed)
    first = page(np.random.default_rng(look), fields)
    few = rng.random() < 0.7
    second = first
    while not _visibly_other(first, second):
        numbers = rng.integers(1, fields.count + 1, int(rng.integers(1, 4)))
        changed = frozenset(numbers.tolist()) if few else frozenset(range(fields.count + 1))
        second = page(np.random.default_rng(look), Fields(seed, changed))
    return first, second


def _visibly_other(first: Image.Image, second: Image.Image) -> bool:
    """Whether enough pixels differ enough to be seen."""
    change = np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16)).max(2)
    return int((change > _VISIBLE_LEVELS).sum()) >= _VISIBLE_PIXELS


CHANGED = tuple(pictures.CHANGED)
"""The kinds whose pairs may be called `edit`."""
KINDS: Mapping[str, Draw] = {
    **{name: partial(_documents, page=page) for name, page in PAGES.items()},
    **pictures.PAIRS,
    **pictures.CHANGED,
}


def pair(kind: str, number: int, other: Other) -> Pair:
    """Make a pair of a kind.

    Parameters
    ----------
    kind
        One of `KINDS`.
    number
        Of the pair: the same number gives the same pair, from the same photos.
    other
        Gives photos.

    Returns
    -------
    Two pictures in RGB.
    """
    first, second = KINDS[kind](np.random.default_rng(seed_of(kind, number)), other)
    return first.convert("RGB"), second.convert("RGB")
