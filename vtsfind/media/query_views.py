"""Several views of one photo that is looked for, so that what was done to it costs less.

A small network does not see quite the same in a photo, in its mirror image, and in a part of it. Where a photo was mirrored or cut,
some view of it comes closer to the original than it does itself (docs/results/notebook has the figures, and what other views
gave).
"""

import numpy as np
from PIL import Image

from vtsfind.media.decode import Pixels

VIEW_COUNT = 4
_PADDING_SHARE = 0.25


def views(prepared: Pixels) -> Pixels:
    """A photo as it is, mirrored, and both with a rim of their own edges mirrored outwards, so that what they show is smaller.

    Parameters
    ----------
    prepared
        (s, s, 3) uint8, a model's input.

    Returns
    -------
    (`VIEW_COUNT`, s, s, 3) uint8, the photo as it is first.
    """
    side = len(prepared)
    padding = round(_PADDING_SHARE * side)
    wide = np.pad(prepared, ((padding, padding), (padding, padding), (0, 0)), "reflect")
    small = np.asarray(Image.fromarray(wide).resize((side, side), Image.Resampling.BICUBIC))
    return np.stack([prepared, prepared[:, ::-1], small, small[:, ::-1]])
