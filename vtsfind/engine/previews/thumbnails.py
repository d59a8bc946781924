"""Square thumbnails of many photos, decoded by worker processes."""

import os
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from vtsfind.base.machine import processors
from vtsfind.base.progress import CancelToken
from vtsfind.base.records import Failure, Found, Preprocessing
from vtsfind.base.settings import Settings
from vtsfind.media.scan import stamp_of


def thumbnails(
    paths: Sequence[bytes], side: int, settings: Settings, cancel: CancelToken | None = None
) -> Iterator[npt.NDArray[np.uint8] | None]:
    """Decode a thumbnail of each photo, in order.

    Parameters
    ----------
    paths
        Paths of the photos.
    side
        Side of the thumbnails, in pixels; photos are stretched to squares.
    settings
        Limits of decoding.
    cancel
        Stops the decoding.

    Yields
    ------
    (side, side, 3) uint8, red, green and blue; None for a photo that cannot be read.
    """
    from vtsfind.media.pool import DecodePool, DecodeTask

    present = {}
    for path in paths:
        try:
            present[path] = DecodeTask(Found(path, stamp_of(os.stat(path))))
        except OSError:  # gone since it was indexed
            continue
    with DecodePool(
        Preprocessing(size=side),
        workers=min(settings.workers or processors(), len(present) or 1),
        timeout_s=settings.decode_timeout_s,
        memory_bytes=settings.decode_memory_mb << 20,
        pixel_limit=settings.pixel_limit,
    ) as pool:
        made = pool.prepared((present[path] for path in paths if path in present), cancel or CancelToken())
        for path in paths:
            item = next(made) if path in present else None
            yield None if item is None or isinstance(item, Failure) else item.pixels
