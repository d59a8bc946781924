"""What a file says of its picture in EXIF, XMP and IPTC data, in one form for all formats: items of `vtsfind.base.contents`.

Only what a person would miss is read: when and where and with what a picture was taken, what people wrote of it, whom it shows,
and steps of editing that are not in the pixels yet. Garbage is as good as nothing, but a packet of XMP that is not
understood counts as something of its own, since nobody knows what is in it.
"""

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from PIL import ExifTags, Image

from vtsfind.base.contents import Item, ItemKind
from vtsfind.media.containers import digest_text

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_XMP_KINDS = {
    "{http://purl.org/dc/elements/1.1/}subject": ItemKind.KEYWORD,
    "{http://ns.adobe.com/lightroom/1.0/}hierarchicalSubject": ItemKind.KEYWORD,
    "{http://purl.org/dc/elements/1.1/}description": ItemKind.CAPTION,
    "{http://purl.org/dc/elements/1.1/}title": ItemKind.CAPTION,
    "{http://ns.adobe.com/photoshop/1.0/}Headline": ItemKind.CAPTION,
    "{http://ns.adobe.com/xap/1.0/}Label": ItemKind.LABEL,
    "{http://www.metadataworkinggroup.com/schemas/regions/}Name": ItemKind.FACE,
    "{http://ns.microsoft.com/photo/1.2/t/Region#}PersonDisplayName": ItemKind.FACE,
    "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}PersonInImage": ItemKind.FACE,
    "{http://ns.google.com/photos/1.0/depthmap/}Data": ItemKind.DEPTH_MAP,
    "{http://ns.google.com/photos/1.0/image/}Data": ItemKind.PICTURE,
    "{http://ns.google.com/photos/1.0/audio/}Data": ItemKind.AUDIO,
}
_DIGESTED_KINDS = {ItemKind.DEPTH_MAP, ItemKind.PICTURE, ItemKind.AUDIO}
_XMP_RATING = "{http://ns.adobe.com/xap/1.0/}Rating"
_XMP_AREA = "{http://ns.adobe.com/xmp/sType/Area#}"
_XMP_GPS = "{http://ns.adobe.com/exif/1.0/}GPS"
_CAMERA_RAW = "{http://ns.adobe.com/camera-raw-settings/1.0/}"
_DARKTABLE = "{http://darktable.sf.net/}history"
_ALREADY_APPLIED = _CAMERA_RAW + "AlreadyApplied"
_NOT_STEPS = {"Version", "ProcessVersion", "RawFileName", "HasSettings", "HasCrop", "AlreadyApplied"}
"""Camera Raw properties that change nothing in the picture."""
_MAX_STARS = 5

# IPTC-IIM datasets of record 2: title, keywords, headline, caption.
_IPTC_KINDS = {
    (2, 5): ItemKind.CAPTION,
    (2, 25): ItemKind.KEYWORD,
    (2, 105): ItemKind.CAPTION,
    (2, 120): ItemKind.CAPTION,
}
_RATING_TAG = 0x4746
_WINDOWS_KINDS = {
    0x9C9B: ItemKind.CAPTION,  # XPTitle
    0x9C9C: ItemKind.CAPTION,  # XPComment
    0x9C9E: ItemKind.KEYWORD,  # XPKeywords
    0x9C9F: ItemKind.CAPTION,  # XPSubject
}
_COMMENT_CODE_BYTES = 8
_GPS_DECIMALS = 4
"""Of a degree: about ten metres."""
# Texts that cameras put into every picture.
_CAMERA_CAPTIONS = re.compile(
    r"(olympus digital camera|sony dsc|minolta digital camera|digital camera|default|screenshot|"
    r"kodak digital still camera|samsung|samsung camera pictures|dcim/.*|dji.*|binary comment)?\s*",
    re.IGNORECASE,
)


