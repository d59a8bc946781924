"""What a picture file holds, read from an opened picture and from the file's bytes; see `vtsfind.base.contents`.

The pixels are not decoded here: whether transparency and more than eight bits are in use is looked at with the whole picture
(`vtsfind.media.quality.examine`).
"""

import contextlib
import io
import mmap
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from PIL import Image, ImageCms, ImageFile, IptcImagePlugin

from vtsfind.base.contents import PALETTE, Contents, Item, ItemKind, in_order
from vtsfind.media import formats
from vtsfind.media.containers import Bytes, digest_text, read_container
from vtsfind.media.descriptions import exif_items, iptc_items, xmp_items

RAW_BITS = 16
"""Bits a channel that a RAW file counts for: more than any picture made of it in eight."""
_COLOURS = {
    "1": "grey",
    "L": "grey",
    "LA": "grey",
    "La": "grey",
    "P": PALETTE,
    "PA": PALETTE,
    "F": "grey",
}
_TIFF_BITS_PER_SAMPLE = 258
_TIFF_PHOTOMETRIC = 262
_PNG_BIT_DEPTH = slice(24, 25)
_PNG_SIGNIFICANT_BITS = 16
_BITS_OF_MODE = {"F": 32, "I": 32}
# Texts that PNG writers add of themselves, or that hold what is read as EXIF and XMP.
_NOT_TEXTS = {
    "software",
    "xml:com.adobe.xmp",
    "creation time",
    "date:create",
    "date:modify",
    "date:timestamp",
}
_WRITER_NAMES = re.compile(
    rb"(created|written|optimi[sz]ed|compressed|processed|converted) (by|with|using)|file written by|creator:|"
    rb"lead technologies|lavc\d|gd-jpeg|intel\(r\)|made with gimp|\*$",
    re.IGNORECASE,
)
"""How comments begin that programs leave in every file that they write."""
_MAX_TEXT_CHARACTERS = 200
_NOT_TEXT_PREFIXES = ("raw profile type", "exif:", "icc:", "png:", "thumb::", "xap")
_AUXILIARY_KINDS = (
    ("hdrgainmap", ItemKind.GAIN_MAP),
    ("gainmap", ItemKind.GAIN_MAP),
    ("depth", ItemKind.DEPTH_MAP),
    ("disparity", ItemKind.DEPTH_MAP),
    ("matte", ItemKind.DEPTH_MAP),
)
_ALPHA_URN = "alpha"


def read_contents(image: ImageFile.ImageFile, stream: BinaryIO, kind: str) -> Contents:
    """What a file holds.

    Parameters
    ----------
    image
        Opened from `stream`, not loaded yet.
    stream
        The file.
    kind
        Its format.
    """
    # What stands behind a JPEG are items: Pillow counts previews and gain maps as frames.
    frames = 1 if kind == formats.JPEG else int(getattr(image, "n_frames", 1))
    with whole(stream) as data:
        container = read_container(data, kind, _previews(image))
        bits, colours = _bits(image, data, kind), _COLOURS.get(image.mode, _colours(image, kind))
    items = {*container.items, *_auxiliary_items(image), *_texts(image, kind)}
    packets = [image.info.get("xmp"), image.info.get("XML:com.adobe.xmp"), *container.xmp]
    items.update(item for packet in packets if packet for item in xmp_items(_as_bytes(packet)))
    with contextlib.suppress(Exception):
        items.update(iptc_items(IptcImagePlugin.getiptcinfo(image) or {}))
    with contextlib.suppress(Exception):
        items.update(exif_items(image.getexif()))
    return Contents(
        frames=frames,
        animated=frames > 1 and kind not in {formats.TIFF, formats.HEIF},
        transparent=bool(image.has_transparency_data),
        bits=bits,
        colours=colours,
        profile=_profile(image.info.get("icc_profile")),
        items=in_order(items),
    )


def raw_contents(stream: BinaryIO) -> Contents:
    """What a RAW file holds, as far as its EXIF data say."""
    exif = Image.Exif()
    with contextlib.suppress(Exception):
        stream.seek(0)
        exif.load_from_fp(stream)
    return Contents(bits=RAW_BITS, items=in_order(exif_items(exif)))


