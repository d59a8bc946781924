"""What an edit does to the light of a whole picture, fitted rather than tolerated: sharpness, tones, unevenness.

What is left once a picture had the same blur, tone curve and light as the other is noise, compression, and what is really
different. All fits are of the blocks that look alike; so something in one picture only does not pull at them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Floats
from vtsfind.find.threads import opencv
from vtsfind.find.verification.block_grid import (
    BLOCK_PX,
    Blocks,
    BlockStatistics,
    Mask,
    block_pixels,
    block_statistics,
)
from vtsfind.find.verification.overlay import MIN_TEXTURE_VARIANCE, blurred
from vtsfind.find.verification.quantiles import median, quantile, quantiles_of_sorted

BLUR_SIGMAS_PX = (0.8, 1.3, 2.0, 3.0, 4.5)
"""What is tried, each half as wide again as the one before."""
_COMMON_SIGMA_PX = 0.7
"""Blur of both pictures while they are compared, against noise and the rounding of places."""
_MIN_GAIN = 0.002
"""Correlation by which a blur must be better to be believed."""
_GIVE_UP = 0.02
_SHARP_ENOUGH = 0.995
"""Mean correlation from which nothing is to be gained by a blur."""
_TONE_BINS = 24
_MIN_BIN_PIXELS = 8
_MIN_TONE_PIXELS = 200
_MAX_END_SLOPE = 1.5
_MIN_LIGHT_BLOCKS = 24
"""Eleven unknowns."""
_MAX_LIGHT_LEVELS = 160.0
_LEVELS = np.arange(256)


@dataclass(frozen=True, slots=True, eq=False)
class Photometry:
    """The two pictures with equal sharpness, tones and light, and what it took."""

    blocks: BlockStatistics
    """Both pictures, (h, w) float32, 0 to 255, block by block."""
    blur_sigma_px: float
    """Blur that the source lacked; negative for the target's."""
    correlation: float
    """Mean correlation of the better two thirds of the blocks."""
    tone_range: float
    """Levels from the 2nd to the 98th percentile of the tone curve: little where contrast was lost."""
    light_levels: float
    """By how much the light of the one differs over the picture from that of the other."""


def equalise(target: Floats, source: Floats, full: Mask, inside: Mask) -> Photometry:
    """Give the source the target's sharpness, tones and light.

    Parameters
    ----------
    target, source
        (h, w) float32, one laid on the other.
    full, inside
        Blocks and pixels where both are.
    """
    sigma, correlation = match_blur(target, source, full)
    target = blurred(target, float(np.hypot(0.9, min(sigma, 0.0))))
    source = blurred(source, float(np.hypot(0.9, max(sigma, 0.0))))
    target_blocks = Blocks.of(target)
    blocks = block_statistics(target_blocks, Blocks.of(source))
    # Flat blocks say which tone becomes which where nothing else has that tone.
    alike = full & ((blocks.correlation > 0.7) | (blocks.texture < MIN_TEXTURE_VARIANCE))
    where = inside & block_pixels(alike, target.shape) if alike.sum() >= 4 else inside
    curve = fit_tone_curve(_at(where, source), _at(where, target))
    toned = apply_curve(source, curve)
    # Of a few flat colours a curve misses those that are rare.
    unchanged, changed = (_at(inside, np.abs(target - each)).mean() for each in (source, toned))
    if unchanged <= changed:
        curve, toned = _LEVELS.astype(np.float32), source
    source, light = _even_light(target_blocks, toned, full)
    low, high = np.percentile(curve, [2, 98])
    blocks = block_statistics(target_blocks, Blocks.of(source))
    return Photometry(blocks, sigma, correlation, float(high - low), light)


def _at(mask: Mask, picture: Floats) -> Floats:
    """The pixels of a picture, (h, w), at the places of a mask; in half the time of an index by it."""
    return np.asarray(picture.ravel().compress(mask.ravel()))


