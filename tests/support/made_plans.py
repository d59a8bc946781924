"""Groups and plans for tests, drawn by hypothesis or made of files that are there."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import strategies as st

from vtsfind.act.make_plan import PlanOrigin
from vtsfind.act.plan import Plan, PlannedFile, PlannedGroup, Sidecar
from vtsfind.base.groups import Evidence, Group, Member, Photo, Verdict
from vtsfind.base.operations import Action
from vtsfind.base.records import PictureInfo, Stamp

ORIGIN = PlanOrigin("2026-05-04T10:00:00+02:00", "vtsfind plan", "0.1.0", b"/library")


def origin_with(library: Path, root: Path) -> PlanOrigin:
    """The origin of plans of a library that has one folder and no photos, which is made."""
    from support.entries import SIGNATURE
    from vtsfind.store.index import Index

    with Index.create(library, SIGNATURE) as index:
        index.add_roots([os.fsencode(root)])
        index.commit()
    return replace(ORIGIN, library=os.fsencode(library))


def digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def photo(path: Path, sidecars: Sequence[Path] = ()) -> Photo:
    """A file that is there, as a photo."""
    stat = path.stat()
    return Photo(
        os.fsencode(path),
        Stamp(stat.st_size, stat.st_mtime_ns, stat.st_ino),
        digest(path),
        PictureInfo(64, 48),
        tuple(map(os.fsencode, sidecars)),
    )


def group(number: int, *photos: Photo, verdicts: Sequence[Verdict] = ()) -> Group:
    """A group of photos, the keeper first; copies byte for byte unless said otherwise."""
    kinds = [None, *(verdicts or [Verdict.BYTES] * (len(photos) - 1))]
    return Group(
        number,
        tuple(
            Member(
                one,
                kind,
                Evidence(),
                "kept: shortest path" if kind is None else f"a copy: {kind}",
                stay_reason=None,
            )
            for one, kind in zip(photos, kinds, strict=True)
        ),
    )


def settle(gone: Photo, _keeper: Photo | None) -> tuple[Sidecar, ...]:
    """All sidecars go with their photo."""
    contents = {path: Path(os.fsdecode(path)).read_bytes() for path in gone.sidecars}
    return tuple(Sidecar(path, len(each), hashlib.sha256(each).digest()) for path, each in contents.items())


PATHS = (
    st.binary(min_size=1, max_size=12).map(lambda raw: raw.replace(b"\0", b"0").replace(b"/", b"_"))
    | st.text(min_size=1, max_size=8).map(lambda text: text.replace("\0", "0").replace("/", "_").encode())
    | st.sampled_from([b'"', b"a #b", b" a", b"a  b", b"\\", b"\n", b"group 1", b"# x", b"\\x41", b"a\r"])
).filter(lambda name: name not in {b".", b".."})


@st.composite
def plans(draw: st.DrawFn, *, actions: Sequence[Action] = tuple(Action)) -> Plan:
    """Sound plans of odd names."""
    names = iter(draw(st.lists(PATHS, min_size=12, max_size=24, unique=True)))
    digests = [bytes([i]) * 32 for i in range(3)]

    def sidecars() -> tuple[Sidecar, ...]:
        count = draw(st.integers(0, 1))
        target = draw(st.sampled_from([None, b"/k/ moved \xff"]))
        return tuple(
            Sidecar(b"/c/" + next(names), draw(st.integers(0, 9)), digests[2], target) for _ in range(count)
        )

    def file(verdict: Verdict | None, action: Action | None) -> PlannedFile:
        content = digests[0] if verdict in {None, Verdict.BYTES} else digests[1]
        reason = draw(st.sampled_from(["", "a # b", "4032x3024 is more", 'with "quotes"']))
        return PlannedFile(
            b"/p/" + next(names), draw(st.integers(0, 10**12)), content, verdict, action, reason, sidecars()
        )

    def files() -> tuple[PlannedFile, ...]:
        others = [
            file(
                verdict,
                draw(
                    st.sampled_from([None, *(a for a in actions if verdict is Verdict.BYTES or not a.links)])
                ),
            )
            for verdict in draw(st.lists(st.sampled_from(list(Verdict)), max_size=2))
        ]
        return (file(None, Action.KEEP), *others)

    groups = tuple(
        PlannedGroup(number, files(), draw(st.booleans())) for number in range(1, draw(st.integers(0, 2)) + 1)
    )
    target = draw(st.sampled_from([b"/to/a b", b"/to/\xff"]))
    return Plan(
        groups,
        ORIGIN.made,
        draw(st.sampled_from(["vtsfind plan", "vtsfind plan --to 'x  y'"])),
        "0.1.0",
        b"/lib",
        target,
    )
