"""A library of 1,000,000 photos on a PostgreSQL server, beside the embedded one.

    python -m benchmarks.postgres [--photos N] [--queries N] [--folder FOLDER [--seconds S]] [--write]

Both are filled with the same made-up photos (random codes of two heads of 256 bits, one file each) by `vtsfind.store.copying`. Then
one process asks for the 20 nearest codes of the head `copy`: from both in turns, of one view and of the five views of a new
photo; the answers must be equal. Then eight clients with connections of their own ask the server at once. The server
is PostgreSQL's own in a temporary folder, over a Unix socket, with 512 MB of shared buffers and otherwise its defaults. Times are of
the machine as it is; ratios are of the same run. With pgvector on the server, approximate answers by an HNSW index are measured
beside the exact ones, and how many of the nearest they find: of random codes, where nothing is near and that is hardest, and of codes
that have a near one. With --folder the server and what was measured stay there, so that another run goes on; with --seconds a run ends
after the part in which that time is over. With --library only the approximate answers are measured, by the codes of that library of
photos. With --write the figures go to docs/results/postgres.json; those of a library, or of another number of photos, to a file of their
own beside it.
"""

import argparse
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import psycopg
from support.postgres_server import running_server

from benchmarks.machine import write_result
from vtsfind.base import bits
from vtsfind.base.addresses import server_address
from vtsfind.base.progress import Monitor
from vtsfind.base.records import Head, Signature
from vtsfind.engine.copying import copy_library
from vtsfind.find.hamming.views import nearest
from vtsfind.store.copying import ContentRow, FileRow, RowStore, batches
from vtsfind.store.library import Library, open_copy, open_library
from vtsfind.store.planes import Planes
from vtsfind.store.postgres.hnsw import MAX_NEAREST, make_indexes

SIGNATURE = Signature("made-up", "00" * 32, (Head("copy", 256), Head("scene", 256)))
HEAD = "copy"
PHOTOS = 1_000_000
NEAREST = 20
VIEWS = 5
CLIENTS = 8
COPY_BITS = 16
"""Bits in which a query differs from a code of the library, as of a photo saved again."""
SETTINGS = {
    "shared_buffers": "512MB",
    "fsync": "on",
    "max_wal_size": "4GB",
    "maintenance_work_mem": "2GB",  # the graph of an HNSW index is built in it
}


def contents(photos: int) -> Iterator[ContentRow]:
    """Made-up contents, always the same."""
    rng = np.random.default_rng(0)
    for start in range(0, photos, 100_000):
        codes = rng.integers(0, 256, (min(100_000, photos - start), 64), dtype=np.uint8)
        for i, code in enumerate(codes, start + 1):
            facts = (2_000_000 + i, 4000, 3000, 1, "2020-01-01 12:00:00", "JPEG", "")
            yield i, hashlib.sha256(b"%d" % i).digest(), code.tobytes(), facts


