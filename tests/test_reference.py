"""An archive beside a dump of a phone is suggested as the reference; nothing is where that is not clear."""

import os
from pathlib import Path

import pytest

from vtsfind.engine.library.reference import suggested_reference


@pytest.mark.parametrize(
    ("folders", "suggested"),
    [
        (["Album/2021", "Album/2022", "DCIM/100APPLE"], "Album"),
        (["Photos/trips", "Downloads"], "Photos"),
        (["Photos/trips", "Pictures/other", "Downloads"], None),
        (["Album/2021", "Album/2022", "Other"], None),
        (["DCIM", "Downloads"], None),
    ],
)
def test_the_archive_is_the_one_that_looks_like_one(
    tmp_path: Path, folders: list[str], suggested: str | None
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    found = suggested_reference([os.fsencode(tmp_path)])
    assert found == (os.fsencode(tmp_path / suggested) if suggested else None)
    roots = sorted({os.fsencode(tmp_path / folder.partition("/")[0]) for folder in folders})
    assert suggested_reference(roots) == found
