"""Read this first: the whole way of a photo, from the disk to an answer, and of a copy to the trash and back."""

import os
import shutil
from pathlib import Path

import numpy as np
from support.block_encoder import SIGNATURE, BlockMeans, BlockModel

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
from vtsfind.engine.indexing.changes import select
from vtsfind.engine.indexing.refresh import refresh
from vtsfind.find.hamming.search import top_k
from vtsfind.media.pool import DecodePool, DecodeTask, PreparedPhoto
from vtsfind.media.scan import ScanOptions, ScanReport, scan
from vtsfind.store.index import Index


def test_a_photo_leads_to_the_photos_that_look_like_it(photos: Path, tmp_path: Path) -> None:
    model = BlockMeans()
    cancel = CancelToken()

    # Scan: which files may be photos?
    report = ScanReport()
    found = list(scan([os.fsencode(photos)], ScanOptions(), report, cancel))
    assert len(found) == report.found == 12

    # Decode: worker processes turn each file into the pixels that the model wants.
    with DecodePool(model.preprocessing, workers=1) as pool:
        prepared = [
            each for each in pool.prepared(map(DecodeTask, found), cancel) if isinstance(each, PreparedPhoto)
        ]
    assert len(prepared) == 12

    # Encode: the model turns pixels into codes, one for each of its heads.
    codes = model.encode(np.stack([each.pixels for each in prepared if each.pixels is not None]))

    # Index: the library keeps the codes beside what the files are.
    with Index.create(tmp_path / "library", SIGNATURE) as index:
        for row, each in enumerate(prepared):
            own = {head: values[row] for head, values in codes.items()}
            index.add(Entry(each.found.path, each.found.stamp, each.digest, each.info, own))
        index.publish()

    # Search: the turned copies of the beach are the photos nearest to the beach.
    with Index.open(tmp_path / "library") as index:
        planes = index.planes("copy")
        beach = os.fsencode(photos / "beach.jpg")
        own_codes = index.codes_of_path(beach, next(each.stamp for each in found if each.path == beach))
        assert own_codes is not None
        rows, distances = top_k(planes.words, bits.words(own_codes["copy"][None]), 4)
        names = {Path(os.fsdecode(files[0].path)).name for files in index.files_of_rows(planes.rows[rows[0]])}
    assert names == {"beach.jpg", "beach-3.jpg", "beach-6.jpg", "beach-8.jpg"}
    assert distances[0][0] == 0


def test_a_copy_goes_to_the_trash_and_comes_back(photos: Path, tmp_path: Path) -> None:
    beach, copy = photos / "beach.jpg", photos / "beach again.jpg"
    shutil.copyfile(beach, copy)
    settings = Settings(library=str(tmp_path / "library"), workers=1)
    with Index.create(tmp_path / "library", SIGNATURE) as index:
        refresh(
            index,
            select([str(photos)], (), ()),
            BlockModel(),
            Context(settings),
        )

    # Duplicates: what is near by code is looked at; here only the same content counts.
    found = duplicates(Context(settings), DedupOptions(kinds=frozenset({Verdict.BYTES})))
    (group,) = found.groups
    assert {Path(os.fsdecode(member.photo.path)) for member in group.members} == {beach, copy}

    # Plan: a text that says what becomes of each photo, for a person to read and change.
    plan, _ = plan_for_groups(found.groups, library=found.library, command="vtsfind plan")
    save_plan(plan, tmp_path / "plan.txt")
    assert beach.exists()
    assert copy.exists()

    # Apply: every file is looked at again, and written down before it is touched.
    applied = apply(read_plan(tmp_path / "plan.txt"))
    assert [step.state for step in applied.steps] == [State.DONE]
    assert [beach.exists(), copy.exists()] == [True, False]

    # Undo: the photo comes back as it was.
    undo(applied.run)
    assert copy.read_bytes() == beach.read_bytes()
