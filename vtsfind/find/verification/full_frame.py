"""Whether two photos show the same in full: saved anew, smaller or squashed, turned, mirrored, in other colours.

That is what most copies are, and it is seen without local features: laid on each other in one of the eight turns, frame on
frame, the pictures agree everywhere. Only what is beyond doubt is decided here. What is not, another shot from the same place
above all, is left to local features, which also see what has moved (`vtsfind.find.verification.registration`).
"""

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Features, Floats
from vtsfind.find.threads import opencv
from vtsfind.find.verification.block_similarity import BlockSimilarity, block_similarity
from vtsfind.find.verification.decision import is_full_frame_match
from vtsfind.find.verification.registration import Alignment

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

_THUMBNAIL_PX = 16
_MIN_THUMBNAIL_CORRELATION = 0.95


def compare_full_frame(first: Features, second: Features) -> tuple[BlockSimilarity, Alignment] | None:
    """How alike two photos are, frame on frame, if they are the same beyond doubt; else None.

    Returns
    -------
    The likeness, and how the second picture lies on the first; no local features agree in it, for none were asked.
    """
    turn = _best_turn(first, second)
    if turn is None:
        return None
    compared = block_similarity(first, second, Alignment(_full_frame_map(turn, first, second), 0, 0))
    return compared if compared and is_full_frame_match(compared[0]) else None


def _best_turn(first: Features, second: Features) -> tuple[int, ...] | None:
    """The turn, as in `TURNS`, in which tiny pictures of both are most alike, if they are alike enough."""
    first_thumbnail, second_thumbnail = _thumbnail(first), _thumbnail(second)
    correlations = second_thumbnail[_TURNED_INDICES] @ first_thumbnail
    best = int(correlations.argmax())
    return tuple(TURNS)[best] if correlations[best] >= _MIN_THUMBNAIL_CORRELATION else None


def _thumbnail(photo: Features) -> Floats:
    """(256,): the picture in 16 by 16 pixels, of mean 0 and length 1."""
    thumbnail = (
        opencv()
        .resize(photo.denoised, (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=opencv().INTER_AREA)
        .ravel()
    )
    thumbnail = thumbnail - thumbnail.mean()
    result: Floats = thumbnail / max(float(np.linalg.norm(thumbnail)), 1e-6)
    return result


def _turned_indices() -> npt.NDArray[np.intp]:
    """(8, 256): for each turn, where in a tiny picture is what comes to each place once it is turned."""
    steps = np.arange(_THUMBNAIL_PX) - (_THUMBNAIL_PX - 1) / 2
    y, x = np.meshgrid(steps, steps, indexing="ij")
    indices = []
    for turn in TURNS:
        back = np.linalg.inv(np.array(turn, float).reshape(2, 2))
        across, down = back @ np.stack([x.ravel(), y.ravel()]) + (_THUMBNAIL_PX - 1) / 2
        indices.append(np.rint(down * _THUMBNAIL_PX + across).astype(np.intp))
    return np.stack(indices)


_TURNED_INDICES = _turned_indices()


def _full_frame_map(turn: tuple[int, ...], first: Features, second: Features) -> npt.NDArray[np.float64]:
    """The map, (2, 3), that lays all of the second picture on all of the first; places are those of pixels' middles."""
    target_size, source_size = (np.array(photo.grey.shape[::-1], float) for photo in (first, second))
    part = np.array(turn, float).reshape(2, 2) * target_size[:, None] / source_size[None]
    shift = target_size / 2 - 0.5 - part @ (source_size / 2 - 0.5)
    return np.column_stack([part, shift])
