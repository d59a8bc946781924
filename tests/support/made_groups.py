"""Groups of duplicates that tests make up, or draw as files."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from support.drawn_photos import exif, scene, write
from vtsfind.act.removal import stay_reasons
from vtsfind.base.contents import Contents
from vtsfind.base.groups import Box, Evidence, Group, Member, Photo, StayReason, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp

KINDS = (Verdict.BYTES, Verdict.RESAVE, Verdict.EDIT, Verdict.TURNED, Verdict.PIXELS)


def photo(
    path: bytes, size: int = 1000, *, width: int = 4000, height: int = 3000, taken: str | None = None
) -> Photo:
    """A photo that is on no disk; its content is known by its path and size."""
    digest = (size.to_bytes(8, "little") + path)[-32:].rjust(32, b"\0")
    return Photo(
        path, Stamp(size, 1_600_000_000_000_000_000, 1), digest, PictureInfo(width, height, 1, taken, "JPEG")
    )


PLAIN = Details(enlarged=0.0, contents=Contents())
"""Of a file with nothing in it but one picture, which was not enlarged."""


def words_of(reason: StayReason | None) -> str:
    """Why a file stays; empty if it may go."""
    return reason.words if reason else ""


def judged(*members: Member) -> tuple[Member, ...]:
    """Members as a search gives them: with why they may not go, if they may not."""
    staying = stay_reasons(members)
    return tuple(replace(each, stay_reason=staying.get(place)) for place, each in enumerate(members))


def group(number: int, photos: Sequence[Photo], verdict: Verdict = Verdict.RESAVE) -> Group:
    """A group of photos that all stand in one way to the first."""
    keeper = Member(photos[0], None, Evidence(), "the most pixels", PLAIN)
    evidence = Evidence(distance=3, bits=256, agreement=0.98, note="same picture")
    others = [Member(each, verdict, evidence, "fewer pixels", PLAIN) for each in photos[1:]]
    return Group(number, judged(keeper, *others))


def many(count: int) -> list[Group]:
    """So many groups of copies, two to five photos each, of every kind, in a hundred folders."""
    random = np.random.default_rng(7)
    sizes = random.integers(100_000, 9_000_000, count).tolist()
    members = random.integers(2, 6, count).tolist()
    groups = []
    for number in range(count):
        folder = b"/photos/%02d" % (number % 100)
        photos = [
            photo(folder + b"/IMG_%06d-%d.jpg" % (number, i), sizes[number] // (i + 1), taken=_date(number))
            for i in range(members[number])
        ]
        groups.append(group(number + 1, photos, KINDS[number % len(KINDS)]))
    return groups


def _date(number: int) -> str:
    return f"20{number % 24:02}-{number % 12 + 1:02}-{number % 28 + 1:02} 12:00:{number % 60:02}"


def on_disk(folder: Path, count: int = 4) -> list[Group]:
    """Groups of real files: in each a photo, a smaller copy of it, and a crop."""
    groups = []
    for number in range(count):
        whole = scene(number, 480, 360)
        taken = f"2021:07:{number + 1:02} 12:30:45"
        paths = [
            folder / f"trip-{number}" / name for name in ("beach.jpg", "beach-small.jpg", "beach-crop.png")
        ]
        write(paths[0], whole, exif=exif(taken=taken))
        write(paths[1], whole.resize((240, 180)), quality=60)
        write(paths[2], whole.crop((120, 90, 360, 270)))
        verdicts = (None, Verdict.RESAVE, Verdict.EDIT)
        evidence = (
            Evidence(),
            Evidence(distance=2, bits=256, agreement=0.99, note="same picture, half the size"),
            Evidence(
                distance=21, bits=256, inliers=120, agreement=0.97, box=Box(0.25, 0.25, 0.75, 0.75), boxed=0
            ),
        )
        reasons = (
            "480x360, the most pixels; has the time of the shot",
            "240x180 < 480x360",
            "240x180 < 480x360",
        )
        members = [
            Member(_of_file(path, taken if place == 0 else None), verdict, seen, reason, PLAIN)
            for place, (path, verdict, seen, reason) in enumerate(
                zip(paths, verdicts, evidence, reasons, strict=True)
            )
        ]
        groups.append(Group(number + 1, judged(*members)))
    return groups


def _of_file(path: Path, taken: str | None) -> Photo:
    status = path.stat()
    with Image.open(path) as image:
        info = PictureInfo(
            image.width, image.height, 1, taken and taken.replace(":", "-", 2), image.format or ""
        )
    stamp = Stamp(status.st_size, status.st_mtime_ns, status.st_ino)
    return Photo(os.fsencode(path), stamp, hashlib.sha256(path.read_bytes()).digest(), info)
