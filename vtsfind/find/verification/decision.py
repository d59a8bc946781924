"""Whether aligned pictures are one photo, edited or not, or two shots of one scene.

The rules say what no edit does: move things about within the scene, shift neighbouring parts together against the rest, put
something in the place of something else that is neither drawn nor cut off straight. The limits were chosen on edits and
on other shots drawn from photographs (`benchmarks/copies.py`, `benchmarks/shots.py`, photos not measured with).
"""

from vtsfind.find.verification.block_similarity import Likeness
from vtsfind.find.verification.registration import Alignment

MOVED = "things are in other places"
"""The one doubt that is hardly ever wrong: an edit does not do that."""

_FEWEST_INLIERS = 6
_FEWEST_BLOCKS = 6
_LEAST_SAME = 0.4
# With few features in agreement the blocks must say more.
_SURE_INLIERS = 15
_SURE_BLOCKS = 12
_SURE_SHARE = 0.15

_STILL = 0.003
_STILL_A_LEVEL = 0.003
_MUCH_CHANGED = 0.03
_SWAY = 0.12
_SWAY_WHERE_CHANGED = 0.3
_SWAY_EVER = 0.35
_TOGETHER = 0.7
_EXACT_NOISE = 0.2
_DRAWN = 0.9
_WELL_SOUGHT = 14

# A picture that another one shines through has lost contrast, everywhere alike, and nothing has moved.
_FADED = 0.85
_EVEN = 0.75
_CHANGED_EVEN = 0.3
_SURELY_CHANGED = 0.95
_WELL_ALIGNED = 40

_PLAINLY = 0.95
_PLAIN_SWAY = 0.06


def doubt(seen: Likeness, alignment: Alignment) -> str:
    """Why the pictures are not one photo, in a few words; empty when they are."""
    if _too_little(seen, alignment):
        return "too little is the same to be sure"
    if _things_moved(seen, alignment):
        return MOVED
    return "" if _shines_through(seen, alignment) else _other_parts(seen, alignment)


def _other_parts(seen: Likeness, alignment: Alignment) -> str:
    """Why parts of the pictures are not one photo's."""
    if _parts_shifted(seen):
        return "near and far parts are shifted against each other"
    if seen.middle < 0.8 and seen.part_same < 0.9:
        return "few blocks are the same"
    if not _unchanged(seen) and not _cut_straight(seen) and not _drawn_over(seen, alignment):
        return "something else is in some places"
    return ""


def still(seen: Likeness) -> bool:
    """Whether nothing is in one picture that is not in the other."""
    return seen.changed < _STILL


def plainly_same(seen: Likeness) -> bool:
    """Whether two pictures that lie frame on frame are one photo beyond doubt, also to one who knows no more of them."""
    return (
        seen.blocks >= _SURE_BLOCKS
        and seen.same >= _PLAINLY
        and still(seen)
        and seen.moved == 0
        and seen.sway < max(_PLAIN_SWAY, 0.5 * seen.jitter)
        and not _parts_shifted(seen)
    )


def _unchanged(seen: Likeness) -> bool:
    """Whether nothing is there that was not, but for what strong compression and few colours leave here and there."""
    return seen.changed < max(_STILL, _STILL_A_LEVEL * seen.noise)


def _too_little(seen: Likeness, alignment: Alignment) -> bool:
    # Two photos of one product, or of one poster, share what is printed there.
    if alignment.inliers < _FEWEST_INLIERS or seen.part < _FEWEST_BLOCKS or seen.same < _LEAST_SAME:
        return True
    small = seen.part < max(_SURE_BLOCKS, _SURE_SHARE * seen.blocks)
    return small and alignment.inliers < _SURE_INLIERS


def _cut_straight(seen: Likeness) -> bool:
    """Whether all that is the same fills a rectangle, as a photo in a collage does, with other things around."""
    if seen.sway < 0.04:  # laid so exactly, what is around may look alike by chance
        return seen.part_same > 0.95 and seen.beyond < 0.3
    return seen.part_same > 0.97 and seen.beyond < 0.15


def _things_moved(seen: Likeness, alignment: Alignment) -> bool:
    if seen.moved > max(_moved_by_chance(seen), 0.1 * seen.sought):
        return True
    many = alignment.strays > max(4, 0.08 * alignment.inliers)
    return many and not (_unchanged(seen) and seen.sway < 0.07)


def _moved_by_chance(seen: Likeness) -> int:
    """Blocks that may look like another place near by though nothing moved."""
    if seen.noise < _EXACT_NOISE:  # what did not change is the same to the pixel, so this is no other moment
        return 3
    if seen.part_same <= 0.97:
        return 1
    if seen.beyond < 0.1 and seen.sway < 0.04:
        return 3
    return 2 if seen.beyond < 0.03 else 1


def _parts_shifted(seen: Likeness) -> bool:
    if seen.changed > _MUCH_CHANGED and not _cut_straight(seen) and seen.sway > 0.15:
        return True
    if not _unchanged(seen) and seen.sway > _SWAY_WHERE_CHANGED:
        return True
    # The traces of strong compression make blocks seem displaced too, but each by itself.
    return seen.sway > _SWAY_EVER or seen.sway > max(_SWAY, _TOGETHER * seen.jitter)


def _shines_through(seen: Likeness, alignment: Alignment) -> bool:
    """Whether a second picture lies thinly over all of one of them: a double exposure, or a reflection put there."""
    evenly = seen.gain < _FADED and seen.even >= _EVEN and seen.changed_even >= _CHANGED_EVEN
    in_place = seen.moved <= 1 and alignment.strays <= max(2, 0.08 * alignment.inliers)
    # What shines through makes blocks seem displaced, each by itself.
    together = seen.sway > 0.75 * seen.jitter
    return (
        evenly
        and in_place
        and not together
        and alignment.inliers >= _WELL_ALIGNED
        and seen.same < _SURELY_CHANGED
    )


def _drawn_over(seen: Likeness, alignment: Alignment) -> bool:
    """Whether what changed is of few colours in one of the pictures, and not in both, as writing and stickers are."""
    if seen.drawn > _DRAWN:
        return True
    hints = seen.moved > 0.07 * seen.sought or alignment.strays > 2
    if seen.noise < _EXACT_NOISE:  # what did not change is the same to the pixel
        return not hints or seen.drawn - seen.plain >= 0.15
    unmoved = seen.sought >= _WELL_SOUGHT and seen.moved == 0 and alignment.strays <= 1
    return unmoved and seen.drawn - 0.5 * seen.plain >= 0.15
