"""How alike two photos are once one is laid on the other, block by block.

An edit leaves the blocks that it does not touch nearly identical, and in place. Another shot of the same scene does not:
near things move against far ones, people move, and noise is never the same twice. So what counts is not how alike the
pictures are on the whole, but how many blocks are the same, how exactly they lie on each other, and what the others show:
something drawn over the photo, another photo beside it, or the same things in other places.

Blocks are compared by correlation, which leaves brightness and contrast aside, on brightness alone, which leaves colour
aside, and after the finer picture is reduced to the detail of the coarser.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from vtsfind.find.opencv import opencv
from vtsfind.find.verification.blocks import BLOCK, Blocks, Mask, Matrix, largest_part, means
from vtsfind.find.verification.features import BLUR, Features, Floats, Pixels
from vtsfind.find.verification.registration import Alignment

Picture = TypeVar("Picture", Floats, Pixels)

FEWEST_BLOCKS = 6
"""Blocks with something to be seen below which nothing is said."""

# At its edges a picture that was turned or framed is mixed with what is around it.
_MARGIN = 3
_ROUNDS = 2
_SETTLED = 0.02
_SOUGHT = 12
_LARGE_PART = 0.25
_REACH = 28
_CHANGED = 24


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the comparison of aligned pictures gave; of the part that both show, unless it says otherwise."""

    blocks: int
    """Blocks in which something is to be seen."""
    same: float
    """Share of them that are the same: they correlate at 0.9 or more."""
    low: float
    """30th percentile of their correlations, -1 to 1."""
    middle: float
    """Their median."""
    sway: float
    """How far neighbouring blocks lie off their places together, in pixels."""
    jitter: float
    """How far each does by itself."""
    noise: float
    """Median of what is left of the blocks that are alike, in levels of 255, when brightness and contrast are made equal."""
    colour: float
    """Mean difference of the blocks' colours, in levels of 255."""
    part: int
    """Blocks of the rectangle in which most are the same."""
    part_same: float
    """Share of these that are the same."""
    beyond: float
    """Share of the blocks outside that rectangle that are the same; 0 where there are none."""
    moved: int
    """Blocks that are not the same but found elsewhere near by."""
    sought: int
    """Blocks that were looked for near by."""
    changed: float
    """Share of the pixels of all those blocks that differ by far more than brightness and contrast."""
    drawn: float
    """Share of these pixels that a few colours make up, in the picture where it is greater: what is drawn has few."""
    plain: float
    """The same in the other picture."""
    gain: float
    """Contrast of the one in the other, see `Blocks.mixing`."""
    even: float
    """Share of the blocks that have about this contrast."""
    changed_even: float
    """Share of those among them that are not the same."""


def likeness(first: Features, second: Features, alignment: Alignment) -> tuple[Likeness, Alignment] | None:
    """Compare two photos under a map; None when too little of them can be compared.

    Returns
    -------
    The likeness, and the alignment with its map made more exact.
    """
    if (
        alignment.scale > 1
    ):  # one pixel of the second covers more than one of the first: the second is coarser
        result = _compared(second, first, _inverse(alignment.matrix))
        return result and (result[0], replace(alignment, matrix=_inverse(result[1])))
    result = _compared(first, second, alignment.matrix)
    return result and (result[0], replace(alignment, matrix=result[1]))


def _inverse(matrix: Matrix) -> Matrix:
    cv2 = opencv()
    inverse: Matrix = cv2.invertAffineTransform(matrix)
    return inverse


