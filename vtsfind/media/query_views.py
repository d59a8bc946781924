"""Several views of one query photo, so that edits matter less.

The code of a small network changes when a photo is mirrored or cropped. For an edited query, one of its views is often closer
to the original than the query itself (figures, also of other views, are in docs/results/notebook).
"""

import numpy as np
from PIL import Image

from vtsfind.media.decode import Pixels

VIEW_COUNT = 4
_PADDING_SHARE = 0.25  # of the side, on each side


def views(prepared: Pixels) -> Pixels:
    """The photo, its mirror image, and both reduced with a border of reflected edges, as if they were crops.

    Parameters
    ----------
    prepared
        (s, s, 3) uint8, a model's input.

    Returns
    -------
    (`VIEW_COUNT`, s, s, 3) uint8, the unchanged photo first.
    """
    side = len(prepared)
    padding = round(_PADDING_SHARE * side)
    wide = np.pad(prepared, ((padding, padding), (padding, padding), (0, 0)), "reflect")
    small = np.asarray(Image.fromarray(wide).resize((side, side), Image.Resampling.BICUBIC))
    return np.stack([prepared, prepared[:, ::-1], small, small[:, ::-1]])
