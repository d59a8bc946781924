"""RAW files of cameras, by their embedded preview; needs rawpy, which the extra `raw` installs."""

import io
from typing import BinaryIO

import numpy as np
from PIL import Image

# LibRaw's `flip` to the same EXIF orientation.
_ORIENTATION_OF_FLIP = {0: 1, 3: 3, 5: 8, 6: 6}


class NoPreview(Exception):
    """The file is intact, but LibRaw does not support it, or it has no readable preview."""


def preview(stream: BinaryIO) -> tuple[bytes | Image.Image, int, tuple[int, int]]:
    """Extract the embedded preview of a RAW file.

    Parameters
    ----------
    stream
        The file; it is read from the beginning.

    Returns
    -------
    preview
        An encoded JPEG, or a picture.
    orientation
        EXIF orientation of the preview, unless the preview itself has one.
    size
        Width and height of the photo, before it is made upright.

    Raises
    ------
    NoPreview
        When there is none.
    rawpy.LibRawError
        When the file is damaged.
    ImportError
        When rawpy is not installed.
    """
    import rawpy

    stream.seek(0)
    try:
        with rawpy.imread(io.BytesIO(stream.read())) as photo:
            thumbnail = photo.extract_thumb()
            orientation = _ORIENTATION_OF_FLIP.get(photo.sizes.flip, 1)
            size = (photo.sizes.width, photo.sizes.height)
    except (
        rawpy.LibRawFileUnsupportedError,
        rawpy.LibRawNoThumbnailError,
        rawpy.LibRawUnsupportedThumbnailError,
    ) as error:
        raise NoPreview(str(error)) from error
    if thumbnail.format == rawpy.ThumbFormat.JPEG:
        return bytes(thumbnail.data), orientation, size
    # LibRaw returns bitmaps as they are stored.
    return Image.fromarray(np.asarray(thumbnail.data)), orientation, size
