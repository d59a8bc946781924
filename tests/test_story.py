"""Read this first: the whole way of a photo, from the disk to an answer, and of a copy to the trash and back.

The photos are real, and so are the model and the verdicts.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import real_photos

from vtsfind.base import bits
from vtsfind.base.groups import Verdict
from vtsfind.base.operations import State
from vtsfind.base.progress import CancelToken
from vtsfind.base.records import Entry
from vtsfind.base.settings import Settings
from vtsfind.engine.apply.apply import apply
from vtsfind.engine.apply.plans import plan_for_groups, read_plan, save_plan
from vtsfind.engine.apply.undo import undo
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.duplicates.pipeline import duplicates
from vtsfind.engine.indexing.update import update
from vtsfind.find.hamming.search import top_k
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.registry import find_card
from vtsfind.media.pool import DecodePool, DecodeTask, PreparedPhoto
from vtsfind.media.scan import ScanOptions, ScanReport, scan
from vtsfind.store.index import Index


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Five photos, two of them of one scene; a smaller version of the cat, and a part of the dog."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("cat", "dog", "coffee", "temple-1", "temple-2"):
        shutil.copyfile(real_photos.FOLDER / f"{name}.jpg", folder / f"{name}.jpg")
    cat, dog = real_photos.photo("cat"), real_photos.photo("dog")
    cat.resize((cat.width // 2, cat.height // 2)).save(folder / "cat small.jpg", quality=75)
    dog.crop((30, 30, dog.width - 20, dog.height - 20)).save(folder / "dog part.jpg", quality=90)
    return folder


def test_a_photo_leads_to_the_photos_that_look_like_it(photos: Path, tmp_path: Path) -> None:
    encoder = Encoder(find_card())  # the model that ships
    cancel = CancelToken()

    # Scan: which files may be photos?
    report = ScanReport()
    found = list(scan([os.fsencode(photos)], ScanOptions(), report, cancel))
    assert len(found) == report.found == 7

    # Decode: worker processes turn each file into the pixels that the model wants.
    with DecodePool(encoder.preprocessing, workers=1) as pool:
        results = list(pool.prepared(map(DecodeTask, found), cancel))
    prepared = [each for each in results if isinstance(each, PreparedPhoto)]
    assert len(prepared) == 7

    # Encode: the model turns pixels into binary codes, one for each of its heads.
    codes = encoder.encode(np.stack([each.pixels for each in prepared if each.pixels is not None]))
    assert {head: code.shape for head, code in codes.items()} == dict.fromkeys(
        ("copy", "scene", "words"), (7, 32)
    )

    # Index: the library keeps the codes beside what the files are.
    with Index.create(tmp_path / "library", encoder.signature) as index:
        for row, each in enumerate(prepared):
            own = {head: code[row] for head, code in codes.items()}
            index.add(Entry(each.found.path, each.found.stamp, each.digest, each.info, own))
        index.publish()

    # Search: the photo nearest to the small cat, besides itself, is the large one.
    with Index.open(tmp_path / "library") as index:
        planes = index.planes("copy")
        small = next(each for each in found if each.path.endswith(b"cat small.jpg"))
        query = index.codes_of_path(small.path, small.stamp)
        assert query is not None
        rows, distances = top_k(planes.words, bits.words(query["copy"][None]), 3)
        names = [os.path.basename(files[0].path) for files in index.files_of_rows(planes.rows[rows[0]])]
    assert names[:2] == [b"cat small.jpg", b"cat.jpg"]
    assert distances[0][0] == 0 < distances[0][1] < distances[0][2]


def test_copies_go_to_the_trash_and_come_back(photos: Path, tmp_path: Path) -> None:
    context = Context(Settings(library=str(tmp_path / "library"), workers=1))
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    assert update(context, [str(photos)]).new == 7

    # Duplicates: near codes propose pairs, and comparing the photos decides. Two shots of one scene are no copies.
    found = duplicates(context, DedupOptions())
    groups = [[(os.path.basename(m.photo.path), m.verdict) for m in group.members] for group in found.groups]
    assert groups == [
        [(b"cat.jpg", None), (b"cat small.jpg", Verdict.RESAVE)],
        [(b"dog.jpg", None), (b"dog part.jpg", Verdict.EDIT)],
    ]

    # Plan: a text that says what becomes of each photo, for a person to read and change. An edited photo stays.
    plan, _ = plan_for_groups(found.groups, library=found.library, command="vtsfind plan")
    save_plan(plan, tmp_path / "plan.txt")
    assert {path.name for path in photos.iterdir()} == set(before)

    # Apply: every file is checked again, and written down in the journal before it is touched.
    applied = apply(read_plan(tmp_path / "plan.txt"))
    assert [step.state for step in applied.steps] == [State.DONE]
    assert set(before) - {path.name for path in photos.iterdir()} == {"cat small.jpg"}

    # Undo: the photos come back as they were.
    undo(applied.run)
    assert {path.name: path.read_bytes() for path in photos.iterdir()} == before


def test_another_shot_is_told_from_a_copy_when_it_is_asked_for(photos: Path, tmp_path: Path) -> None:
    context = Context(Settings(library=str(tmp_path / "library"), workers=1))
    update(context, [str(photos)])
    (group,) = duplicates(context, DedupOptions(kinds=frozenset({Verdict.BURST}))).groups
    assert {os.path.basename(m.photo.path) for m in group.members} == {b"temple-1.jpg", b"temple-2.jpg"}
