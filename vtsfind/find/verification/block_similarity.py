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

from vtsfind.find.features.features import BLUR_SIGMA_PX, Features, Floats, Pixels
from vtsfind.find.threads import opencv
from vtsfind.find.verification.blocks import (
    BLOCK_PX,
    BlockStatistics,
    Mask,
    Matrix,
    block_means,
    largest_same_rectangle,
)
from vtsfind.find.verification.registration import Alignment

Picture = TypeVar("Picture", Floats, Pixels)

MIN_TEXTURED_BLOCKS = 6
"""Blocks with something to be seen below which nothing is said."""

# At its edges a picture that was turned or framed is mixed with what is around it.
_MARGIN_PX = 3
_MAX_REFINEMENT_ROUNDS = 2
_CONVERGED_PX = 0.02
_MAX_SEARCHED_BLOCKS = 12
_LARGE_PART_SHARE = 0.25
_SEARCH_RADIUS_PX = 28
_MIN_CHANGED_LEVELS = 24


@dataclass(frozen=True, slots=True)
class BlockSimilarity:
    """What the comparison of aligned pictures gave; of the part that both show, unless it says otherwise."""

    blocks: int
    """Blocks in which something is to be seen."""
    same: float
    """Share of them that are the same: they correlate at 0.9 or more."""
    low_correlation: float
    """30th percentile of their correlations, -1 to 1."""
    median_correlation: float
    """Their median."""
    coherent_shift_px: float
    """How far neighbouring blocks lie off their places together, in pixels."""
    incoherent_shift_px: float
    """How far each does by itself."""
    noise: float
    """Median of what is left of the blocks that are alike, in levels of 255, when brightness and contrast are made equal."""
    colour: float
    """Mean difference of the blocks' colours, in levels of 255."""
    part: int
    """Blocks of the rectangle in which most are the same."""
    part_same: float
    """Share of these that are the same."""
    beyond_part: float
    """Share of the blocks outside that rectangle that are the same; 0 where there are none."""
    moved: int
    """Blocks that are not the same but found elsewhere near by."""
    searched: int
    """Blocks that were looked for near by."""
    changed: float
    """Share of the pixels of all those blocks that differ by far more than brightness and contrast."""
    drawn: float
    """Share of these pixels that a few colours make up, in the picture where it is greater: what is drawn has few."""
    plain: float
    """The same in the other picture."""
    gain: float
    """Contrast of the one in the other, see `BlockStatistics.mixing`."""
    even: float
    """Share of the blocks that have about this contrast."""
    changed_even: float
    """Share of those among them that are not the same."""


def block_similarity(
    first: Features, second: Features, alignment: Alignment
) -> tuple[BlockSimilarity, Alignment] | None:
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