def match_blur(target: Floats, source: Floats, full: Mask) -> tuple[float, float]:
    """The blur, in pixels, that makes the source most like the target, negative if the target needs it; and how like."""
    blocks = block_statistics(Blocks.of(target), Blocks.of(source))
    common_target, common_source = (Blocks.of(blurred(each, _COMMON_SIGMA_PX)) for each in (target, source))
    comparable = full & (blocks.correlation > 0.3)
    best, found = _likeness(common_target, common_source, comparable), 0.0
    for sign in (1, -1):
        for sigma in BLUR_SIGMAS_PX:
            if best > _SHARP_ENOUGH:
                return found, best
            more = float(np.hypot(_COMMON_SIGMA_PX, sigma))
            score = (
                _likeness(common_target, Blocks.of(blurred(source, more)), comparable)
                if sign > 0
                else _likeness(Blocks.of(blurred(target, more)), common_source, comparable)
            )
            if score > best + _MIN_GAIN:
                best, found = score, sign * sigma
            elif score < best - _GIVE_UP:
                break
        if found:
            break
    return found, best


def _likeness(target: Blocks, source: Blocks, comparable: Mask) -> float:
    """Mean correlation of the better two thirds of the blocks; -1 if there are hardly any."""
    blocks = block_statistics(target, source)
    correlations = np.sort(blocks.correlation[comparable & (blocks.texture > MIN_TEXTURE_VARIANCE)])
    return float(correlations[len(correlations) // 3 :].mean()) if len(correlations) >= 4 else -1.0


def fit_tone_curve(source: Floats, target: Floats) -> npt.NDArray[np.float32]:
    """The monotone curve, (256,), that takes tones of the source, 0 and more, to those of the target: medians of bins, pooled where they fall.

    Pool-adjacent-violators (Ayer et al., 1955). Beyond its ends the curve goes on as steeply as it ends.
    """
    if len(source) < _MIN_TONE_PIXELS:
        return _shifted(source, target)
    order = _rising(source)
    tones, wanted = source[order], target[order]
    edges = np.unique(quantiles_of_sorted(tones, np.linspace(0, 1, _TONE_BINS + 1)))
    if len(edges) < 4:
        return _shifted(source, target)
    starts = np.searchsorted(tones, edges)
    starts[-1] = len(tones)
    counts = np.diff(starts)
    filled = np.flatnonzero(counts >= _MIN_BIN_PIXELS)
    if len(filled) < 3:
        return _shifted(source, target)
    bins = (
        (wanted[start : start + count], count // 2)
        for start, count in zip(starts[filled], counts[filled], strict=True)
    )
    medians = np.array([np.partition(each, middle)[middle] for each, middle in bins], np.float64)
    middles = tones[starts[filled] + counts[filled] // 2].astype(np.float64)
    values = _pooled(medians, counts[filled])
    curve = np.interp(_LEVELS, middles, values)
    first, last = (
        (values[a] - values[b]) / max(middles[a] - middles[b], 1e-3) for a, b in ((2, 0), (-1, -3))
    )
    first, last = (float(np.clip(slope, 0, _MAX_END_SLOPE)) for slope in (first, last))
    curve = np.where(middles[0] > _LEVELS, values[0] + (_LEVELS - middles[0]) * first, curve)
    curve = np.where(middles[-1] < _LEVELS, values[-1] + (_LEVELS - middles[-1]) * last, curve)
    return np.clip(curve, 0, 255).astype(np.float32)


def _rising(values: Floats) -> npt.NDArray[np.intp]:
    """The order in which values (n,), none of them negative, rise: by the upper half of their bits among those that rise by the lower.

    For numbers of 16 bits NumPy has a radix sort, which takes a third of the time.
    """
    bits = values.view(np.uint32)
    by_lower = np.argsort((bits & 0xFFFF).astype(np.uint16), kind="stable")
    return by_lower[np.argsort((bits >> 16).astype(np.uint16)[by_lower], kind="stable")]


def _shifted(source: Floats, target: Floats) -> npt.NDArray[np.float32]:
    off = float(median(target) - median(source)) if len(source) else 0.0
    shifted: npt.NDArray[np.float32] = np.clip(_LEVELS + off, 0, 255).astype(np.float32)
    return shifted


def _pooled(values: npt.NDArray[np.float64], weights: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        pool = (value, float(weight), 1)
        while pools and pools[-1][0] > pool[0]:
            mean, mass, count = pools.pop()
            together = mass + pool[1]
            pool = ((mean * mass + pool[0] * pool[1]) / together, together, count + pool[2])
        pools.append(pool)
    return np.repeat([pool[0] for pool in pools], [pool[2] for pool in pools])


def apply_curve(picture: Floats, curve: npt.NDArray[np.float32]) -> Floats:
    """Take each tone of a picture, 0 to 255, where a curve has it."""
    below = np.clip(picture, 0, 254.999)
    level = below.astype(np.uint8)
    rest = np.subtract(below, level, dtype=np.float64)
    low, high = (opencv().LUT(level, each) for each in (curve, np.append(curve[1:], curve[-1])))
    return np.asarray(low * (1 - rest) + high * rest, np.float32)


def _even_light(target: Blocks, source: Floats, full: Mask) -> tuple[Floats, float]:
    """Give the source the target's light: an offset and a gain that are quadratic polynomials of place."""
    blocks = block_statistics(target, Blocks.of(source))
    near = np.abs(target.mean - blocks.source.mean) < 40
    used = full & ((blocks.correlation > 0.7) | ((blocks.texture < MIN_TEXTURE_VARIANCE) & near))
    if used.sum() < _MIN_LIGHT_BLOCKS:
        return source, 0.0
    height, width = source.shape
    rows, columns = np.nonzero(used)
    terms = _quadratic((columns + 0.5) * BLOCK_PX / width, (rows + 0.5) * BLOCK_PX / height)
    means = blocks.source.mean[used].astype(np.float64)
    unknowns = np.column_stack([terms, terms[:, 1:] * means[:, None] / 128])
    off = target.mean[used].astype(np.float64) - means
    kept = np.ones(len(off), bool)
    fitted = np.zeros(unknowns.shape[1])
    for _ in range(2):
        squares = unknowns[kept].T @ unknowns[kept] + 0.5 * np.eye(unknowns.shape[1])
        fitted = np.linalg.solve(squares, unknowns[kept].T @ off[kept])
        residuals = np.abs(off - unknowns @ fitted)
        kept = residuals <= max(2.0, float(median(residuals)) * 2.5)
    field = _quadratic(np.arange(width) / width, np.arange(height)[:, None] / height)
    offset, gain = field @ fitted[:6], field[..., 1:] @ fitted[6:] / 128
    levels = float(np.ptp(offset + 128 * gain))
    if levels >= _MAX_LIGHT_LEVELS:
        return source, levels
    return np.asarray(source + offset + gain * source, np.float32), levels


def _quadratic(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The six terms of a quadratic polynomial of places, given in shares of the sides; (..., 6)."""
    u, v = x * 2 - 1, y * 2 - 1
    terms = np.ones((*np.broadcast_shapes(u.shape, v.shape), 6))
    for number, term in enumerate((u, v, u * u, u * v, v * v), 1):
        terms[..., number] = term
    return terms


def residual_limits(photometry: Photometry, alike: Mask) -> tuple[Floats, Floats, float, float]:
    """What is left of two equalised pictures, and how much of it noise and inexact places explain.

    Parameters
    ----------
    photometry
        The pictures.
    alike
        Pixels that show the same.

    Returns
    -------
    The residual (h, w), its expected deviation (h, w), the noise in levels, and the inexactness in pixels.
    """
    target, source = photometry.blocks.target.picture, photometry.blocks.source.picture
    residual = target - source
    slope = np.maximum(*(_slope(each) for each in (target, source)))
    if not alike.any():
        return residual, np.full_like(residual, 50.0), 50.0, 1.0
    slopes, residuals = _at(alike, slope), _at(alike, residual)
    calm_below, steep_above = (quantile(slopes, share) for share in np.array([0.5, 0.8]))
    calm, steep = slopes < calm_below, slopes > steep_above
    noise = _deviation(residuals[calm]) if calm.any() else 50.0
    inexact = 1.0
    if steep.any():
        excess = max(0.0, float(median(residuals[steep] ** 2)) * 2.2 - noise**2)
        inexact = float(np.sqrt(excess) / max(float(median(slopes[steep])), 0.5))
    expected = np.sqrt(max(noise, 0.6) ** 2 + (np.clip(inexact, 0.15, 1.0) * slope) ** 2)
    return residual, np.asarray(expected, np.float32), noise, inexact


def _slope(picture: Floats) -> Floats:
    """How steep the brightness is at each pixel, in levels a pixel; rounded once, as by `numpy.hypot`."""
    cv2 = opencv()
    across, down = (cv2.Sobel(picture, -1, *way, scale=0.125).astype(np.float64) for way in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _deviation(values: Floats) -> float:
    """Standard deviation of a normal distribution with the same median of absolute deviations."""
    return float(1.4826 * median(np.abs(values - median(values))))
