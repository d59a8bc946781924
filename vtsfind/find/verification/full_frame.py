"""Whether two photos show the same in full: encoded anew, resized or squashed, rotated by quarters, mirrored, in other tones.

That is what most copies are, and it is seen without local features: laid on each other in one of the eight turns, frame on
frame, the pictures agree everywhere. Only what is beyond doubt is decided here. What is not, another shot from the same place
above all, is left to local features, which also see what has moved (`vtsfind.find.verification.registration`).
"""

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import THUMBNAIL_PX, Features
from vtsfind.find.verification.comparison import agreement
from vtsfind.find.verification.decision import MAX_RESAVE_CHANGE
from vtsfind.find.verification.measures import Agreement
from vtsfind.find.verification.registration import Matrix

TURNS = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, -1, 1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, 1, -1, 0): 8,
}
"""Rows of the maps that an EXIF orientation makes, by the sign pattern of the 2 x 2 part."""

_MIN_THUMBNAIL_CORRELATION = 0.95
_MIN_BLOCKS = 12
"""Informative blocks: a few may agree by chance."""
_MIN_SAME_SHARE = 0.95
_MAX_COHERENT_SHIFT_PX = 0.06
_MAX_COHERENT_TO_INCOHERENT = 0.5
"""Compression displaces blocks each by itself; parallax displaces neighbours together."""


def compare_full_frame(first: Features, second: Features) -> tuple[Agreement, Matrix] | None:
    """How two photos agree, frame on frame, if they do beyond doubt; else None.

    Returns
    -------
    What was measured, and the map, (3, 3), that lays the second small picture on the first.
    """
    turn = _best_turn(first, second)
    if turn is None:
        return None
    matrix = _full_frame_map(turn, first, second)
    measured = agreement(first, second, matrix)
    return (measured, matrix) if measured and _is_match(measured) else None


def _is_match(measured: Agreement) -> bool:
    return (
        measured.informative_blocks >= _MIN_BLOCKS
        and measured.same_share >= _MIN_SAME_SHARE
        and measured.changes == 0
        and measured.largest_pixels <= MAX_RESAVE_CHANGE
        and measured.coherent_shift_px
        < max(_MAX_COHERENT_SHIFT_PX, _MAX_COHERENT_TO_INCOHERENT * measured.incoherent_shift_px)
    )


def _best_turn(first: Features, second: Features) -> tuple[int, ...] | None:
    """The turn, as in `TURNS`, in which tiny pictures of both are most alike, if they are alike enough."""
    correlations = second.thumbnail[_TURNED_INDICES] @ first.thumbnail
    best = int(correlations.argmax())
    return tuple(TURNS)[best] if correlations[best] >= _MIN_THUMBNAIL_CORRELATION else None


def _turned_indices() -> npt.NDArray[np.intp]:
    """(8, 256): for each turn, where in a tiny picture is what comes to each place once it is turned."""
    steps = np.arange(THUMBNAIL_PX) - (THUMBNAIL_PX - 1) / 2
    y, x = np.meshgrid(steps, steps, indexing="ij")
    indices = []
    for turn in TURNS:
        back = np.linalg.inv(np.array(turn, float).reshape(2, 2))
        across, down = back @ np.stack([x.ravel(), y.ravel()]) + (THUMBNAIL_PX - 1) / 2
        indices.append(np.rint(down * THUMBNAIL_PX + across).astype(np.intp))
    return np.stack(indices)


_TURNED_INDICES = _turned_indices()


def _full_frame_map(turn: tuple[int, ...], first: Features, second: Features) -> Matrix:
    """The map, (3, 3), that lays all of the second picture on all of the first; places are those of pixels' middles."""
    target_size, source_size = (np.array(photo.grey.shape[::-1], float) for photo in (first, second))
    part = np.array(turn, float).reshape(2, 2) * target_size[:, None] / source_size[None]
    shift = target_size / 2 - 0.5 - part @ (source_size / 2 - 0.5)
    return np.vstack([np.column_stack([part, shift]), [0.0, 0.0, 1.0]])
