"""Which file of a group is kept, and what a default plan would trash, in a realistic tree of originals and what was made of them.

    python -m benchmarks.keepers --photos FOLDER [--each N] [--start N] [--kinds KIND ...] [--write]

Each kind is one thing that happens to photos: copied again, sent by a messenger, shown on a screen, enlarged, exported, converted,
edited. For each kind N photos are written as a camera, a scanner or a shop would write them, beside what was made of them. Then
`vtsfind index`, `dupes` and `plan` see the whole tree at once. A kind's share of *right keepers* is that of its originals in a group
of which they are the keeper, or in which a file of the same content is; `missed` have no group. With --write the figures go to
docs/results/keepers.json.
"""

import argparse
import io
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageFilter, ImageOps

from benchmarks.families import apps, overlays
from benchmarks.families.drawing import Others, Rng, photos_in, seed_of
from benchmarks.machine import write_result
from vtsfind.base.addresses import Place
from vtsfind.base.groups import Group
from vtsfind.base.operations import Action
from vtsfind.base.settings import Settings
from vtsfind.engine.apply.plans import plan_for_groups
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.duplicates.pipeline import duplicates
from vtsfind.engine.indexing.update import update
from vtsfind.media import formats

CAMERAS = (("Canon", "EOS 80D"), ("Apple", "iPhone 12"), ("samsung", "SM-G991B"), ("NIKON", "D5600"))
FILTERS = (
    Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS
)  # fmt: skip
MAX_ENLARGED_PX = 2400
COPIED = 1_700_000_000
"""When copies were written, in seconds; originals are a year older, or of the same day where a tree was copied as a whole."""
YEAR_S = 31_536_000
RIGHT, WRONG, MISSED, TRASHED = "right keepers", "wrong keepers", "missed", "originals trashed"

Files = dict[str, bytes]
"""Name below the tree to content, the original first."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo from which files are made."""

    image: Image.Image
    number: int
    rng: Rng
    other: Others

    @property
    def name(self) -> str:
        """As a camera names it."""
        return f"IMG_{self.number:04}"

    def exif(self, *, software: str = "", note: bool = True) -> Image.Exif:
        """What a camera writes, or what a program leaves of it."""
        data = Image.Exif()
        data[ExifTags.Base.Make], data[ExifTags.Base.Model] = CAMERAS[self.number % len(CAMERAS)]
        when = f"2023:{self.number % 12 + 1:02}:{self.number % 28 + 1:02} 12:{self.number % 60:02}:07"
        data[ExifTags.Base.DateTime] = when if not software else "2023:12:30 20:15:01"
        if software:
            data[ExifTags.Base.Software] = software
        shot = data.get_ifd(ExifTags.IFD.Exif)
        shot[ExifTags.Base.DateTimeOriginal] = when
        shot[ExifTags.Base.ISOSpeedRatings] = 200
        shot[ExifTags.Base.ExifImageWidth], shot[ExifTags.Base.ExifImageHeight] = self.image.size
        if note:
            shot[ExifTags.Base.MakerNote] = bytes(range(200))
        if self.number % 2:
            place = data.get_ifd(ExifTags.IFD.GPSInfo)
            place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLongitudeRef] = "N", "E"
            place[ExifTags.GPS.GPSLatitude] = (Fraction(48), Fraction(self.number % 60), Fraction(0))
            place[ExifTags.GPS.GPSLongitude] = (Fraction(11), Fraction(30), Fraction(0))
        return data


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    (image.convert("RGB") if kind == "JPEG" else image).save(buffer, kind, **options)
    return buffer.getvalue()


def camera_file(shot: Shot) -> bytes:
    """A photo as its camera writes it."""
    return saved(shot.image, quality=95, subsampling=0, exif=shot.exif())


def reopened(content: bytes) -> Image.Image:
    """A file's pixels."""
    return Image.open(io.BytesIO(content)).convert("RGB")


def reduced(image: Image.Image, longest: int) -> Image.Image:
    """A picture no longer than a length."""
    return ImageOps.contain(image, (longest, longest), Image.Resampling.LANCZOS)


