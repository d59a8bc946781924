"""Fifty thousand thumbnails and ten thousand black frames: `vtsfind dupes` stays quick and small, and can be read."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from support.block_encoder import SIGNATURE
from support.output import Vtsfind, records
from support.textures import photograph

from vtsfind.base.groups import Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import Entry, PictureInfo
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.duplicates.pipeline import duplicates
from vtsfind.engine.duplicates.results import DedupStats
from vtsfind.find.candidates.hash_codes import MAX_CANDIDATES_PER_PHOTO
from vtsfind.find.features.features import features
from vtsfind.find.features.packed import pack
from vtsfind.find.versions import features_version, verdicts_version
from vtsfind.media.scan import stamp_of
from vtsfind.report.groups import write_groups
from vtsfind.report.streams import Output
from vtsfind.store.evidence import EvidenceStore
from vtsfind.store.index import Index

THUMBNAILS = 50_000
FRAMES = 10_000
SIZES = [head.bits // 8 for head in SIGNATURE.heads]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder for photos, empty."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def codes(copy: bytes) -> dict[str, np.ndarray[tuple[int], np.dtype[np.uint8]]]:
    """Codes that differ by the copy code alone."""
    made = {"scene": bytes(8), "copy": copy}
    return {name: np.frombuffer(code, np.uint8) for name, code in made.items()}


def entry(path: Path, digest: bytes) -> Entry:
    return Entry(os.fsencode(path), stamp_of(path.stat()), digest, PictureInfo(160, 120, format="JPEG"))


def digest(number: int) -> bytes:
    return hashlib.sha256(b"content %d" % number).digest()


def thumbnails(folder: Path, library: Path, *, links: bool) -> None:
    """So many thumbnails, all with one content; as files, which nobody need read, or as links to one file."""
    first = folder / "thumb-00000.jpg"
    first.touch()
    known = {"codes": codes(bytes(32))}
    with Index.create(library, SIGNATURE) as index:
        index.add_roots([os.fsencode(folder)])
        for number in range(THUMBNAILS):
            path = folder / f"thumb-{number:05}.jpg"
            if number and links:
                os.link(first, path)
            else:
                path.touch()
        for number in range(THUMBNAILS):  # the links have changed the first one's stamp
            made = entry(folder / f"thumb-{number:05}.jpg", digest(1))
            index.add(Entry(made.path, made.stamp, made.digest, made.info, **known))
        index.publish()


def test_fifty_thousand_identical_thumbnails_are_one_group_that_can_be_read(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    thumbnails(photos, tmp_path / "library", links=False)
    found = duplicates(Context(Settings(library=str(tmp_path / "library"), workers=1)), DedupOptions())
    (group,) = found.groups
    assert len({member.photo.path for member in group.members}) == THUMBNAILS
    assert {member.verdict for member in group.members[1:]} == {Verdict.BYTES}
    assert found.stats == DedupStats(photos=THUMBNAILS)  # nothing was proposed, looked at or compared
    write_groups(Output(), found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith(f"Group 1: {THUMBNAILS:,} photos")
    assert len(lines) <= 40


def test_fifty_thousand_names_of_one_thumbnail_are_one_photo(
    photos: Path, tmp_path: Path, dupes: Vtsfind
) -> None:
    thumbnails(photos, tmp_path / "library", links=True)
    result = dupes(index=False)
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"{THUMBNAILS - 1:,} further paths to the same files" in result.stderr


def test_ten_thousand_black_frames_cost_few_pairs_and_match_by_pixels_only(
    photos: Path, tmp_path: Path, dupes: Vtsfind
) -> None:
    """Frames that were looked at: two of them have the same pixels, the others a speck each. Around them, two photos."""
    library = tmp_path / "library"
    black, scene = (
        features(np.zeros((120, 160, 3), np.uint8)),
        features(np.asarray(photograph(0, 160, 120))),
    )
    rng = np.random.default_rng(0)
    with (
        Index.create(library, SIGNATURE) as index,
        EvidenceStore(library, features_version(), verdicts_version()) as store,
    ):
        index.add_roots([os.fsencode(photos)])
        for number in range(1, FRAMES + 3):
            path = photos / f"{number:05}.jpg"
            is_frame = number <= FRAMES
            if is_frame:
                path.touch()
                made = entry(path, digest(number))
            else:  # they are compared at full size
                photograph(0, 160, 120).save(path, quality=90 + number - FRAMES)
                made = entry(path, hashlib.sha256(path.read_bytes()).digest())
            code = bytearray(32) if is_frame else bytearray(b"\xa5" * 32)
            code[int(rng.integers(32))] ^= 1 << int(rng.integers(8))
            index.add(Entry(made.path, made.stamp, made.digest, made.info, codes(bytes(code))))
            same = is_frame and number <= 2
            details = Details(pixels=digest(7 if same else number))
            store.save_features(made.digest, pack(details, black if is_frame else scene), full=True)
        store.commit()
        index.publish()
    result = dupes("--json", index=False)
    assert result.exit_code == 0, result.stderr
    footer = records(result)[-1]
    assert footer["looked"] == 0
    assert footer["candidates"] <= FRAMES * MAX_CANDIDATES_PER_PHOTO
    assert footer["compared"] <= footer["candidates"]
    found = [
        {(os.path.basename(member["path"]), member["verdict"]) for member in group["members"]}
        for group in records(result, "group")
    ]
    assert all(verdict in {None, "pixels"} for group in found for name, verdict in group if name < "10001")
    assert any(name > "10000" for group in found for name, _ in group)  # the two photos are still found