@contextlib.contextmanager
def whole(stream: BinaryIO) -> Iterator[Bytes]:
    """All bytes of a file: those in memory, or the file mapped into it."""
    if isinstance(stream, io.BytesIO):
        yield stream.getvalue()
        return
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield mapped


def _as_bytes(text: Any) -> bytes:
    return text.encode() if isinstance(text, str) else bytes(text)


def _previews(image: Image.Image) -> frozenset[int]:
    """Where in a JPEG pictures begin of which its index says that they only show the main one smaller."""
    found = set()
    with contextlib.suppress(Exception):
        base = image.info["mpoffset"]
        for entry in image._getmp()[0xB002]:  # type: ignore[attr-defined]  # noqa: SLF001 - Pillow has no other name for it
            if "Large Thumbnail" in entry["Attribute"]["MPType"]:
                found.add(base + entry["DataOffset"])
    return frozenset(found)


def _bits(image: Image.Image, data: Bytes, kind: str) -> int:
    """Bits a channel as stored, at least 8."""
    if kind == formats.PNG:
        stored = data[_PNG_BIT_DEPTH][0]
    elif kind == formats.TIFF:
        tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
        value = tags.get(_TIFF_BITS_PER_SAMPLE, (8,))
        stored = max(value) if isinstance(value, tuple) else int(value)
    else:
        stored = image.info.get("bit_depth", _BITS_OF_MODE.get(image.mode, 16 if "16" in image.mode else 8))
    return max(8, int(stored))


def _colours(image: Image.Image, kind: str) -> str:
    if "16" in image.mode or image.mode == "I":
        return "grey"
    if image.mode == "LAB":
        return "CIELAB"
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {}) if kind == formats.TIFF else {}
    return "CMYK" if image.mode == "CMYK" or tags.get(_TIFF_PHOTOMETRIC) == 5 else "RGB"


def _profile(profile: bytes | None) -> str:
    """The description of a colour profile; empty for sRGB, and for none."""
    if not profile:
        return ""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = " ".join(ImageCms.getProfileDescription(opened).split())
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return "unknown"
    return "" if "srgb" in name.lower().replace(" ", "") else name or "unknown"


def _auxiliary_items(image: Image.Image) -> Iterator[Item]:
    """Pictures that a HEIF file has beside its main one, to be used with it."""
    for picture in image.info.get("depth_images") or ():
        with contextlib.suppress(Exception):
            yield Item(ItemKind.DEPTH_MAP, digest_text(bytes(picture.data)))
    auxiliaries: Mapping[str, Any] = image.info.get("aux") or {}
    for name, numbers in auxiliaries.items():
        if _ALPHA_URN in name.lower():
            continue
        kind = next((kind for mark, kind in _AUXILIARY_KINDS if mark in name.lower()), ItemKind.PICTURE)
        for number in numbers:
            yield Item(kind, _auxiliary_digest(image, number) or name)


def _auxiliary_digest(image: Image.Image, number: int) -> str:
    with contextlib.suppress(Exception):
        heif = image._heif_file  # type: ignore[attr-defined]  # noqa: SLF001 - the plugin has no other way to it
        return digest_text(bytes(heif.get_aux_image(number).data))
    return ""


def _texts(image: Image.Image, kind: str) -> Iterator[Item]:
    """Texts that a format has room for outside of EXIF, XMP and IPTC data."""
    texts: dict[str, Any] = {}
    if kind == formats.PNG:
        texts = {str(name): value for name, value in image.info.items() if isinstance(value, str)}
    elif "comment" in image.info:
        texts = {"comment": image.info["comment"]}
    for name, value in texts.items():
        lowered = name.lower()
        if lowered in _NOT_TEXTS or lowered.startswith(_NOT_TEXT_PREFIXES):
            continue
        text = " ".join(_as_bytes(value).decode("utf-8", "replace").split())
        if not text or _WRITER_NAMES.match(text.encode()):
            continue
        digest = digest_text(text.encode()) if len(text) > _MAX_TEXT_CHARACTERS else ""
        yield Item(ItemKind.TEXT, f"{lowered}: {text[:_MAX_TEXT_CHARACTERS]}{digest}")
