"""What the comparison of two aligned photos gives: a few dozen numbers, on which the decision rests.

The finer photo is laid on the coarser one (`overlay`), given its sharpness, tones and light (`photometry`), and compared block by
block and pixel by pixel. A block is informative where it has texture beyond the noise; flat, clipped and blurred ones say
nothing. Three questions are asked: how much of each photo is found in the other (containment); what both show at one place but
differently, and whether that is drawn or another thing (changes); and whether things lie off their places (motion).
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Features, Floats
from vtsfind.find.threads import opencv
from vtsfind.find.verification.block_grid import (
    BLOCK_PX,
    Blocks,
    BlockStatistics,
    Mask,
    block_means,
    block_pixels,
    block_shifts,
    largest_same_rectangle,
    neighbourhood_sum,
)
from vtsfind.find.verification.colours import few_colours_share, saturation
from vtsfind.find.verification.measures import Agreement, Measures
from vtsfind.find.verification.motion import FOUND_CORRELATION, match_elsewhere, uneven
from vtsfind.find.verification.overlay import MIN_TEXTURE_VARIANCE, Overlay, anisotropy, local_scale
from vtsfind.find.verification.photometry import Photometry, equalise, residual_limits
from vtsfind.find.verification.quantiles import median, quantile
from vtsfind.find.verification.registration import Alignment, Matrix, project

MIN_SIDE_PX = BLOCK_PX + 6
"""A picture of less has no block inside its margins."""
_SAME_CORRELATION = 0.85
_WEAK_CORRELATION = 0.5
_MIN_CHANGE_LEVELS = 12.0
_SHADE_LEVELS = 10.0
_SEARCHED_BLOCKS = 12
_PATCH_PX = 8
_NO_SHIFT = -1.0
"""Where too few blocks lie together to say how far they are off."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two photos, compared."""

    measures: Measures
    matrix: Matrix
    """(3, 3): takes places of the second photo's small picture to the first's, made exact."""
    changed_box: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom of the largest change, in shares of the sides of the coarser photo; None without one."""
    changed_in_first: bool = True
    """Whether the coarser photo is the first."""


def compare(first: Features, second: Features, alignment: Alignment) -> Comparison | None:
    """Measure two photos under a map; None when too little of them lies on each other."""
    if min(*first.grey.shape, *second.grey.shape) < MIN_SIDE_PX:
        return None
    swapped = is_coarser(second, alignment.matrix)
    matrix = _inverse(alignment.matrix) if swapped else alignment.matrix
    overlay = Overlay(*((second, first) if swapped else (first, second)), matrix)
    if not np.isfinite(overlay.scale) or not overlay.refine():
        return None
    measures, box = _Measuring(overlay, alignment).result()
    exact = _inverse(overlay.matrix) if swapped else overlay.matrix
    return Comparison(measures, exact, box, not swapped)


def is_coarser(second: Features, matrix: Matrix) -> bool:
    """Whether a photo that a map lays on another one is the coarser of both, in whose frame they are compared."""
    return local_scale(matrix, second) > 1


def agreement(first: Features, second: Features, matrix: Matrix) -> Agreement | None:
    """Measure two photos under a map (3, 3) that is exact already; None when they are too small."""
    if min(*first.grey.shape, *second.grey.shape) < MIN_SIDE_PX:
        return None
    swapped = is_coarser(second, matrix)
    overlay = Overlay(*((second, first, _inverse(matrix)) if swapped else (first, second, matrix)))
    if not overlay.lay():
        return None
    measuring = _Measuring(overlay, Alignment(matrix, 0, 0))
    numbers = {
        **measuring.block_changes(),
        "largest_pixels": measuring.largest_pixels(),
        **measuring.colours(),
        **measuring.shifts(),
    }
    return Agreement(**{field.name: numbers[field.name] for field in fields(Agreement)})


def _inverse(matrix: Matrix) -> Matrix:
    inverse = np.linalg.inv(matrix)
    return np.asarray(inverse / inverse[2, 2])


class _Measuring:
    """The steps from an overlay to its measures."""

    def __init__(self, overlay: Overlay, alignment: Alignment) -> None:
        self.overlay, self.alignment = overlay, alignment
        self.full, self.inside = overlay.full, overlay.inside
        self.unequal = overlay.warp(overlay.source())
        self.light: Photometry = equalise(overlay.coarse.grey, self.unequal, self.full, self.inside)
        self.blocks: BlockStatistics = self.light.blocks
        alike = self.full & (self.blocks.correlation > 0.7) & (self.blocks.texture > 4)
        if alike.sum() < 4:
            alike = self.full
        mask = block_pixels(alike, self.inside.shape) & self.inside
        self.residual, self.expected, self.noise, self.inexact = residual_limits(self.light, mask)
        self._classify()
        self.target_picture = overlay.coarse.picture
        self.source_picture = overlay.warp(overlay.fine.picture)

    def _classify(self) -> None:
        """Which blocks are informative, the same, and changed."""
        blocks = self.blocks
        limit = max(1.2 * self.noise, 2.2) ** 2
        self.in_target = self.full & (blocks.target.variance > limit)
        self.in_source = self.full & (blocks.source.variance > limit)
        self.informative = self.in_target | self.in_source
        squares = block_means(self.residual**2)
        excess = squares / block_means(self.expected**2)
        exact = (excess < 2) & (blocks.correlation > _WEAK_CORRELATION)
        self.same: Mask = self.informative & ((blocks.correlation >= _SAME_CORRELATION) | exact)
        shaded = np.abs(blocks.target.mean - blocks.source.mean) > _SHADE_LEVELS
        differs = (excess > 4) & (squares > 25) & (self.informative | shaded)
        self.changed: Mask = self.full & ~self.same & differs

    def result(self) -> tuple[Measures, tuple[float, float, float, float] | None]:
        pixels, box = self.pixel_changes()
        numbers = {
            **self._geometry(),
            **self._photometry(),
            **self.block_changes(),
            **pixels,
            **self.colours(),
            **self.shifts(),
            **self._elsewhere(),
            **self._containment(),
        }
        return Measures(**numbers), box

    def _geometry(self) -> dict[str, float]:
        alignment, overlay = self.alignment, self.overlay
        height, width = overlay.fine.grey.shape
        return {
            "inliers": alignment.inliers,
            "inlier_share": alignment.inliers / max(1, alignment.matches),
            "outliers": alignment.outliers,
            "outlier_ratio": alignment.outliers / max(1, alignment.inliers),
            "perspective": float(abs(overlay.matrix[2, 0]) * width + abs(overlay.matrix[2, 1]) * height),
            "scale": overlay.scale,
            "anisotropy": anisotropy(overlay.matrix, overlay.fine),
            "correction_px": overlay.correction_px,
            "bend_px": overlay.bend_px,
            "target_side_px": min(overlay.shape),
        }

    def _photometry(self) -> dict[str, float]:
        return {
            "blur_px": self.light.blur_sigma_px,
            "blur_correlation": self.light.correlation,
            "tone_range": self.light.tone_range,
            "light_levels": self.light.light_levels,
            "noise_levels": self.noise,
            "inexact_px": self.inexact,
        }

    def block_changes(self) -> dict[str, float]:
        cv2 = opencv()
        full, informative = max(1, int(self.full.sum())), max(1, int(self.informative.sum()))
        changed, both = self.changed, self.changed & self.in_target & self.in_source
        count, _, parts, _ = cv2.connectedComponentsWithStats(changed.astype(np.uint8), connectivity=8)
        correlation = self.blocks.correlation
        of_informative = correlation[self.informative] if self.informative.any() else np.zeros(1)
        of_changed = correlation[changed] if changed.any() else np.ones(1)
        low, lower, middle = (quantile(of_informative, share) for share in np.array([0.1, 0.3, 0.5]))
        return {
            "full_blocks": full,
            "informative_blocks": informative,
            "informative_share": informative / full,
            "same_share": float(self.same.sum() / informative),
            "changed_share": float(changed.sum() / full),
            "changed_both": float(both.sum() / full),
            "changed_target": float((changed & self.in_target & ~self.in_source).sum() / full),
            "changed_source": float((changed & self.in_source & ~self.in_target).sum() / full),
            "largest_change": float(parts[1:, cv2.CC_STAT_AREA].max() / full) if count > 1 else 0.0,
            "changes": count - 1,
            "low_correlation": float(low),
            "lower_correlation": float(lower),
            "median_correlation": float(middle),
            "changed_correlation": float(median(of_changed)),
            "kept_texture": float((of_changed > 0.3).mean()),
        }

    def _changed_pixels(self) -> tuple[Floats, Mask, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """How far each pixel is off, (h, w) levels; which are changed; the number of the change of each; and the changes by OpenCV."""
        cv2 = opencv()
        off = cv2.boxFilter(np.abs(self.residual), -1, (3, 3))
        changed = (off > 3.5 * self.expected + 4) & (off > _MIN_CHANGE_LEVELS) & self.inside
        _, labels, parts, _ = cv2.connectedComponentsWithStats(changed.astype(np.uint8), connectivity=8)
        return off, changed, labels, parts

    def largest_pixels(self) -> float:
        """The largest connected change, as a share of the picture."""
        parts = self._changed_pixels()[-1]
        return float(parts[1:, opencv().CC_STAT_AREA].max(initial=0) / max(1, int(self.inside.sum())))

    def pixel_changes(self) -> tuple[dict[str, float], tuple[float, float, float, float] | None]:
        cv2 = opencv()
        height, width = self.inside.shape
        off, changed, labels, parts = self._changed_pixels()
        count = len(parts)
        area = max(1, int(self.inside.sum()))
        few = sorted(few_colours_share(p[changed]) for p in (self.target_picture, self.source_picture))
        largest = _Change(area)
        box = None
        if count > 1:
            number = 1 + int(parts[1:, cv2.CC_STAT_AREA].argmax())
            left, top, across, down, pixels = (int(v) for v in parts[number])
            where = labels == number
            largest = _Change.of(where, (across, down, pixels), area, self)
            box = left / width, top / height, (left + across) / width, (top + down) / height
        ratio = (off / self.expected) * self.inside
        rows, columns = height // _PATCH_PX, width // _PATCH_PX
        patches = cv2.resize(
            ratio[: rows * _PATCH_PX, : columns * _PATCH_PX].astype(np.float32),
            (columns, rows),
            interpolation=cv2.INTER_AREA,
        )
        whole = sorted(
            few_colours_share(photo.picture.reshape(-1, 3)[::3])
            for photo in (self.overlay.coarse, self.overlay.fine)
        )
        return {
            "changed_pixels": float(changed.sum() / area),
            "largest_pixels": largest.pixels,
            "many_pixel_changes": float((parts[1:, cv2.CC_STAT_AREA] > 24).sum()) if count > 1 else 0.0,
            "few_colours_max": few[1],
            "few_colours_min": few[0],
            "largest_few_max": largest.few[1],
            "largest_few_min": largest.few[0],
            "largest_fill": largest.fill,
            "largest_box": largest.box,
            "flatter_deviation": largest.deviations[0],
            "deviation_ratio": largest.deviations[0] / max(largest.deviations[1], 1.0),
            "change_levels": float(median(np.abs(self.residual[changed]))) if changed.any() else 0.0,
            "patch_max": float(patches.max()),
            "patch_high": float(quantile(patches, 0.99)),
            "target_few_colours": whole[1],
            "source_few_colours": whole[0],
        }, box

    def colours(self) -> dict[str, float]:
        """How far colours of blocks are apart once one linear map has taken the source's to the target's."""
        target = block_means(self.target_picture.astype(np.float32))
        source = block_means(self.source_picture.astype(np.float32))
        used = self.full & (self.same | ~self.informative)
        saturations = sorted(saturation(photo.picture) for photo in (self.overlay.coarse, self.overlay.fine))
        numbers = {
            "colour_median": 60.0,
            "colour_high": 60.0,
            "colour_difference": 60.0,
            "recoloured_share": 1.0,
            "saturation_min": saturations[0],
            "saturation_max": saturations[1],
        }
        if used.sum() < 8:
            return numbers
        known = np.column_stack([source[used], np.ones(int(used.sum()))]).astype(np.float64)
        weight = np.diag([30.0, 30.0, 30.0, 1e-3])  # towards leaving colours as they are
        mixing = np.linalg.solve(
            known.T @ known + weight,
            known.T @ target[used] + weight @ np.vstack([np.eye(3), np.zeros((1, 3))]),
        )
        apart = np.abs(target - (source @ mixing[:3] + mixing[3])).max(-1)[self.full]
        usual = float(median(apart))
        return {
            **numbers,
            "colour_median": usual,
            "colour_high": float(quantile(apart, 0.98)),
            "colour_difference": float(np.abs(target - source)[self.full].mean()),
            "recoloured_share": float((apart > max(14.0, 4 * usual)).mean()),
        }

    def shifts(self) -> dict[str, float]:
        shifts, known = block_shifts(self.blocks)
        reliable = self.informative & (self.blocks.correlation > 0.8) & known
        weights = reliable.astype(np.float32)
        near = neighbourhood_sum(weights)
        steady = reliable & (near >= 4)
        numbers = {
            "coherent_shift_px": _NO_SHIFT,
            "coherent_shift_high_px": _NO_SHIFT,
            "coherent_shift_max_px": _NO_SHIFT,
            "incoherent_shift_px": _NO_SHIFT,
            "uneven_shift_px": _NO_SHIFT,
        }
        if steady.sum() < 3:
            return numbers
        together = np.stack(
            [neighbourhood_sum(shifts[:, :, n] * weights) / np.maximum(near, 1) for n in (0, 1)], -1
        )
        coherent, alone = np.hypot(*together[steady].T), np.hypot(*(shifts - together)[steady].T)
        high, higher = (quantile(coherent, share) for share in np.array([0.8, 0.95]))
        return {
            **numbers,
            "coherent_shift_px": float(high),
            "coherent_shift_high_px": float(higher),
            "coherent_shift_max_px": float(coherent.max()),
            "incoherent_shift_px": float(quantile(alone, 0.8)),
            "uneven_shift_px": uneven(together, steady, float(high)),
        }

    def _elsewhere(self) -> dict[str, float]:
        """Of the blocks that changed most, how many are found near by in the other picture; of how many; and the best match."""
        found = searched = 0
        best = 0.0
        target, source = self.blocks.target, self.blocks.source
        for own, other, there in ((target, source, self.in_target), (source, target, self.in_source)):
            dissimilar = self.full & there & (self.blocks.correlation < 0.6) & (own.variance > 36)
            rows, columns = np.nonzero(dissimilar)
            order = np.argsort(-own.variance[rows, columns], kind="stable")
            for n in order[:: max(1, len(order) // _SEARCHED_BLOCKS)][:_SEARCHED_BLOCKS]:
                x, y = int(columns[n]) * BLOCK_PX, int(rows[n]) * BLOCK_PX
                match = match_elsewhere(own.picture, other.picture, x, y)
                searched += 1
                found += match > FOUND_CORRELATION
                best = max(best, match)
        return {"found_elsewhere": found, "searched": searched, "best_elsewhere": best}

    def _containment(self) -> dict[str, float]:
        compared = self.informative | self.changed
        rectangle = largest_same_rectangle(self.same, compared)
        within, beyond = rectangle & compared, ~rectangle & compared
        coarse = self._contained_coarse()
        fine = self._contained_fine()
        textured = self.full & (self.blocks.source.variance > MIN_TEXTURE_VARIANCE)
        gains = self.blocks.gain[textured] if textured.any() else np.zeros(1)
        gain = float(median(gains))
        return {
            "rectangle_blocks": int(within.sum()),
            "rectangle_share": float(within.sum() / max(1, compared.sum())),
            "rectangle_same": float((within & self.same).sum() / max(1, within.sum())),
            "same_beyond": float((beyond & self.same).sum() / max(1, beyond.sum())),
            "blocks_beyond": int(beyond.sum()),
            "contained_max": max(coarse[0], fine[0]),
            "contained_min": min(coarse[0], fine[0]),
            "overlap_max": max(coarse[1], fine[1]),
            "overlap_min": min(coarse[1], fine[1]),
            "same_blocks": int(self.same.sum()),
            "blend_gain": gain,
            "blend_evenness": float((np.abs(gains - gain) < 0.35 * abs(gain)).mean()),
        }

    def _contained_coarse(self) -> tuple[float, float]:
        """Shares of the coarser photo: of its informative blocks that are the same, and of its area that both show."""
        informative = Blocks.of(self.overlay.coarse.denoised).variance > MIN_TEXTURE_VARIANCE
        return float((self.same & informative).sum() / max(1, informative.sum())), float(self.full.mean())

    def _contained_fine(self) -> tuple[float, float]:
        """The same of the finer photo, by where the middles of its blocks come to lie."""
        informative = Blocks.of(self.overlay.fine.denoised).variance > MIN_TEXTURE_VARIANCE
        rows, columns = np.indices(informative.shape)
        middles = np.column_stack([(columns.ravel() + 0.5) * BLOCK_PX, (rows.ravel() + 0.5) * BLOCK_PX])
        landed = np.floor(project(self.overlay.matrix, middles) / BLOCK_PX)
        height, width = self.same.shape
        inside = ((landed >= 0) & (landed < [width, height])).all(1)
        column, row = landed[inside].astype(np.intp).T
        same = self.same[row, column] & informative.ravel()[inside]
        return float(same.sum() / max(1, informative.sum())), float(inside.mean())


@dataclass(frozen=True, slots=True)
class _Change:
    """The largest connected change."""

    area: int
    pixels: float = 0.0
    few: tuple[float, float] = (1.0, 1.0)
    fill: float = 0.0
    box: float = 0.0
    deviations: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(cls, where: Mask, size: tuple[int, int, int], area: int, of: _Measuring) -> "_Change":
        across, down, pixels = size
        low, high = sorted(few_colours_share(p[where]) for p in (of.target_picture, of.source_picture))
        flatter, other = sorted(float(p[where].std()) for p in (of.overlay.coarse.grey, of.unequal))
        return cls(
            area, pixels / area, (low, high), pixels / (across * down), across * down / area, (flatter, other)
        )
