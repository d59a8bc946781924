"""The digest of a photo's pixels: the same for files that show exactly the same, whatever else is in them."""

import hashlib

import numpy as np

from vtsfind.media.decode import Pixels

FULL_SIZE = 1 << 30
"""As `shortest` of `vtsfind.media.decode.decode`: every pixel of the photo."""


def pixels_digest(pixels: Pixels) -> bytes:
    """SHA-256 of a photo's size and pixels, 32 bytes.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8: decoded in full (`shortest=FULL_SIZE`), upright, sRGB.
    """
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{width} x {height}\n".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.digest()