def enlarged(image: Image.Image, rng: Rng) -> Image.Image:
    """Larger by 1.2 to 3, by one of four filters."""
    factor = min(float(rng.uniform(1.2, 3)), MAX_ENLARGED_PX / max(image.size))
    size = round(image.width * factor), round(image.height * factor)
    return image.resize(size, FILTERS[int(rng.integers(len(FILTERS)))])


def _camera(shot: Shot, name: str, made: bytes, original: str = "") -> Files:
    return {original or f"2023/{shot.name}.JPG": camera_file(shot), name: made}


def phone_dump(shot: Shot) -> Files:
    """Copied again, into a folder for downloads and into an album."""
    content = camera_file(shot)
    names = (f"2023/{shot.name}.JPG", f"Downloads/{shot.name} (1).JPG", f"Backup/DCIM/{shot.name}.JPG")
    return dict.fromkeys(names, content)


def messenger(shot: Shot) -> Files:
    """Sent by a messenger, without any metadata."""
    small = reduced(reopened(camera_file(shot)), round(max(shot.image.size) * 0.6))
    return _camera(shot, f"WhatsApp Images/IMG-20230102-WA{shot.number:04}.jpg", saved(small, quality=70))


def screenshot(shot: Shot) -> Files:
    """Shown on a screen between the bars of a viewer."""
    look = apps.look(shot.rng)
    screen = apps.gallery(look, [shot.image, shot.other(), shot.other()], shot.rng)
    if shot.number % 2:
        return _camera(shot, f"Screenshots/Screenshot_2023{shot.number:04}.png", saved(screen, "PNG"))
    return _camera(shot, f"Pictures/{shot.number:08x}.jpg", saved(screen, quality=95))


def screenshots_and_copies(shot: Shot) -> Files:
    """Shown on a screen, beside an exact copy of the original."""
    files = screenshot(shot)
    original = next(iter(files))
    return {original: files[original], f"Backup/{shot.name}.JPG": files[original], **files}


def screenshot_of_plain(shot: Shot) -> Files:
    """A picture of the net without metadata, half of them enlarged; a poorer copy; and a screen that shows it no larger than it is."""
    picture = enlarged(shot.image, shot.rng) if shot.number % 4 < 2 else shot.image
    content = saved(picture, quality=90)
    screen = apps.gallery(apps.look(shot.rng), [reopened(content), shot.other(), shot.other()], shot.rng)
    width = min(screen.width, picture.width)
    screen = screen.resize((width, round(screen.height * width / screen.width)), Image.Resampling.LANCZOS)
    return {
        f"Net/{shot.number}-photo.jpg": content,
        f"A/{shot.number}.jpg": saved(reopened(content), quality=70),
        f"Screenshots/Screenshot_2023{shot.number:04}.png": saved(screen, "PNG"),
    }


def enlargement(shot: Shot) -> Files:
    """Enlarged by a program that keeps no metadata."""
    made = enlarged(reopened(camera_file(shot)), shot.rng)
    return _camera(shot, f"Prints/{shot.name}-large.jpg", saved(made, quality=95))


def enlargement_with_data(shot: Shot) -> Files:
    """Enlarged by a program that keeps the camera's data."""
    made = enlarged(reopened(camera_file(shot)), shot.rng)
    exif = shot.exif(software="Adobe Photoshop 24.1", note=False)
    return _camera(shot, f"A/{shot.name}.jpg", saved(made, quality=97, exif=exif))


def enlargement_of_plain(shot: Shot) -> Files:
    """A picture of the net without metadata, and its enlargement."""
    content = saved(shot.image, quality=90)
    made = saved(enlarged(reopened(content), shot.rng), quality=95)
    return {f"Net/{shot.number}-wallpaper.jpg": content, f"A/{shot.number}.jpg": made}


def reduction_of_plain(shot: Shot) -> Files:
    """A picture of the net without metadata, and a smaller one."""
    content = saved(shot.image, quality=90)
    made = saved(reduced(reopened(content), round(max(shot.image.size) * 0.55)), quality=85)
    return {f"Net/{shot.number}-photo.jpg": content, f"A/{shot.number}.jpg": made}


