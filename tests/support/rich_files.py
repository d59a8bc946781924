"""Picture files that hold more than one picture: camera's data, descriptions, films, gain maps, further frames."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from support.drawn_photos import encoded

VIDEO = b"\0\0\0\x14ftypmp42\0\0\0\0mp42" + b"\0\0\0\x10mdatfilmfilm"
"""As much of a film as is needed to know it for one."""


def camera_exif(
    *,
    taken: str | None = "2021:07:03 12:30:45",
    subseconds: str | None = None,
    offset: str | None = None,
    place: tuple[float, float] | None = None,
    size: tuple[int, int] | None = None,
    model: str | None = "Model",
    maker_note: bytes | None = b"maker's own",
    software: str | None = None,
    changed: str | None = None,
    comment: str | None = None,
) -> Image.Exif:
    """What a camera writes into its pictures."""
    data = Image.Exif()
    if model:
        data[ExifTags.Base.Make], data[ExifTags.Base.Model] = "Maker", model
    if software:
        data[ExifTags.Base.Software] = software
    if changed:
        data[ExifTags.Base.DateTime] = changed
    shot = data.get_ifd(ExifTags.IFD.Exif)
    values = {
        ExifTags.Base.DateTimeOriginal: taken,
        ExifTags.Base.SubsecTimeOriginal: subseconds,
        ExifTags.Base.OffsetTimeOriginal: offset,
        ExifTags.Base.MakerNote: maker_note if model else None,
        ExifTags.Base.UserComment: comment and b"ASCII\0\0\0" + comment.encode(),
        ExifTags.Base.ExifImageWidth: size and size[0],
        ExifTags.Base.ExifImageHeight: size and size[1],
    }
    shot.update({tag: value for tag, value in values.items() if value is not None})
    if place:
        gps = data.get_ifd(ExifTags.IFD.GPSInfo)
        for value, tag, sign in (
            (place[0], ExifTags.GPS.GPSLatitude, "NS"),
            (place[1], ExifTags.GPS.GPSLongitude, "EW"),
        ):
            gps[tag - 1] = sign[value < 0]
            gps[tag] = (Fraction(int(abs(value))), Fraction(0), Fraction(round(abs(value) % 1 * 3.6e6), 1000))
    return data


def xmp(
    *,
    keywords: Sequence[str] = (),
    caption: str = "",
    rating: int | None = None,
    faces: Sequence[str] = (),
    edits: dict[str, str] | None = None,
) -> bytes:
    """A packet of XMP."""
    bags = "".join(f"<rdf:li>{word}</rdf:li>" for word in keywords)
    people = "".join(
        f'<rdf:li><rdf:Description mwg-rs:Name="{name}" mwg-rs:Type="Face"/></rdf:li>' for name in faces
    )
    attributes = "".join(f' crs:{name}="{value}"' for name, value in (edits or {}).items())
    attributes += f' xmp:Rating="{rating}"' if rating is not None else ""
    parts = [
        f"<dc:subject><rdf:Bag>{bags}</rdf:Bag></dc:subject>" if keywords else "",
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{caption}</rdf:li></rdf:Alt></dc:description>'
        if caption
        else "",
        "<mwg-rs:Regions><rdf:Description><mwg-rs:RegionList><rdf:Bag>"
        f"{people}</rdf:Bag></mwg-rs:RegionList></rdf:Description></mwg-rs:Regions>"
        if faces
        else "",
    ]
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"'
        ' xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"'
        f'{attributes}>{"".join(parts)}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def jpeg_segment(marker: int, payload: bytes) -> bytes:
    """One segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segment(jpeg: bytes, marker: int, payload: bytes) -> bytes:
    """A JPEG with one more segment right behind its beginning."""
    return jpeg[:2] + jpeg_segment(marker, payload) + jpeg[2:]


def with_gain_map(jpeg: bytes, seed: int = 0) -> bytes:
    """A JPEG with a gain map behind it, as Ultra HDR has it."""
    grey = np.random.default_rng(seed).integers(0, 255, (24, 32), dtype=np.uint8)
    packet = b'http://ns.adobe.com/xap/1.0/\0<x xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>'
    return jpeg + with_segment(encoded(Image.fromarray(grey)), 0xE1, packet)


def motion_photo(jpeg: bytes, video: bytes = VIDEO) -> bytes:
    """A JPEG with a film behind it."""
    return jpeg + video


def iptc_segment(keywords: Sequence[str], caption: str = "") -> bytes:
    """What IPTC data a JPEG has, as the payload of its segment APP13."""
    datasets = [(25, word) for word in keywords] + [(120, caption)] * bool(caption)
    body = b"".join(
        struct.pack(">BBBH", 0x1C, 2, number, len(text.encode())) + text.encode() for number, text in datasets
    )
    body += b"\0" * (len(body) % 2)
    return b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(body)) + body


def several(kind: str, pictures: Sequence[Image.Image], **options: Any) -> bytes:
    """A file of several frames or pages."""
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, save_all=True, append_images=list(pictures[1:]), **options)
    return buffer.getvalue()


def deep_png(values: npt.NDArray[np.integer[Any]]) -> bytes:
    """A PNG of (h, w) or (h, w, 3) values of 16 bits."""
    import zlib

    height, width = values.shape[:2]
    colour = 2 if values.ndim == 3 else 0
    rows = values.astype(">u2").tobytes()
    stride = len(rows) // height
    raw = b"".join(b"\0" + rows[row * stride : (row + 1) * stride] for row in range(height))

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    )
