"""From whatever a file stores to sRGB: sixteen bits, palettes, transparency, CMYK and colour profiles."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

# Modes whose values Pillow cannot bring to eight bits without clipping them.
_DEEP_MODES = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N"}
_REDUCIBLE_MODES = {"L", "LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB"}
# The colour space of a profile, as its header says, to the mode of the pixels that it speaks of.
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "LAB": "LAB"}
Ground = tuple[int, int, int]
"""A colour that shows through where a picture is transparent."""
WHITE: Ground = (255, 255, 255)
BLACK: Ground = (0, 0, 0)


def to_eight_bit(image: Image.Image) -> Image.Image:
    """Bring a picture to eight bits a channel without a palette, so that averaging its pixels makes sense.

    Colours and transparency stay as they are; what does not need to change is not copied.
    """
    if image.mode in _DEEP_MODES:
        return _scaled_to_eight_bits(image)
    if image.has_transparency_data and image.mode not in {"LA", "La", "RGBA", "RGBa"}:
        return image.convert("RGBA")
    if image.mode in _REDUCIBLE_MODES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def srgb(image: Image.Image, profile: bytes | None, ground: Ground = WHITE) -> Image.Image:
    """Convert a `to_eight_bit` picture to sRGB, what is transparent over a ground.

    Parameters
    ----------
    image
        As `to_eight_bit` gives it.
    profile
        The ICC profile that came with the picture. One that is damaged, or that speaks of other colours than the
        picture has, is left aside.
    ground
        In sRGB.

    Returns
    -------
    Mode `RGB`.
    """
    if image.mode in {"La", "RGBa"}:
        image = image.convert(image.mode.upper())
    if image.mode not in {"LA", "RGBA"}:
        return _opaque_srgb(image, profile)
    colours = _opaque_srgb(image.convert(image.mode[:-1]), profile)
    result = Image.new("RGB", image.size, ground)
    result.paste(colours, mask=image.getchannel("A"))
    return result


def _opaque_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile is None and image.mode != "LAB":
        return image.convert("RGB")
    transform = _transform(profile, image.mode)
    if transform is None:
        return image.convert("RGB")
    mode, apply = transform
    return apply.apply(image if image.mode == mode else image.convert(mode))


@lru_cache(maxsize=16)
def _transform(profile: bytes | None, mode: str) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """The mode to bring pixels of `mode` to, and what makes sRGB of them then; None if the profile does not fit.

    Without a profile, CIELAB is taken to be as ICC defines it.
    """
    try:
        source = (
            ImageCms.createProfile("LAB")
            if profile is None
            else ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        )
        space = _MODE_OF_SPACE.get(source.xcolor_space.strip().upper())
        if space is None or not (space == mode or (space == "RGB" and mode in {"L", "RGBX", "YCbCr"})):
            return None
        return space, ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(source), ImageCms.createProfile("sRGB"), space, "RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _scaled_to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale sixteen bits, whole numbers and fractions to eight bits.

    Whole numbers have the range of sixteen bits, fractions 0 to 1; values that do not fit that are stretched from
    their smallest to their largest.
    """
    values = np.asarray(image)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values)
    top = 1.0 if values.dtype.kind == "f" else 65535.0
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= top:
        low, high = 0.0, top
    scaled = np.rint((values.astype(np.float32) - low) * np.float32(255 / max(high - low, 1e-30)))
    result = Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        result.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return result
