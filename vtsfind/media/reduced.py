"""Photos reduced and saved as WebP, to be carried."""

import io

from PIL import Image

from vtsfind.media.decode import Pixels


def encode_webp(pixels: Pixels, shortest: int, quality: int) -> bytes:
    """Reduce a picture, (h, w, 3) uint8, to `shortest` pixels on its shorter side if it has more, and encode it."""
    image = Image.fromarray(pixels)
    scale = shortest / min(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=6)
    return buffer.getvalue()