def saved_again(shot: Shot) -> Files:
    """A picture of the net without metadata, a poor copy of it, and that copy saved again at a quality above the first one's."""
    content = saved(shot.image, quality=88)
    poor = saved(reopened(content), quality=10 + shot.number % 40)
    made = saved(reopened(poor), quality=95)
    return {
        f"Net/{shot.number}-view.jpg": content,
        f"A/{shot.number}-s.jpg": poor,
        f"A/{shot.number}.jpg": made,
    }


def social(shot: Shot) -> Files:
    """Exported to a social network, which cuts it square or makes it smaller."""
    image = reopened(camera_file(shot))
    side = round(min(image.size) * 0.8)
    made = ImageOps.fit(image, (side, side)) if shot.number % 2 else reduced(image, side)
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "Instagram"
    return _camera(shot, f"Instagram/{shot.number}.jpg", saved(made, quality=80, exif=exif))


def editor_export(shot: Shot) -> Files:
    """Saved by an editor with all its data and the highest quality."""
    made = reopened(camera_file(shot))
    exif = shot.exif(software="Adobe Lightroom 6.0", note=False)
    return _camera(shot, f"A/{shot.name}.jpg", saved(made, quality=100, subsampling=0, exif=exif))


def converted(shot: Shot) -> Files:
    """Converted from JPEG to another format."""
    content = camera_file(shot)
    image = reopened(content)
    made = {
        "a.png": saved(image, "PNG"),
        "a.webp": saved(image, "WEBP", quality=95),
        "a.tif": saved(image, "TIFF", compression="tiff_lzw"),
        "a.heic": saved(image, "HEIF", quality=90),
    }
    name = list(made)[shot.number % len(made)]
    return {f"2023/{shot.name}.JPG": content, f"A/{shot.number}{Path(name).suffix}": made[name]}


def jpeg_of_heic(shot: Shot) -> Files:
    """A phone's HEIC, and the JPEG that was made of it on the way to a computer."""
    content = saved(shot.image, "HEIF", quality=90, exif=shot.exif().tobytes())
    made = saved(reopened(content), quality=95, exif=shot.exif(note=False))
    return {f"2023/{shot.name}.HEIC": content, f"A/{shot.name}.jpg": made}