def exif_items(exif: Image.Exif) -> list[Item]:
    """What EXIF data say."""
    found: list[Item] = []
    for part in (_shot_items, _place_items, _text_items):
        with contextlib.suppress(Exception):  # garbage in one part does not cost the others
            found += part(exif)
    return found


def _shot_items(exif: Image.Exif) -> Iterator[Item]:
    from vtsfind.media.metadata import taken

    tags = exif.get_ifd(ExifTags.IFD.Exif)
    time = taken(exif)
    if time:
        yield Item(ItemKind.TIME, time)
        fraction = clean_text(tags.get(ExifTags.Base.SubsecTimeOriginal)).rstrip("0")
        if fraction.isdecimal():
            yield Item(ItemKind.SUBSECONDS, "." + fraction)
        offset = clean_text(tags.get(ExifTags.Base.OffsetTimeOriginal))
        if offset:
            yield Item(ItemKind.TIME_ZONE, offset)
    camera = camera_name(exif)
    if camera:
        yield Item(ItemKind.CAMERA, camera)
    lens = clean_text(tags.get(ExifTags.Base.LensModel))
    if lens:
        yield Item(ItemKind.LENS, lens)
    if tags.get(ExifTags.Base.MakerNote):
        yield Item(ItemKind.MAKER_NOTE, "")