def _compared(coarse: Features, fine: Features, matrix: Matrix) -> tuple[BlockSimilarity, Matrix] | None:
    """Compare in the coarser picture's frame; `matrix` takes places of the finer picture there."""
    inner = np.s_[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
    target = np.ascontiguousarray(coarse.denoised[inner])
    if min(coarse.grey.shape) < BLOCK_PX + 2 * _MARGIN_PX:
        return None
    matrix = _translated(matrix, -_MARGIN_PX)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    source = _blurred_to_scale(fine.grey, scale)
    frame_mask = np.zeros(source.shape, np.uint8)
    frame_mask[inner] = 255
    for left in reversed(range(_MAX_REFINEMENT_ROUNDS + 1)):
        moved, inside = (
            _warped(source, matrix, target.shape),
            _warped(frame_mask, matrix, target.shape, 0) > 250,
        )
        blocks = BlockStatistics(target, moved, inside)
        correction = blocks.correction() if left else None
        if correction is None or _max_corner_shift(correction, target.shape) < _CONVERGED_PX:
            break
        matrix = _composed(correction, matrix)
    if blocks.textured.sum() < MIN_TEXTURED_BLOCKS:
        return None
    colours = _warped(_blurred_to_scale(fine.picture, scale), matrix, target.shape)
    return _build_similarity(blocks, target, moved, coarse.picture[inner], colours), _translated(
        matrix, _MARGIN_PX
    )


def _translated(matrix: Matrix, pixels: int) -> Matrix:
    moved: Matrix = matrix + np.array([[0, 0, pixels], [0, 0, pixels]])
    return moved


def _blurred_to_scale(picture: Picture, scale: float) -> Picture:
    """Take out the detail that is lost when the picture is scaled, and then as much as the target had taken out."""
    cv2 = opencv()
    sigma = float(np.hypot(BLUR_SIGMA_PX / scale, 0.5 * np.sqrt(max(0.0, 1 / scale**2 - 1))))
    denoised: Picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    return denoised


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


def _composed(correction: Matrix, matrix: Matrix) -> Matrix:
    return np.column_stack(
        [correction[:, :2] @ matrix[:, :2], correction[:, :2] @ matrix[:, 2] + correction[:, 2]]
    )


def _max_corner_shift(correction: Matrix, shape: tuple[int, ...]) -> float:
    """How far a map moves the corners of a frame (height, width), in pixels, at most."""
    corners = np.array([[0, 0, 1], [shape[1], 0, 1], [0, shape[0], 1], [shape[1], shape[0], 1]])
    return float(np.abs(corners @ correction.T - corners[:, :2]).max())


def _build_similarity(
    blocks: BlockStatistics, target: Floats, moved: Floats, a: Pixels, b: Pixels
) -> BlockSimilarity:
    correlations = blocks.correlation[blocks.textured]
    alike = blocks.textured & (blocks.correlation > 0.8)
    part = largest_same_rectangle(blocks.same, blocks.textured)
    within, beyond_part = part & blocks.textured, ~part & blocks.textured
    colour = np.abs(block_means(a.astype(np.float32)) - block_means(b.astype(np.float32)))[
        blocks.fully_inside
    ]
    coherent_shift_px, incoherent_shift_px = blocks.coherent_shift_px(
        part if within.sum() >= _LARGE_PART_SHARE * blocks.textured.sum() else blocks.textured
    )
    changed = _changed_mask(blocks, target, moved)
    few = _few_colours_share(a[changed]), _few_colours_share(b[changed])
    found, searched = _count_moved_blocks(blocks, target, moved)
    gain, even, changed_even = blocks.mixing()
    return BlockSimilarity(
        blocks=int(blocks.textured.sum()),
        same=float(blocks.same.sum() / blocks.textured.sum()),
        low_correlation=float(np.percentile(correlations, 30)),
        median_correlation=float(np.median(correlations)),
        coherent_shift_px=coherent_shift_px,
        incoherent_shift_px=incoherent_shift_px,
        noise=float(np.median(blocks.residual[alike])) if alike.any() else 255.0,
        colour=float(colour.mean()),
        part=int(within.sum()),
        part_same=float((within & blocks.same).sum() / max(1, within.sum())),
        beyond_part=float((beyond_part & blocks.same).sum() / max(1, beyond_part.sum())),
        moved=found,
        searched=searched,
        changed=float(changed.sum() / (blocks.textured.sum() * BLOCK_PX * BLOCK_PX)),
        drawn=max(few),
        plain=min(few),
        gain=gain,
        even=even,
        changed_even=changed_even,
    )


def _count_moved_blocks(blocks: BlockStatistics, target: Floats, moved: Floats) -> tuple[int, int]:
    """Of the blocks that changed most, how many are near by in the other picture, better than in their own; and of how many."""
    found = searched = 0
    for own, other, texture in ((target, moved, blocks.a_variance), (moved, target, blocks.b_variance)):
        dissimilar = blocks.textured & (blocks.correlation < 0.6) & (texture > 36)
        rows, columns = np.nonzero(dissimilar)
        order = np.argsort(-texture[rows, columns], kind="stable")
        for n in order[:: max(1, len(order) // _MAX_SEARCHED_BLOCKS)][:_MAX_SEARCHED_BLOCKS]:
            x, y = int(columns[n]) * BLOCK_PX, int(rows[n]) * BLOCK_PX
            searched += 1
            found += _displaced_match(own, other, x, y) > 0.85
    return found, searched


def _displaced_match(own: Floats, other: Floats, x: int, y: int) -> float:
    """How well a block is found near its place in the other picture, less if it is found beside itself in its own."""
    cv2 = opencv()
    block = own[y : y + BLOCK_PX, x : x + BLOCK_PX]
    top, left = max(0, y - _SEARCH_RADIUS_PX), max(0, x - _SEARCH_RADIUS_PX)
    window = np.s_[top : y + BLOCK_PX + _SEARCH_RADIUS_PX, left : x + BLOCK_PX + _SEARCH_RADIUS_PX]
    other_scores = cv2.matchTemplate(other[window], block, cv2.TM_CCOEFF_NORMED)
    best = float(other_scores.max())
    if best < 0.85:
        return best
    own_scores = cv2.matchTemplate(own[window], block, cv2.TM_CCOEFF_NORMED)
    y, x = y - top, x - left
    own_scores[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = -1
    return best - max(0.0, float(own_scores.max()) - 0.8)


def _few_colours_share(pixels: Pixels) -> float:
    """The share of pixels, (n, 3), that the six most frequent colours make up; 1 for hardly any pixels."""
    if len(pixels) < BLOCK_PX:
        return 1.0
    red, green, blue = (pixels >> 4).astype(np.intp).T
    counts = np.bincount(red * 256 + green * 16 + blue, minlength=4096)
    return float(np.sort(counts)[-6:].sum() / len(pixels))


def _changed_mask(blocks: BlockStatistics, target: Floats, moved: Floats) -> Mask:
    """Pixels, in blocks that are not the same, that differ by much more than brightness and contrast."""
    fully_inside = blocks.same if blocks.same.sum() >= MIN_TEXTURED_BLOCKS else blocks.fully_inside
    a, b = blocks.a_mean[fully_inside], blocks.b_mean[fully_inside]
    gain = float(((a - a.mean()) * (b - b.mean())).sum() / max(1.0, float(((b - b.mean()) ** 2).sum())))
    dissimilar = (blocks.textured & ~blocks.same).repeat(BLOCK_PX, 0).repeat(BLOCK_PX, 1)
    rows, columns = dissimilar.shape
    residuals = np.abs(target[:rows, :columns] - (a.mean() + gain * (moved[:rows, :columns] - b.mean())))
    changed = np.zeros(target.shape, bool)
    changed[:rows, :columns] = dissimilar & (residuals > _MIN_CHANGED_LEVELS)
    return changed
