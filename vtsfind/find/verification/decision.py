"""Whether aligned pictures are one photo, edited or not, or two shots of one scene.

The rules say what no edit does: move things about within the scene, shift neighbouring parts together against the rest, put
something in the place of something else that is neither drawn nor cut off straight. The limits were chosen on edits and
on other shots drawn from photographs (`benchmarks/copies.py`, `benchmarks/shots.py`, photos not measured with).
"""

from vtsfind.find.verification.block_similarity import BlockSimilarity
from vtsfind.find.verification.registration import Alignment

REASON_OBJECTS_MOVED = "things are in other places"
"""The one doubt that is hardly ever wrong: an edit does not do that."""

_MIN_INLIERS = 6
_MIN_PART_BLOCKS = 6
_MIN_SAME_SHARE = 0.4
# With few features in agreement the blocks must say more.
_CONCLUSIVE_INLIERS = 15
_CONCLUSIVE_BLOCKS = 12
_CONCLUSIVE_PART_SHARE = 0.15

_MAX_CHANGED_SHARE = 0.003
_MAX_CHANGED_SHARE_PER_NOISE_LEVEL = 0.003
_MUCH_CHANGED_SHARE = 0.03
_MAX_COHERENT_SHIFT_PX = 0.12
_MAX_COHERENT_SHIFT_WHERE_CHANGED_PX = 0.3
_MAX_COHERENT_SHIFT_EVER_PX = 0.35
_MAX_COHERENT_TO_INCOHERENT_RATIO = 0.7
_MAX_EXACT_COPY_NOISE_LEVELS = 0.2
_MIN_DRAWN_SHARE = 0.9
_MIN_SEARCHED_BLOCKS = 14

# A picture that another one shines through has lost contrast, everywhere alike, and nothing has moved.
_MAX_BLEND_GAIN = 0.85
_MIN_BLEND_EVEN_SHARE = 0.75
_MIN_BLEND_CHANGED_EVEN_SHARE = 0.3
_MAX_BLEND_SAME_SHARE = 0.95
_MIN_BLEND_INLIERS = 40

_MIN_FULL_FRAME_SAME_SHARE = 0.95
_MAX_FULL_FRAME_SHIFT_PX = 0.06


def reject_reason(similarity: BlockSimilarity, alignment: Alignment) -> str:
    """Why the pictures are not one photo, in a few words; empty when they are."""
    if _has_too_little_in_common(similarity, alignment):
        return "too little is the same to be sure"
    if _objects_moved(similarity, alignment):
        return REASON_OBJECTS_MOVED
    return "" if _is_blended(similarity, alignment) else _local_reject_reason(similarity, alignment)


def _local_reject_reason(similarity: BlockSimilarity, alignment: Alignment) -> str:
    """Why parts of the pictures are not one photo's."""
    if _has_parallax(similarity):
        return "near and far parts are shifted against each other"
    if similarity.median_correlation < 0.8 and similarity.part_same < 0.9:
        return "few blocks are the same"
    if (
        not _is_unchanged(similarity)
        and not _same_part_is_rectangle(similarity)
        and not _is_drawn_over(similarity, alignment)
    ):
        return "something else is in some places"
    return ""


def is_unedited(similarity: BlockSimilarity) -> bool:
    """Whether nothing is in one picture that is not in the other."""
    return similarity.changed < _MAX_CHANGED_SHARE


def is_full_frame_match(similarity: BlockSimilarity) -> bool:
    """Whether two pictures that lie frame on frame are one photo beyond doubt, also to one who knows no more of them."""
    return (
        similarity.blocks >= _CONCLUSIVE_BLOCKS
        and similarity.same >= _MIN_FULL_FRAME_SAME_SHARE
        and is_unedited(similarity)
        and similarity.moved == 0
        and similarity.coherent_shift_px < max(_MAX_FULL_FRAME_SHIFT_PX, 0.5 * similarity.incoherent_shift_px)
        and not _has_parallax(similarity)
    )


def _is_unchanged(similarity: BlockSimilarity) -> bool:
    """Whether nothing is there that was not, but for what strong compression and few colours leave here and there."""
    return similarity.changed < max(_MAX_CHANGED_SHARE, _MAX_CHANGED_SHARE_PER_NOISE_LEVEL * similarity.noise)


