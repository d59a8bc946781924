"""Whether two photos show the same in full: saved anew, smaller or squashed, turned, mirrored, in other colours.

That is what most copies are, and it is seen without local features: laid on each other in one of the eight turns, frame on
frame, the pictures agree everywhere. Only what is beyond doubt is decided here. What is not, another shot from the same place
above all, is left to local features, which also see what has moved (`vtsfind.find.verification.registration`).
"""

import numpy as np
import numpy.typing as npt

from vtsfind.find.opencv import opencv
from vtsfind.find.verification.block_similarity import Likeness, likeness
from vtsfind.find.verification.decision import plainly_same
from vtsfind.find.verification.features import Features, Floats
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

_SIDE = 16
_ALIKE = 0.95


def seen_in_full(first: Features, second: Features) -> tuple[Likeness, Alignment] | None:
    """How alike two photos are, frame on frame, if they are the same beyond doubt; else None.

    Returns
    -------
    The likeness, and how the second picture lies on the first; no local features agree in it, for none were asked.
    """
    turn = _turn(first, second)
    if turn is None:
        return None
    compared = likeness(first, second, Alignment(_frame_on_frame(turn, first, second), 0, 0))
    return compared if compared and plainly_same(compared[0]) else None


def _turn(first: Features, second: Features) -> tuple[int, ...] | None:
    """The turn, as in `TURNS`, in which tiny pictures of both are most alike, if they are alike enough."""
    here, there = _tiny(first), _tiny(second)
    alike = there[_PLACES] @ here
    best = int(alike.argmax())
    return tuple(TURNS)[best] if alike[best] >= _ALIKE else None


def _tiny(seen: Features) -> Floats:
    """(256,): the picture in 16 by 16 pixels, of mean 0 and length 1."""
    tiny = opencv().resize(seen.soft, (_SIDE, _SIDE), interpolation=opencv().INTER_AREA).ravel()
    tiny = tiny - tiny.mean()
    result: Floats = tiny / max(float(np.linalg.norm(tiny)), 1e-6)
    return result


def _places() -> npt.NDArray[np.intp]:
    """(8, 256): for each turn, where in a tiny picture is what comes to each place once it is turned."""
    steps = np.arange(_SIDE) - (_SIDE - 1) / 2
    y, x = np.meshgrid(steps, steps, indexing="ij")
    places = []
    for turn in TURNS:
        back = np.linalg.inv(np.array(turn, float).reshape(2, 2))
        across, down = back @ np.stack([x.ravel(), y.ravel()]) + (_SIDE - 1) / 2
        places.append(np.rint(down * _SIDE + across).astype(np.intp))
    return np.stack(places)


_PLACES = _places()


def _frame_on_frame(turn: tuple[int, ...], first: Features, second: Features) -> npt.NDArray[np.float64]:
    """The map, (2, 3), that lays all of the second picture on all of the first; places are those of pixels' middles."""
    to, of = (np.array(seen.grey.shape[::-1], float) for seen in (first, second))
    part = np.array(turn, float).reshape(2, 2) * to[:, None] / of[None]
    shift = to / 2 - 0.5 - part @ (of / 2 - 0.5)
    return np.column_stack([part, shift])