def files(photos: int) -> Iterator[FileRow]:
    """A file for each content."""
    for i in range(1, photos + 1):
        path = b"/photos/2020/%03d/IMG_%07d.jpg" % (i // 10_000, i)
        yield path, 2_000_000 + i, 1_600_000_000_000_000_000 + i, i, i, None, None


def load(copy: RowStore, photos: int) -> float:
    """Fill a library; gives the seconds that it took, without those of making the photos up."""
    seconds = 0.0
    stores: list[tuple[Iterator[Any], Callable[[list[Any]], None]]] = [
        (contents(photos), copy.store_contents),
        (files(photos), copy.store_files),
    ]
    for rows, store in stores:
        for batch in batches(rows):
            began = time.perf_counter()
            store(batch)
            seconds += time.perf_counter() - began
    began = time.perf_counter()
    copy.finish([b"/photos"])
    return seconds + time.perf_counter() - began


def answer(library: Library, views: Any, in_view: int = 0) -> list[tuple[int, int]]:
    """The nearest contents and their distances, approximate if a number to keep in view is given."""
    planes = library.near(HEAD, views, in_view or NEAREST, approximate=bool(in_view))
    columns, distances = nearest(planes.words, bits.words(views), NEAREST)
    return list(zip(planes.rows[columns].tolist(), distances.tolist(), strict=True))


def milliseconds(call: Callable[[], Any]) -> float:
    """The time of one call."""
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def compare(embedded: Library, served: Library, queries: Any) -> dict[str, Any]:
    """Ask both in turns; the answers must be equal."""
    if any(answer(embedded, views) != answer(served, views) for views in queries[:5]):
        raise AssertionError("The two do not answer alike.")
    pairs = [
        (milliseconds(lambda v=v: answer(embedded, v)), milliseconds(lambda v=v: answer(served, v)))  # type: ignore[misc]
        for v in queries
    ]
    return {
        "embedded_ms": round(statistics.median(a for a, _ in pairs), 1),
        "server_ms": round(statistics.median(b for _, b in pairs), 1),
        "ratio": round(statistics.median(b / a for a, b in pairs), 1),
    }


def at_once(address: str, queries: Any) -> dict[str, Any]:
    """Several clients ask at once, each on a connection of its own."""

    def client(number: int) -> list[float]:
        with open_library(server_address(address)) as library:
            own = queries[number::CLIENTS]
            return [milliseconds(lambda v=v: answer(library, v)) for v in own]  # type: ignore[misc]

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as executor:
        times = [each for some in executor.map(client, range(CLIENTS)) for each in some]
    return {
        "clients": CLIENTS,
        "queries_per_s": round(len(times) / (time.perf_counter() - began), 2),
        "median_ms": round(statistics.median(times), 1),
        "p95_ms": round(float(np.percentile(times, 95)), 1),
    }


def hnsw(address: str, queries: Any) -> dict[str, Any] | str:
    """Approximate answers beside exact ones of the same server; a sentence if it does not have pgvector."""
    with psycopg.connect(address, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
            return "not measured: the server has no pgvector"
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute("SET search_path = vtsfind, public")
        head = replace(SIGNATURE, heads=(Head(HEAD, 256),))
        used = processor_seconds(connection)
        built = milliseconds(lambda: make_indexes(connection, head))
        used = processor_seconds(connection) - used
        size = connection.execute(f"SELECT pg_relation_size('contents_near_{HEAD}')").fetchone()
    assert size
    figures: dict[str, Any] = {
        "build_s": round(built / 1000, 1),
        "build_processor_s": round(used, 1),
        "index_mb": round(size[0] / 1e6),
    }
    with open_library(server_address(address)) as served:
        copies = near_some(served.planes(HEAD), len(queries))
        return figures | {
            "nearest of random codes": approximate(served, queries, NEAREST),
            f"nearest of random codes, {MAX_NEAREST} in view": approximate(served, queries, MAX_NEAREST),
            f"nearest of codes {COPY_BITS} bits from one": approximate(served, copies, NEAREST),
        }


def processor_seconds(connection: "psycopg.Connection[Any]") -> float:
    """Of all processes of the server, those that have ended included."""
    server = psutil.Process(connection.info.backend_pid).parent()
    assert server
    ended = server.cpu_times()
    running = [sum(each.cpu_times()[:2]) for each in server.children()]
    return float(ended.children_user + ended.children_system + sum(running))


def near_some(planes: Planes, count: int) -> Any:
    """Codes (count, 1, b) that are near some of the library."""
    rng = np.random.default_rng(2)
    rows = rng.choice(len(planes.rows), count, replace=False)
    flips = np.zeros((count, 256), np.uint8)
    for flip in flips:
        flip[rng.permutation(256)[:COPY_BITS]] = 1
    codes = np.ascontiguousarray(planes.words[:, rows].T).view(np.uint8)
    return (codes ^ np.packbits(flips, axis=1))[:, None]


def approximate(served: Library, queries: Any, in_view: int) -> dict[str, Any]:
    """Time and recall of approximate answers, each after the exact one."""
    exact_ms, near_ms, found, firsts = [], [], 0, 0
    for views in queries:
        exact: list[tuple[int, int]] = []
        near: list[tuple[int, int]] = []
        exact_ms.append(milliseconds(lambda v=views, e=exact: e.extend(answer(served, v))))  # type: ignore[misc]
        near_ms.append(milliseconds(lambda v=views, e=near: e.extend(answer(served, v, in_view))))  # type: ignore[misc]
        found += len({*exact} & {*near})
        firsts += exact[0] in near
    return {
        "exact_ms": round(statistics.median(exact_ms), 1),
        "ms": round(statistics.median(near_ms), 2),
        "times_faster": round(statistics.median(a / b for a, b in zip(exact_ms, near_ms, strict=True)), 1),
        f"recall_of_{NEAREST}": round(found / (NEAREST * len(queries)), 3),
        "recall_of_the_nearest": round(firsts / len(queries), 3),
    }


def loaded(photos: int, folder: Path, address: str) -> dict[str, Any]:
    """Fill both; gives times and sizes."""
    figures: dict[str, Any] = {}
    for name, place in (("embedded", folder), ("server", server_address(address))):
        with open_copy(place, SIGNATURE) as copy:
            figures[f"{name}_load_s"] = round(load(copy, photos), 1)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        workers = connection.execute("SHOW max_parallel_workers_per_gather").fetchone()
    assert size
    assert workers
    return figures | {
        "embedded_mb": round(sum(each.stat().st_size for each in folder.iterdir()) / 1e6),
        "server_mb": round(size[0] / 1e6),
        "parallel_workers": int(workers[0]),
    }


def compared(folder: Path, address: str, asked: Any) -> dict[str, Any]:
    """Ask both for the nearest, and the server for all codes."""
    with open_library(folder) as embedded, open_library(server_address(address)) as served:
        return {
            "all_codes_s": round(milliseconds(lambda: served.planes(HEAD)) / 1000, 2),
            "one_view": compare(embedded, served, asked[:, :1]),
            "five_views": compare(embedded, served, asked),
        }


def real(library: Path, address: str, queries: Any) -> dict[str, Any] | str:
    """Approximate answers by the codes of a library of photos."""
    copied = copy_library(library, server_address(address), Monitor())
    figures = hnsw(address, queries)
    return figures if isinstance(figures, str) else {"contents": copied.contents, **figures}


def parts(given: argparse.Namespace, folder: Path, address: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is measured, each with its name."""
    rng = np.random.default_rng(1)
    asked = rng.integers(0, 256, (given.queries, VIEWS, 32), dtype=np.uint8)
    if given.library:
        yield "hnsw", lambda: real(given.library, address, asked[:, :1])
        return
    yield "load", lambda: loaded(given.photos, folder, address)
    yield "nearest", lambda: compared(folder, address, asked)
    yield "at_once", lambda: at_once(address, np.repeat(asked[:, :1], 4, axis=0))
    yield "hnsw", lambda: hnsw(address, asked[:, :1])


def main() -> None:
    """Measure, print and, if asked to, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    kept = given.folder and given.folder.absolute()
    with (
        nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="vtsfind-bench-") as name,
        running_server(SETTINGS, kept and kept / "server") as server,
    ):
        folder = Path(name)
        done = folder / "figures.json"
        known: dict[str, Any] = json.loads(done.read_text()) if done.exists() else {}
        if "address" not in known:
            known = {"address": server.new_database()}
            done.write_text(json.dumps(known))
        began = time.monotonic()
        for part, work in parts(given, folder / "library", known["address"]):
            if part not in known:
                if time.monotonic() - began > given.seconds:
                    break
                known[part] = work()
                done.write_text(json.dumps(known))
        figures = {
            "photos": known["hnsw"]["contents"] if given.library else given.photos,
            "nearest": NEAREST,
            **known.get("load", {}),
            **known.get("nearest", {}),
        }
        figures |= {part: known[part] for part in ("hnsw", "at_once") if part in known}
        figures["server_version"] = str(server.execute("SHOW server_version")[0][0])
    print(json.dumps(figures, indent=1))
    if given.write:
        other = "_library" if given.library else f"_{given.photos}" if given.photos != PHOTOS else ""
        write_result(f"postgres{other}", figures)


if __name__ == "__main__":
    main()
