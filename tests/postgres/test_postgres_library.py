"""A library on a server keeps what an embedded one keeps, and answers as it does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support import entries
from support.entries import SIGNATURE, codes, digest, entry, golden_changes, path, stamp

from vtsfind.base import bits
from vtsfind.base.addresses import server_address
from vtsfind.base.errors import LibraryMissing, ModelMismatch, UsageError
from vtsfind.base.records import Entry, Failure, Reason, Stamp
from vtsfind.find.hamming.views import CANDIDATES, nearest
from vtsfind.store.library import Library, create_library, open_library

FACTS: list[Callable[[Library], object]] = [
    lambda library: library.signature,
    lambda library: library.stamps(),
    lambda library: library.failures(),
    lambda library: library.contents(),
    lambda library: library.cameras(),
    lambda library: library.count_without_camera(),
    lambda library: library.without_camera(0, 2),
    lambda library: library.without_camera(5, 2),
    lambda library: library.roots(),
    lambda library: library.counts().files,
    lambda library: library.counts().contents,
    lambda library: library.counts().bytes,
    lambda library: library.digests_of_size(stamp(3).size),
    lambda library: library.files_of_digest(digest(3)),
    lambda library: library.paths_of_file([path(2)], stamp(5).inode),
    lambda library: _lists(library.codes_of_digest(digest(0))),
    lambda library: _lists(library.codes_of_path(path(4), stamp(4))),
    lambda library: library.codes_of_path(path(4), stamp(5)),
    lambda library: library.files_of_rows(library.planes("copy").rows),
    lambda library: library.planes("copy").words.tolist(),
    lambda library: library.planes("scene").words.tolist(),
    lambda library: library.planes("scene").rows.tolist(),
]


def _lists(found: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] | None) -> object:
    return found and {head: code.tolist() for head, code in found.items()}


@pytest.fixture
def both(database: str, tmp_path: Path) -> Iterator[tuple[Library, Library]]:
    """An embedded library and one on a server, each with one of everything."""
    with (
        create_library(tmp_path / "library", SIGNATURE) as embedded,
        create_library(server_address(database), SIGNATURE) as served,
    ):
        for library in (embedded, served):
            golden_changes(library)
            library.publish()
        yield embedded, served


def test_everything_is_as_in_an_embedded_library(both: tuple[Library, Library]) -> None:
    embedded, served = both
    for fact in FACTS:
        assert fact(served) == fact(embedded)
    assert served.check(deep=True) == []


def test_cameras_are_recorded_as_in_an_embedded_library(both: tuple[Library, Library]) -> None:
    embedded, served = both
    for library in both:
        library.set_cameras({each.content: "" for each in library.without_camera(0, 1)} | {3: "Pixel\0 7"})
        library.commit()
        assert library.check(deep=True) == []
        assert library.count_without_camera() == 0
    assert served.cameras() == ["Apple iPhone 13", "Canon EOS 5D", "Pixel\\x00 7"]
    assert embedded.cameras() == ["Apple iPhone 13", "Canon EOS 5D", "Pixel\0 7"]


def test_changes_are_seen_once_they_are_committed(database: str) -> None:
    address = server_address(database)
    with create_library(address, SIGNATURE) as library:
        library.add(entry(1))
        assert library.digests_of_size(stamp(1).size) == {digest(1)}
        with open_library(address) as reader:
            assert reader.stamps() == {}
            library.commit()
            assert list(reader.stamps()) == [path(1)]
        library.add(entry(2))
    with open_library(address) as reader:
        assert list(reader.stamps()) == [path(1)], "what was not committed is dropped"


def test_the_last_change_of_a_path_counts(database: str) -> None:
    with create_library(server_address(database), SIGNATURE) as library:
        library.add(entry(1))
        library.add_failure(Failure(path(1), Reason.DAMAGED, "cut\0short", stamp(1)))
        library.commit()
        assert [failure.detail for failure in library.failures()] == ["cut\\x00short"]
        library.add(Entry(path(1), Stamp(9, 9, 9), digest(1)))
        library.commit()
        assert library.failures() == []
        assert library.counts().files == 1
        library.forget([path(1)])
        library.commit()
        assert library.counts().files == 0
        assert library.codes_of_digest(digest(1)) is not None, "its content stays known"
        assert not len(library.planes("copy").rows)


@pytest.mark.parametrize("radius", [None, 120])
@pytest.mark.parametrize("count", [1, 7, None])
@pytest.mark.parametrize("views", [1, 4])
def test_the_nearest_are_those_of_an_embedded_library(
    both: tuple[Library, Library], views: int, count: int | None, radius: int | None
) -> None:
    embedded, served = both
    for library in both:
        for i in range(100, 400):
            library.add(entry(i))
        for i in range(400, 500):  # equal codes: ties
            library.add(Entry(path(i), stamp(i), digest(i), entries.info(i), codes(i % 3)))
        library.forget([path(i) for i in range(100, 200, 3)])
        library.commit()
    packed = np.stack([codes(900 + i)["copy"] for i in range(views)])
    packed[0] = codes(1)["copy"] if views == 1 else packed[0]
    answers = []
    for library in both:
        planes = library.near("copy", packed, count, radius)
        assert library is embedded or count is None or len(planes.rows) < len(embedded.planes("copy").rows)
        wanted = len(planes.rows) if count is None else count
        columns, distances = nearest(planes.words, bits.words(packed), wanted, radius=radius)
        answers.append((planes.rows[columns].tolist(), distances.tolist()))
    assert answers[0] == answers[1]
    assert answers[0][0]
    assert served.signature == embedded.signature
    some = np.array(sorted(answers[0][0], reverse=True), np.uint32)
    scenes = [library.planes_of_rows("scene", some) for library in both]
    assert scenes[0].rows.tolist() == scenes[1].rows.tolist() == sorted(some.tolist())
    assert np.array_equal(scenes[0].words, scenes[1].words)


def test_real_outputs_rank_the_nearest_as_in_an_embedded_library(both: tuple[Library, Library]) -> None:
    outputs = np.random.default_rng(7).normal(size=(3, 256)).astype(np.float32)
    packed = bits.pack(outputs)
    answers = []
    for library in both:
        planes = library.near("copy", packed, CANDIDATES)
        columns, _ = nearest(planes.words, bits.words(packed), 5, outputs=outputs)
        answers.append(planes.rows[columns].tolist())
    assert answers[0] == answers[1]


def test_a_library_is_made_once(database: str) -> None:
    address = server_address(database)
    with pytest.raises(LibraryMissing, match="vtsfind index FOLDER --library 'postgresql://"):
        open_library(address)
    create_library(address, SIGNATURE).close()
    with pytest.raises(UsageError, match="already a library"):
        create_library(address, SIGNATURE)


def test_codes_of_two_models_never_meet(both: tuple[Library, Library]) -> None:
    from dataclasses import replace

    _, served = both
    with pytest.raises(ModelMismatch):
        served.require(replace(SIGNATURE, fingerprint="00" * 32))


def test_rows_that_are_not_as_they_were_written_are_found_and_deleted(
    database: str, both: tuple[Library, Library]
) -> None:
    import psycopg

    from vtsfind.store.library import rescue_library

    served = both[1]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE vtsfind.contents SET width = width + 1 WHERE id = 3")
    assert [problem.severity for problem in served.check(deep=True)] == ["must"]
    with pytest.raises(Exception, match="not as they were written"):
        served.contents()
    assert rescue_library(server_address(database)) == [
        "Deleted 1 damaged code. The next `vtsfind index` reads those photos again."
    ]
    assert served.check(deep=True) == []
