"""What a file tells about how good a copy of its picture it is, beyond its size: the facts that a keep policy weighs."""

from dataclasses import asdict, dataclass
from typing import Any

from vtsfind.base.contents import PALETTE, Contents, ItemKind


@dataclass(frozen=True, slots=True)
class Details:
    """Facts about one picture file. The defaults stand for what was not looked at, or does not show.

    A suspicion (`detail`, `recompressed`, `screenshot`) is only there when the file gives good grounds for it: it can
    cost the file its place.
    """

    quality: int | None = None
    """JPEG quality, 1 to 100 on the scale of the Independent JPEG Group, by the quantisation tables; None if it has none."""
    lossless: bool = False
    """Whether this file holds its pixels without loss."""
    recompressed: bool = False
    """Whether it is no JPEG itself, but was made from one."""
    earlier_quality: int | None = None
    """The quality of a JPEG that the picture was before, by what that left in its pixels, see `vtsfind.media.earlier_compression`."""
    detail: float | None = None
    """How far detail reaches, as a share (0 to 1) of the width: 0.5 for a picture enlarged to twice its size. None for all."""
    enlarged: float | None = None
    """Probability, 0 to 1, that it was enlarged, see `vtsfind.media.enlargement`; None if it was not measured."""
    border: float = 0.0
    """Share of the picture, 0 to 1, that is of one colour all around it: a frame, the corners of a turned picture, bars."""
    screenshot: bool = False
    """Whether it is a picture of a screen."""
    exif_fields: int = 0
    """Filled-in EXIF fields."""
    exif_size: tuple[int, int] | None = None
    """Width and height in pixels that the EXIF data say, either way round; None if they say none."""
    camera: str = ""
    """Maker and model of the camera, as text."""
    gps: bool = False
    """Whether it says where it was taken."""
    rating: int | None = None
    """Stars that a person gave, 1 to 5."""
    software: str = ""
    """The program that wrote the file, by its EXIF data."""
    pixels: bytes = b""
    """SHA-256 of all pixels, see `vtsfind.media.pixels_digest`; empty if it was not computed."""
    damage: str = ""
    """How the file seems damaged, in a few words; empty if nothing shows."""
    checksums: bytes = b""
    """Of parts of the file, see `vtsfind.media.damage.checksums`; empty if they were not computed."""
    tones: bytes = b""
    """Brightness, 0 to 255, around each point of a grid over the picture, row by row; empty if it was not computed."""
    contents: Contents | None = None
    """What the file holds; None if that was not looked at, or could not be understood."""

    def has(self, kind: ItemKind) -> bool:
        """Whether the file is known to have something of a kind."""
        return bool(self.contents and self.contents.of(kind))

    @property
    def has_palette(self) -> bool:
        """Whether the file is known to have few colours, in a table."""
        return bool(self.contents and self.contents.colours == PALETTE)

    def to_record(self) -> dict[str, Any]:
        """Say it in JSON's types."""
        contents = self.contents and self.contents.to_record()
        return {
            **asdict(self),
            "pixels": self.pixels.hex(),
            "checksums": self.checksums.hex(),
            "tones": self.tones.hex(),
            "contents": contents,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Details":
        """Make it again from what `to_record` gave, by way of JSON.

        Raises
        ------
        ValueError
            If it is anything else.
        """
        try:
            size, contents = record["exif_size"], record["contents"]
            return cls(
                **{
                    **record,
                    "exif_size": (int(size[0]), int(size[1])) if size else None,
                    "pixels": bytes.fromhex(record["pixels"]),
                    "checksums": bytes.fromhex(record["checksums"]),
                    "tones": bytes.fromhex(record["tones"]),
                    "contents": None if contents is None else Contents.from_record(contents),
                }
            )
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError("no details of a photo") from error
