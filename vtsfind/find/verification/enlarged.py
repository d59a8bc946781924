"""Tiny pictures made as large as the smallest that the decision was fitted to: in less, too few blocks say anything."""

from dataclasses import replace

import numpy as np

from vtsfind.find.features.features import Features
from vtsfind.find.threads import opencv
from vtsfind.find.verification.registration import Alignment, Matrix

MIN_SIDE_PX = 140
"""Longer side of the smallest pictures of the fit. Of 20 thumbnails of 64 to 98 pixels that local features register, 15 pass as they are
and 20 so; of 282 pairs of other shots with one made as small as 36 to 110 pixels 5 and 1."""


def enlarged(first: Features, second: Features, alignment: Alignment) -> tuple[Features, Features, Alignment]:
    """Two photos and how the second lies on the first, with neither small picture smaller than the decision knows."""
    (first, target), (second, source) = _enlarged(first), _enlarged(second)
    return first, second, replace(alignment, matrix=target @ alignment.matrix @ np.linalg.inv(source))


def _enlarged(photo: Features) -> tuple[Features, Matrix]:
    """A photo, and the map, (3, 3), from places of its small picture as it was to those of the one that it has now."""
    height, width = photo.picture.shape[:2]
    zoom = MIN_SIDE_PX / max(height, width)
    if zoom <= 1:
        return photo, np.eye(3)
    cv2 = opencv()
    size = max(1, round(width * zoom)), max(1, round(height * zoom))
    picture = cv2.resize(photo.picture, size, interpolation=cv2.INTER_CUBIC)
    across, down = size[0] / width, size[1] / height
    # Places are those of pixels' middles.
    shift = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]])
    return photo.with_picture(picture), shift