def _compared(coarse: Features, fine: Features, matrix: Matrix) -> tuple[Likeness, Matrix] | None:
    """Compare in the coarser picture's frame; `matrix` takes places of the finer picture there."""
    inner = np.s_[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    target = np.ascontiguousarray(coarse.soft[inner])
    if min(coarse.grey.shape) < BLOCK + 2 * _MARGIN:
        return None
    matrix = _moved_by(matrix, -_MARGIN)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    source = _softened(fine.grey, scale)
    here = np.zeros(source.shape, np.uint8)
    here[inner] = 255
    for left in reversed(range(_ROUNDS + 1)):
        moved, inside = _warped(source, matrix, target.shape), _warped(here, matrix, target.shape, 0) > 250
        blocks = Blocks(target, moved, inside)
        correction = blocks.correction() if left else None
        if correction is None or _farthest(correction, target.shape) < _SETTLED:
            break
        matrix = _after(correction, matrix)
    if blocks.textured.sum() < FEWEST_BLOCKS:
        return None
    colours = _warped(_softened(fine.picture, scale), matrix, target.shape)
    return _summed_up(blocks, target, moved, coarse.picture[inner], colours), _moved_by(matrix, _MARGIN)


def _moved_by(matrix: Matrix, pixels: int) -> Matrix:
    moved: Matrix = matrix + np.array([[0, 0, pixels], [0, 0, pixels]])
    return moved


def _softened(picture: Picture, scale: float) -> Picture:
    """Take out the detail that is lost when the picture is scaled, and then as much as the target had taken out."""
    cv2 = opencv()
    sigma = float(np.hypot(BLUR / scale, 0.5 * np.sqrt(max(0.0, 1 / scale**2 - 1))))
    soft: Picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    return soft


def _warped(picture: Picture, matrix: Matrix, shape: tuple[int, ...], outside: int | None = None) -> Picture:
    """Lay a picture into a frame of (height, width); beyond its edges it is continued, or of one value."""
    cv2 = opencv()
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    moved: Picture = cv2.warpAffine(
        picture,
        matrix,
        (shape[1], shape[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=outside or 0,
    )
    return moved


def _after(correction: Matrix, matrix: Matrix) -> Matrix:
    return np.column_stack(
        [correction[:, :2] @ matrix[:, :2], correction[:, :2] @ matrix[:, 2] + correction[:, 2]]
    )


def _farthest(correction: Matrix, shape: tuple[int, ...]) -> float:
    """How far a map moves the corners of a frame (height, width), in pixels, at most."""
    corners = np.array([[0, 0, 1], [shape[1], 0, 1], [0, shape[0], 1], [shape[1], shape[0], 1]])
    return float(np.abs(corners @ correction.T - corners[:, :2]).max())


def _summed_up(blocks: Blocks, target: Floats, moved: Floats, a: Pixels, b: Pixels) -> Likeness:
    correlations = blocks.correlation[blocks.textured]
    alike = blocks.textured & (blocks.correlation > 0.8)
    part = largest_part(blocks.same, blocks.textured)
    within, beyond = part & blocks.textured, ~part & blocks.textured
    colour = np.abs(means(a.astype(np.float32)) - means(b.astype(np.float32)))[blocks.whole]
    sway, jitter = blocks.sway(
        part if within.sum() >= _LARGE_PART * blocks.textured.sum() else blocks.textured
    )
    changed = _changed(blocks, target, moved)
    few = _few_colours(a[changed]), _few_colours(b[changed])
    found, sought = _found_elsewhere(blocks, target, moved)
    gain, even, changed_even = blocks.mixing()
    return Likeness(
        blocks=int(blocks.textured.sum()),
        same=float(blocks.same.sum() / blocks.textured.sum()),
        low=float(np.percentile(correlations, 30)),
        middle=float(np.median(correlations)),
        sway=sway,
        jitter=jitter,
        noise=float(np.median(blocks.residual[alike])) if alike.any() else 255.0,
        colour=float(colour.mean()),
        part=int(within.sum()),
        part_same=float((within & blocks.same).sum() / max(1, within.sum())),
        beyond=float((beyond & blocks.same).sum() / max(1, beyond.sum())),
        moved=found,
        sought=sought,
        changed=float(changed.sum() / (blocks.textured.sum() * BLOCK * BLOCK)),
        drawn=max(few),
        plain=min(few),
        gain=gain,
        even=even,
        changed_even=changed_even,
    )


def _found_elsewhere(blocks: Blocks, target: Floats, moved: Floats) -> tuple[int, int]:
    """Of the blocks that changed most, how many are near by in the other picture, better than in their own; and of how many."""
    found = sought = 0
    for own, other, texture in ((target, moved, blocks.aa), (moved, target, blocks.bb)):
        odd = blocks.textured & (blocks.correlation < 0.6) & (texture > 36)
        rows, columns = np.nonzero(odd)
        order = np.argsort(-texture[rows, columns], kind="stable")
        for n in order[:: max(1, len(order) // _SOUGHT)][:_SOUGHT]:
            x, y = int(columns[n]) * BLOCK, int(rows[n]) * BLOCK
            sought += 1
            found += _elsewhere(own, other, x, y) > 0.85
    return found, sought


def _elsewhere(own: Floats, other: Floats, x: int, y: int) -> float:
    """How well a block is found near its place in the other picture, less if it is found beside itself in its own."""
    cv2 = opencv()
    block = own[y : y + BLOCK, x : x + BLOCK]
    top, left = max(0, y - _REACH), max(0, x - _REACH)
    window = np.s_[top : y + BLOCK + _REACH, left : x + BLOCK + _REACH]
    there = cv2.matchTemplate(other[window], block, cv2.TM_CCOEFF_NORMED)
    best = float(there.max())
    if best < 0.85:
        return best
    at_home = cv2.matchTemplate(own[window], block, cv2.TM_CCOEFF_NORMED)
    y, x = y - top, x - left
    at_home[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = -1
    return best - max(0.0, float(at_home.max()) - 0.8)


def _few_colours(pixels: Pixels) -> float:
    """The share of pixels, (n, 3), that the six most frequent colours make up; 1 for hardly any pixels."""
    if len(pixels) < BLOCK:
        return 1.0
    red, green, blue = (pixels >> 4).astype(np.intp).T
    counts = np.bincount(red * 256 + green * 16 + blue, minlength=4096)
    return float(np.sort(counts)[-6:].sum() / len(pixels))


def _changed(blocks: Blocks, target: Floats, moved: Floats) -> Mask:
    """Pixels, in blocks that are not the same, that differ by much more than brightness and contrast."""
    whole = blocks.same if blocks.same.sum() >= FEWEST_BLOCKS else blocks.whole
    a, b = blocks.a_mean[whole], blocks.b_mean[whole]
    gain = float(((a - a.mean()) * (b - b.mean())).sum() / max(1.0, float(((b - b.mean()) ** 2).sum())))
    odd = (blocks.textured & ~blocks.same).repeat(BLOCK, 0).repeat(BLOCK, 1)
    rows, columns = odd.shape
    off = np.abs(target[:rows, :columns] - (a.mean() + gain * (moved[:rows, :columns] - b.mean())))
    changed = np.zeros(target.shape, bool)
    changed[:rows, :columns] = odd & (off > _CHANGED)
    return changed
