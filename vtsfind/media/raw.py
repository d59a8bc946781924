"""RAW files of cameras, by the preview that the camera embedded; needs rawpy, which the extra `vtsfind[raw]` brings."""

import io
from typing import BinaryIO

from PIL import Image

# LibRaw's turn of a picture to the EXIF orientation that says the same.
_ORIENTATION_OF_FLIP = {0: 1, 3: 3, 5: 8, 6: 6}


class NoPreview(Exception):
    """The file is whole, but LibRaw does not know its kind, or finds no preview in it that it can read."""


def preview(stream: BinaryIO) -> tuple[bytes | Image.Image, int, tuple[int, int]]:
    """Take the embedded preview out of a RAW file.

    Parameters
    ----------
    stream
        The file; it is read from its beginning.

    Returns
    -------
    preview
        An encoded JPEG, or a picture.
    orientation
        How the preview is turned, by EXIF's numbers, if the preview itself does not say it.
    size
        Width and height of the photo itself, before it is turned.

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
    # LibRaw gives bitmaps as they are stored.
    return Image.fromarray(thumbnail.data), orientation, size