def _has_too_little_in_common(similarity: BlockSimilarity, alignment: Alignment) -> bool:
    # Two photos of one product, or of one poster, share what is printed there.
    if (
        alignment.inliers < _MIN_INLIERS
        or similarity.part < _MIN_PART_BLOCKS
        or similarity.same < _MIN_SAME_SHARE
    ):
        return True
    small = similarity.part < max(_CONCLUSIVE_BLOCKS, _CONCLUSIVE_PART_SHARE * similarity.blocks)
    return small and alignment.inliers < _CONCLUSIVE_INLIERS


def _same_part_is_rectangle(similarity: BlockSimilarity) -> bool:
    """Whether all that is the same fills a rectangle, as a photo in a collage does, with other things around."""
    if similarity.coherent_shift_px < 0.04:  # laid so exactly, what is around may look alike by chance
        return similarity.part_same > 0.95 and similarity.beyond_part < 0.3
    return similarity.part_same > 0.97 and similarity.beyond_part < 0.15


def _objects_moved(similarity: BlockSimilarity, alignment: Alignment) -> bool:
    if similarity.moved > max(_max_moved_by_chance(similarity), 0.1 * similarity.searched):
        return True
    many = alignment.outliers > max(4, 0.08 * alignment.inliers)
    return many and not (_is_unchanged(similarity) and similarity.coherent_shift_px < 0.07)


def _max_moved_by_chance(similarity: BlockSimilarity) -> int:
    """Blocks that may look like another place near by though nothing moved."""
    if (
        similarity.noise < _MAX_EXACT_COPY_NOISE_LEVELS
    ):  # what did not change is the same to the pixel, so this is no other moment
        return 3
    if similarity.part_same <= 0.97:
        return 1
    if similarity.beyond_part < 0.1 and similarity.coherent_shift_px < 0.04:
        return 3
    return 2 if similarity.beyond_part < 0.03 else 1


def _has_parallax(similarity: BlockSimilarity) -> bool:
    if (
        similarity.changed > _MUCH_CHANGED_SHARE
        and not _same_part_is_rectangle(similarity)
        and similarity.coherent_shift_px > 0.15
    ):
        return True
    if not _is_unchanged(similarity) and similarity.coherent_shift_px > _MAX_COHERENT_SHIFT_WHERE_CHANGED_PX:
        return True
    # The traces of strong compression make blocks seem displaced too, but each by itself.
    return similarity.coherent_shift_px > _MAX_COHERENT_SHIFT_EVER_PX or similarity.coherent_shift_px > max(
        _MAX_COHERENT_SHIFT_PX, _MAX_COHERENT_TO_INCOHERENT_RATIO * similarity.incoherent_shift_px
    )


def _is_blended(similarity: BlockSimilarity, alignment: Alignment) -> bool:
    """Whether a second picture lies thinly over all of one of them: a double exposure, or a reflection put there."""
    evenly = (
        similarity.gain < _MAX_BLEND_GAIN
        and similarity.even >= _MIN_BLEND_EVEN_SHARE
        and similarity.changed_even >= _MIN_BLEND_CHANGED_EVEN_SHARE
    )
    in_place = similarity.moved <= 1 and alignment.outliers <= max(2, 0.08 * alignment.inliers)
    # What shines through makes blocks seem displaced, each by itself.
    together = similarity.coherent_shift_px > 0.75 * similarity.incoherent_shift_px
    return (
        evenly
        and in_place
        and not together
        and alignment.inliers >= _MIN_BLEND_INLIERS
        and similarity.same < _MAX_BLEND_SAME_SHARE
    )


def _is_drawn_over(similarity: BlockSimilarity, alignment: Alignment) -> bool:
    """Whether what changed is of few colours in one of the pictures, and not in both, as writing and stickers are."""
    if similarity.drawn > _MIN_DRAWN_SHARE:
        return True
    hints = similarity.moved > 0.07 * similarity.searched or alignment.outliers > 2
    if similarity.noise < _MAX_EXACT_COPY_NOISE_LEVELS:  # what did not change is the same to the pixel
        return not hints or similarity.drawn - similarity.plain >= 0.15
    unmoved = (
        similarity.searched >= _MIN_SEARCHED_BLOCKS and similarity.moved == 0 and alignment.outliers <= 1
    )
    return unmoved and similarity.drawn - 0.5 * similarity.plain >= 0.15