def scan(shot: Shot) -> Files:
    """A scan in a lossless file, and a JPEG of it to be sent."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "EPSON", "Perfection V600"
    content = saved(shot.image, "TIFF", compression="tiff_lzw", exif=exif)
    return {f"Scans/scan{shot.number:03}.tif": content, f"A/{shot.number}.jpg": saved(shot.image, quality=92)}


def product(shot: Shot) -> Files:
    """A thing on white, and a smaller picture of it for a shop, or one of lower quality."""
    side = max(shot.image.size)
    page = Image.new("RGB", (side, side), "white")
    mask = Image.new("L", shot.image.size)
    ImageDraw.Draw(mask).ellipse((0, 0, *shot.image.size), fill=255)
    place = ((side - shot.image.width) // 2, (side - shot.image.height) // 2)
    page.paste(shot.image, place, mask.filter(ImageFilter.GaussianBlur(1)))
    content = saved(page, quality=93)
    small = reduced(reopened(content), round(side * 0.6)) if shot.number % 2 else reopened(content)
    return {f"Shop/{shot.number}-product.jpg": content, f"A/{shot.number}.jpg": saved(small, quality=50)}


def palette(shot: Shot) -> Files:
    """A GIF or PNG of few colours, made of a JPEG."""
    content = saved(shot.image, quality=90)
    made = reopened(content).quantize(128)
    return {
        f"Net/{shot.number}-photo.jpg": content,
        f"A/{shot.number}.png": saved(made, "GIF" if shot.number % 2 else "PNG"),
    }


def edited(shot: Shot) -> Files:
    """With a watermark, a caption or a mosaic, at a higher quality."""
    edit = (overlays.watermark, overlays.caption, overlays.censored)[shot.number % 3]
    made = edit(reopened(camera_file(shot)), shot.rng).convert("RGB")
    return _camera(shot, f"A/{shot.number}.jpg", saved(made, quality=100, subsampling=0))


def cropped(shot: Shot) -> Files:
    """A part of it, enlarged to the size of the whole."""
    image = reopened(camera_file(shot))
    part = image.crop((image.width // 5, image.height // 6, image.width * 4 // 5, image.height * 5 // 6))
    made = part.resize(image.size, Image.Resampling.LANCZOS)
    return _camera(shot, f"A/{shot.number}.jpg", saved(made, quality=97))


def black_and_white(shot: Shot) -> Files:
    """Without its colours."""
    made = ImageOps.grayscale(reopened(camera_file(shot)))
    return _camera(shot, f"A/{shot.number}.jpg", saved(made, quality=98))


KINDS: Mapping[str, Callable[[Shot], Files]] = {
    function.__name__.replace("_", " "): function
    for function in (
        phone_dump, messenger, screenshot, screenshots_and_copies, screenshot_of_plain, enlargement, enlargement_with_data, enlargement_of_plain,
        reduction_of_plain, social, editor_export, converted, jpeg_of_heic, scan, product, palette, edited, cropped,
        black_and_white, saved_again,
    )
}  # fmt: skip


def write_tree(folder: Path, photos: list[Path], kinds: list[str], each: int) -> dict[str, str]:
    """Write all files; returns the path of each original with its kind."""
    originals = {}
    for place, (kind, path) in enumerate(
        zip([kind for kind in kinds for _ in range(each)], photos, strict=False)
    ):
        rng = np.random.default_rng(seed_of(kind, path.stem))
        image = Image.open(path).convert("RGB")
        shot = Shot(image, place + 1, rng, Others(photos, path, seed_of("other", path.stem)))
        for number, (name, content) in enumerate(KINDS[kind](shot).items()):
            target = folder / f"{place % 7}" / name
            while target.exists():
                target = target.with_name(f"{place}-{target.name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            changed = COPIED + place - (YEAR_S if not number and place % 2 else 0)
            os.utime(target, (changed, changed))
            if not number:
                originals[str(target)] = kind
    return originals


def scored(groups: tuple[Group, ...], library: Place, originals: Mapping[str, str]) -> dict[str, Any]:
    """Count the keepers by kind; see the module."""
    counts = {kind: Counter[str]() for kind in originals.values()}
    wrong = []
    grouped = set()
    for group in groups:
        contents = {member.photo.digest: member for member in group.members[::-1]}
        for member in group.members:
            path = os.fsdecode(member.photo.path)
            if path not in originals:
                continue
            grouped.add(path)
            right = group.keeper.digest == member.photo.digest
            counts[originals[path]][RIGHT if right else WRONG] += 1
            if not right:
                wrong.append(
                    f"{originals[path]}: {os.path.basename(path)}: {contents[member.photo.digest].reason}"
                )
    for path in set(originals) - grouped:
        counts[originals[path]][MISSED] += 1
    plan, _ = plan_for_groups(groups, library=library, command="benchmark")
    for planned in plan.groups:
        kept = {file.digest for file in planned.files if file.action is Action.KEEP}
        for file in planned.files:
            path = os.fsdecode(file.path)
            if path in originals and file.is_changed and file.digest not in kept:
                counts[originals[path]][TRASHED] += 1
                wrong.append(f"trashed: {originals[path]}: {os.path.basename(path)}: {file.reason}")
    total = sum(counts.values(), Counter[str]())
    return {
        "originals": len(originals),
        "share of right keepers": round(total[RIGHT] / (total[RIGHT] + total[WRONG]), 4),
        **{name: total[name] for name in (RIGHT, WRONG, MISSED, TRASHED)},
        "by kind": {kind: dict(count) for kind, count in counts.items()},
        "wrong": wrong,
    }


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--each", type=int, default=12, help="photos of each kind")
    parser.add_argument("--start", type=int, default=0, help="the first photo")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS), metavar="KIND")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    formats.register(formats.HEIF)
    every = photos_in(given.photos)[given.start :]
    step = max(1, len(every) // (len(given.kinds) * given.each))
    with tempfile.TemporaryDirectory(prefix="vtsfind-bench-") as scratch:
        folder = Path(scratch) / "photos"
        originals = write_tree(folder, every[::step], given.kinds, given.each)
        context = Context(Settings(library=str(Path(scratch) / "library"), workers=2))
        update(context, [str(folder)])
        found = duplicates(context, DedupOptions())
        figures = scored(tuple(found.groups), found.library, originals)
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    if given.write:
        write_result("keepers", figures)


if __name__ == "__main__":
    main()