def camera_name(exif: Mapping[int, Any]) -> str:
    """Maker and model of the camera, as text; empty for none."""
    maker, model = (clean_text(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    return model if model.lower().startswith(maker.lower()) else f"{maker} {model}".strip()


def _place_items(exif: Image.Exif) -> Iterator[Item]:
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    values = []
    for tag, sign_tag, negative in (
        (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S"),
        (ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W"),
    ):
        degrees, minutes, seconds = (float(value) for value in gps[tag])
        sign = -1 if clean_text(gps.get(sign_tag)).upper() == negative else 1
        values.append(sign * (degrees + minutes / 60 + seconds / 3600))
    if any(values):  # no satellite was heard
        yield _place(*values)


def _place(latitude: float, longitude: float) -> Item:
    return Item(ItemKind.PLACE, f"{latitude:.{_GPS_DECIMALS}f}, {longitude:.{_GPS_DECIMALS}f}")


def _text_items(exif: Image.Exif) -> Iterator[Item]:
    for tag, kind in _WINDOWS_KINDS.items():
        value = exif.get(tag)
        if isinstance(value, bytes):
            text = value.decode("utf-16-le", "ignore")
            for part in text.split(";") if kind is ItemKind.KEYWORD else [text]:
                yield from _text_item(kind, part)
    yield from _text_item(ItemKind.CAPTION, exif.get(ExifTags.Base.ImageDescription))
    yield from _text_item(ItemKind.CAPTION, user_comment(exif))
    stars = exif.get(_RATING_TAG)
    if isinstance(stars, int) and 1 <= stars <= _MAX_STARS:
        yield Item(ItemKind.RATING, str(stars))


def user_comment(exif: Image.Exif) -> str:
    """The EXIF UserComment, as far as it is text."""
    value = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    if not isinstance(value, bytes):
        return clean_text(value)
    code, body = value[:_COMMENT_CODE_BYTES], value[_COMMENT_CODE_BYTES:]
    if code.startswith(b"UNICODE"):
        return clean_text(body.decode("utf-16-be" if body[:1] == b"\0" else "utf-16-le", "ignore"))
    if code.startswith(b"ASCII") or not code.strip(b"\0"):
        return clean_text(body) if body.isascii() else ""
    return clean_text(value) if value.isascii() else ""


def clean_text(value: object) -> str:
    r"""A text on one line, without what cannot be shown; empty for anything but text.

    >>> clean_text(b"Canon\0\0"), clean_text(" a \n b "), clean_text(7)
    ('Canon', 'a b', '')
    """
    text = value.decode("utf-8", "ignore") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text_item(kind: ItemKind, value: object) -> Iterator[Item]:
    text = clean_text(value)
    if kind is ItemKind.CAPTION and _CAMERA_CAPTIONS.fullmatch(text):
        return
    if text:
        yield Item(kind, text)


def iptc_items(datasets: Mapping[tuple[int, int], Any]) -> list[Item]:
    """What IPTC-IIM datasets say, as Pillow gives them."""
    return [
        item
        for dataset, kind in _IPTC_KINDS.items()
        for value in _as_list(datasets.get(dataset))
        for item in _text_item(kind, value)
    ]


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def xmp_items(packet: bytes) -> list[Item]:
    """What a packet of XMP says (ISO 16684-1)."""
    text = packet.strip(b"\0 \r\n\t")
    if not text:
        return []
    unreadable = [Item(ItemKind.UNREADABLE, digest_text(text))]
    if (
        b"<!DOCTYPE" in text or b"<!ENTITY" in text
    ):  # XMP has neither; entities can be made to fill the memory
        return unreadable
    try:
        root = ET.fromstring(text)  # noqa: S314 - without entities
    except (ET.ParseError, ValueError, LookupError):
        return unreadable
    properties = [(name, value) for name, value in _properties(root) if value]
    return [*_plain_items(properties), *_editing_items(properties), *_xmp_place_items(dict(properties))]


def _properties(root: ET.Element) -> Iterator[tuple[str, str]]:
    """All properties of a packet, at any depth, with each of their values."""
    for element in root.iter():
        yield from ((name, clean_text(value)) for name, value in element.attrib.items())
        values = [clean_text(entry.text) for entry in element.iter(_RDF + "li") if not len(entry)]
        if values:
            yield from ((element.tag, value) for value in values)
        elif element.text and not len(element):
            yield element.tag, clean_text(element.text)


def _plain_items(properties: list[tuple[str, str]]) -> Iterator[Item]:
    areas: dict[str, list[str]] = {"x": [], "y": []}
    named = False
    for name, value in properties:
        kind = _XMP_KINDS.get(name)
        if kind in _DIGESTED_KINDS:
            yield Item(kind, digest_text(value.encode()))
        elif kind:
            named = named or kind is ItemKind.FACE
            yield from _text_item(kind, value)
        elif name == _XMP_RATING and value.split(".")[0] in {"-1", "1", "2", "3", "4", "5"}:
            yield Item(ItemKind.RATING, value.split(".")[0])
        elif name in {_XMP_AREA + "x", _XMP_AREA + "y"}:
            areas[name.removeprefix(_XMP_AREA)].append(value[:5])
    if not named:
        yield from (Item(ItemKind.FACE, f"at {x}, {y}") for x, y in zip(areas["x"], areas["y"], strict=False))


def _editing_items(properties: list[tuple[str, str]]) -> Iterator[Item]:
    """Steps that a program would do when it shows the picture; those that it has done are in the pixels."""
    if (_ALREADY_APPLIED, "True") in properties:
        return
    steps = sorted(
        f"{name}={value}"
        for name, value in properties
        if name == _DARKTABLE
        or (name.startswith(_CAMERA_RAW) and name.removeprefix(_CAMERA_RAW) not in _NOT_STEPS)
    )
    if steps:
        yield Item(ItemKind.EDITS, digest_text("\n".join(steps).encode()))


def _xmp_place_items(properties: dict[str, str]) -> Iterator[Item]:
    with contextlib.suppress(KeyError, ValueError):
        yield _place(*(_xmp_degrees(properties[_XMP_GPS + name]) for name in ("Latitude", "Longitude")))


def _xmp_degrees(text: str) -> float:
    """Degrees as XMP writes them.

    >>> _xmp_degrees("48,30.6S"), _xmp_degrees("11,30,36E")
    (-48.51, 11.51)
    """
    parts = [float(part) for part in text[:-1].split(",")]
    degrees = math.fsum(part / 60**place for place, part in enumerate(parts))
    return -degrees if text[-1:].upper() in {"S", "W"} else degrees
