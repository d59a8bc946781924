"""Conversion to 8-bit sRGB: sixteen bits, palettes, transparency, CMYK and colour profiles."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

# Modes that Pillow clips when it converts them to eight bits.
_DEEP_MODES = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N"}
_REDUCIBLE_MODES = {"L", "LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB"}
# The colour space in a profile's header to the Pillow mode of its pixels.
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "LAB": "LAB"}
Ground = tuple[int, int, int]
"""A colour that shows through where a picture is transparent."""
WHITE: Ground = (255, 255, 255)
BLACK: Ground = (0, 0, 0)


def to_eight_bit(image: Image.Image) -> Image.Image:
    """Convert a picture to eight bits a channel without a palette, so that its pixels can be averaged.

    Colours and transparency do not change; a picture that is already in this form is not copied.
    """
    if image.mode in _DEEP_MODES:
        return _scaled_to_eight_bits(image)
    if image.has_transparency_data and image.mode not in {"LA", "La", "RGBA", "RGBa"}:
        return image.convert("RGBA")
    if image.mode in _REDUCIBLE_MODES:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def srgb(image: Image.Image, profile: bytes | None, ground: Ground = WHITE) -> Image.Image:
    """Convert a `to_eight_bit` picture to sRGB, on a background where it is transparent.

    Parameters
    ----------
    image
        From `to_eight_bit`.
    profile
        The ICC profile of the picture. A damaged one, or one of another colour space, is ignored.
    ground
        The colour of the background, in sRGB.

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
        return image if image.mode == "RGB" else image.convert("RGB")
    transform = _transform(profile, image.mode)
    if transform is None:
        return image.convert("RGB")
    mode, apply = transform
    return apply.apply(image if image.mode == mode else image.convert(mode))


@lru_cache(maxsize=16)
def _transform(profile: bytes | None, mode: str) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """The mode to convert pixels of `mode` to, and the transform from it to sRGB; None if the profile does not fit.

    Without a profile, CIELAB is taken to be that of the ICC specification.
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
    """Scale 16-bit, 32-bit and floating-point pixels to eight bits.

    Integers are expected in 0 to 65535, floats in 0 to 1; values outside are scaled from their minimum to their maximum.
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
