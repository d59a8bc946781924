"""What tests of commands get: vtsfind with a small encoder, and a library to ask."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import block_encoder
from support.drawn_photos import album as drawn_album
from support.json_schema import undocumented
from support.output import Vtsfind
from typer.testing import Result

from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.changes import select
from vtsfind.engine.indexing.refresh import refresh
from vtsfind.report.ndjson import NdjsonWriter
from vtsfind.store.index import Index


@pytest.fixture(autouse=True)
def _every_record_is_documented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Check the fields of every JSON record that commands write in a test's process."""
    problems: list[str] = []
    write = NdjsonWriter.write

    def checked(self: NdjsonWriter, kind: str, *fields: dict[str, object], **more: object) -> None:
        write(self, kind, *fields, **more)
        record = {"type": kind, **dict(*fields), **more}
        problems.extend(undocumented(self.stream, json.loads(json.dumps(record))))

    monkeypatch.setattr(NdjsonWriter, "write", checked)
    yield
    assert not problems


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the photos `photos` and a library `library` of them, for tests that do not change them."""
    folder = tmp_path_factory.mktemp("album")
    photos = drawn_album(folder / "photos")
    card = block_encoder.card(folder / "models")
    with Index.create(folder / "library", card.signature) as index:
        refresh(
            index,
            select([str(photos)], (), ()),
            block_encoder.BlockModel(lambda: block_encoder.BlockMeans(card.signature)),
            Context(Settings(workers=1)),
        )
    return folder


@pytest.fixture
def ask(run: Vtsfind, album: Path) -> Vtsfind:
    """Query the library of the album."""

    def ask(*arguments: object, standard_input: bytes | None = None) -> Result:
        return run("query", "--library", album / "library", *arguments, standard_input=standard_input)

    return ask


@pytest.fixture
def dupes(run: Vtsfind, tmp_path: Path) -> Vtsfind:
    """Index the folder `photos` of the test's own, if it was not, and look for duplicates."""
    library = tmp_path / "library"

    def dupes(*arguments: object, index: bool = True) -> Result:
        if index:
            assert run("index", tmp_path / "photos", "--library", library).exit_code in {0, 3}
        return run("dupes", "--library", library, *arguments)

    return dupes
