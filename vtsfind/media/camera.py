"""The camera that took a photo, by one short name for people to choose photos by."""

import contextlib
import re
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags

from vtsfind.media.descriptions import clean_text

MAX_NAME_CHARACTERS = 64
"""Longer names are cut: no camera has one."""
# What makers add to their name, which is on no camera.
_COMPANY = re.compile(
    r"(?:[ ,.]+(?:camera|computer|company|corporation|corp|co|gmbh|ag|imaging|inc|international|ltd|limited|optical))+\.?$",
    re.IGNORECASE,
)


def camera(exif: Mapping[int, Any]) -> str:
    """The camera that EXIF data name; empty for none."""
    with contextlib.suppress(Exception):  # garbage names none
        maker, model = (clean_text(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
        return short_name(maker, model)[:MAX_NAME_CHARACTERS].rstrip()
    return ""


def short_name(maker: str, model: str) -> str:
    """Maker and model as one name, in which the maker stands once.

    >>> short_name("Canon", "Canon EOS 5D"), short_name("NIKON CORPORATION", "NIKON D70"), short_name("Apple", "iPhone 13")
    ('Canon EOS 5D', 'NIKON D70', 'Apple iPhone 13')
    >>> short_name("CASIO COMPUTER CO.,LTD.", "EX-Z1000"), short_name("EASTMAN KODAK COMPANY", "KODAK DX3900")
    ('CASIO EX-Z1000', 'KODAK DX3900')
    """
    first = model.lower().split(maxsplit=1)[:1]
    if first and first[0] in maker.lower().split():
        return model
    return f"{_COMPANY.sub('', maker)} {model}".strip()
