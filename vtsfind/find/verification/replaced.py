"""Whether in some place two pictures show two things of one kind, as digits on one ground: then neither was made from the other.

What is drawn over a picture, pasted in or wiped out goes one way: the one picture has it, the other what was there before. Where one
page says 120 and the other 175 it goes both ways: what is ink in the one is paper in the other, and the other way round, in the same two
tones, with the same paper around both.

The limits were chosen on 33 pairs of pages, screens and frames that small pictures take for versions, of which they tell 22 apart, and on
603 edits that draw over photos, of which none counts.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from vtsfind.find.features.features import Pixels
from vtsfind.find.threads import opencv
from vtsfind.find.verification.block_grid import Mask

_TOGETHER_PX = 9
"""Side of the square around a changed pixel in which others belong to the same change: about a letter."""
_MIN_PIXELS = 12
"""Changed pixels without which nothing is said: a digit of 12 pixels has about 40."""
_MIN_SHARE = 0.2
"""Share of the change that goes the rarer way."""
_MAX_TONES_APART = 0.2
"""How far the two inks, or the two grounds, may be apart, in shares of the step from ink to ground."""
_MIN_GROUND = 0.7
"""Share of the place and what is around it that is of the tone of the ground, in both pictures."""
_GROUND_TOLERANCE = 0.2
"""How far from that tone, in the same shares."""
_MAX_GROUND_APART = 0.4
"""How far the ground may be from one of the tones, in the same shares: thin strokes are of tones in between."""
_AROUND_PX = 6


def is_replaced(target: Pixels, source: Pixels, changed: Mask) -> bool:
    """Whether some change between two pictures goes both ways.

    Parameters
    ----------
    target, source
        (h, w) uint8: brightness, laid on each other, in the same tones.
    changed
        (h, w): where they differ.
    """
    return any(_is_exchange(*each) for each in _changes(target, source, changed))


def _changes(target: Pixels, source: Pixels, changed: Mask) -> Iterator[tuple[Pixels, Pixels, Mask]]:
    """Both pictures around each change, and which pixels changed."""
    cv2 = opencv()
    near = cv2.dilate(changed.astype(np.uint8), np.ones((_TOGETHER_PX, _TOGETHER_PX), np.uint8))
    _, labels, parts, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    pixels = np.bincount(labels[changed], minlength=1)
    for number in np.flatnonzero(pixels >= _MIN_PIXELS):
        left, top, width, height, _ = (int(value) for value in parts[number])
        place = np.s_[
            max(0, top - _AROUND_PX) : top + height + _AROUND_PX,
            max(0, left - _AROUND_PX) : left + width + _AROUND_PX,
        ]
        yield target[place], source[place], changed[place] & (labels[place] == number)


def _is_exchange(target: Pixels, source: Pixels, changed: Mask) -> bool:
    """Whether a change goes both ways, between two tones on one ground."""
    first, second = (each[changed].astype(np.float32) for each in (target, source))
    down, up = first > second, first < second
    if not down.any() or not up.any():
        return False
    ways = (first[down], second[down]), (second[up], first[up])
    weights = [float((lighter - darker).sum()) for lighter, darker in ways]
    tones = np.array([[np.average(each, weights=way[0] - way[1]) for each in way] for way in ways])
    step, apart = float((tones[:, 0] - tones[:, 1]).max()), float(np.abs(tones[0] - tones[1]).max())
    if min(weights) < _MIN_SHARE * sum(weights) or apart > _MAX_TONES_APART * step:
        return False
    light, dark = tones.mean(0)
    return all(_is_on_ground(each, (light, dark), step) for each in (target, source))


def _is_on_ground(picture: Pixels, tones: Sequence[float], step: float) -> bool:
    """Whether most of a picture is of one tone, and that is about one of two."""
    ground = float(np.median(picture))
    share = float((np.abs(picture - ground) <= _GROUND_TOLERANCE * step).mean())
    return share >= _MIN_GROUND and min(abs(ground - tone) for tone in tones) <= _MAX_GROUND_APART * step
