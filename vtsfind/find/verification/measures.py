"""What the comparison of two photos gives: a few dozen numbers, on which the decision rests. `comparison` measures them."""

from dataclasses import astuple, dataclass, fields

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Measures:
    """Of the frame of the coarser photo, the target, and the finer one laid on it, the source. Shares are 0 to 1."""

    inliers: float
    inlier_share: float
    outliers: float
    outlier_ratio: float
    perspective: float
    """How much the depth of a plane changes over the picture."""
    scale: float
    anisotropy: float
    correction_px: float
    bend_px: float
    target_side_px: float
    """The shorter one."""

    blur_px: float
    blur_correlation: float
    tone_range: float
    light_levels: float
    noise_levels: float
    inexact_px: float

    full_blocks: float
    informative_blocks: float
    informative_share: float
    same_share: float
    """Of the informative blocks."""
    changed_share: float
    """Of all blocks that both show; as the next four."""
    changed_both: float
    """Informative in both."""
    changed_target: float
    changed_source: float
    largest_change: float
    """Blocks of the largest connected change."""
    changes: float
    low_correlation: float
    """10th percentile of the informative blocks; the next one the 30th."""
    lower_correlation: float
    median_correlation: float
    changed_correlation: float
    """Median of the changed blocks: what is thinly laid over a photo leaves its texture."""
    kept_texture: float
    """Share of the changed blocks that still correlate."""

    changed_pixels: float
    largest_pixels: float
    many_pixel_changes: float
    few_colours_max: float
    """Share of the changed pixels that six colours make up, in the picture where it is greater; then in the other."""
    few_colours_min: float
    largest_few_max: float
    """The same of the largest change."""
    largest_few_min: float
    largest_fill: float
    """Of its bounding box."""
    largest_box: float
    flatter_deviation: float
    """Levels: of the largest change in the picture where it is flatter."""
    deviation_ratio: float
    change_levels: float
    patch_max: float
    """How many expected deviations the worst patch of 8 pixels is off; then the 99th percentile."""
    patch_high: float
    target_few_colours: float
    """The greater of the two whole pictures: drawn pages have few. Then the lesser."""
    source_few_colours: float

    colour_median: float
    colour_high: float
    colour_difference: float
    recoloured_share: float
    saturation_min: float
    saturation_max: float

    coherent_shift_px: float
    """80th percentile of how far neighbouring blocks lie off together; then the 95th and the largest."""
    coherent_shift_high_px: float
    coherent_shift_max_px: float
    incoherent_shift_px: float
    """80th percentile of how far each does by itself."""
    uneven_shift_px: float
    """What a quadratic field leaves of the coherent shifts."""
    found_elsewhere: float
    searched: float
    best_elsewhere: float

    rectangle_blocks: float
    rectangle_share: float
    rectangle_same: float
    same_beyond: float
    blocks_beyond: float
    contained_max: float
    """Share of the informative blocks of a whole photo that are the same in the other; of the better contained one, then the other."""
    contained_min: float
    overlap_max: float
    overlap_min: float
    same_blocks: float
    blend_gain: float
    blend_evenness: float

    def vector(self) -> npt.NDArray[np.float32]:
        """The numbers in the order of the fields, (m,) float32."""
        return np.nan_to_num(np.array(astuple(self), np.float32), nan=-1.0, posinf=1e3, neginf=-1e3)


MEASURE_NAMES = tuple(field.name for field in fields(Measures))


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two photos agree that lie frame on frame; the fields are those of `Measures`."""

    informative_blocks: float
    same_share: float
    changes: float
    largest_pixels: float
    coherent_shift_px: float
    incoherent_shift_px: float
    colour_difference: float
    saturation_min: float
    saturation_max: float
