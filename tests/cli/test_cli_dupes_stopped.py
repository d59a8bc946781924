"""`vtsfind dupes` stopped in the middle: what was seen until then is not looked at or compared again."""

import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from support import block_encoder
from support.copies import groups, save
from support.output import Vtsfind, records
from support.textures import photograph

from vtsfind.base.progress import Cancelled, CancelToken, Phase, SilentProgress
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates import feature_cache as looking
from vtsfind.engine.duplicates import verification as engine
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.duplicates.pipeline import duplicates
from vtsfind.engine.duplicates.results import DedupStats
from vtsfind.store.evidence_file import NAME

PAIRS = 6


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a few photos and a copy of each."""
    for seed in range(PAIRS):
        image = photograph(seed, 192, 144)
        save(tmp_path / "photos" / f"{seed}.jpg", image)
        save(tmp_path / "photos" / f"{seed}-copy.jpg", image, quality=60)
    return tmp_path / "photos"


@pytest.fixture
def plain(photos: Path, tmp_path: Path, run: Vtsfind) -> DedupStats:
    """What a search that nobody stops does, in a library `whole`; makes the library `library` to be stopped in."""
    for name in ("whole", "library"):
        assert run("index", photos, "--library", tmp_path / name).exit_code == 0
    stats = duplicates(Context(Settings(library=str(tmp_path / "whole"), workers=1)), DedupOptions()).stats
    assert stats.extracted == 2 * PAIRS
    assert stats.compared >= PAIRS
    return stats


class Stop(SilentProgress):
    """Asks to stop after so many steps of a phase."""

    def __init__(self, phase: Phase, steps: int, cancel: CancelToken) -> None:
        self._phase, self._left, self._cancel = phase, steps, cancel
        self._now: Phase | None = None

    def start(self, phase: Phase, total: int | None) -> None:
        """Remember the phase."""
        del total
        self._now = phase

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count down."""
        del note
        if self._now is self._phase:
            self._left -= steps
            if self._left <= 0:
                self._cancel.cancel()


@pytest.mark.parametrize("phase", [Phase.EXTRACT_FEATURES, Phase.VERIFY])
def test_a_search_that_was_cancelled_goes_on_from_what_was_seen(
    plain: DedupStats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: Phase
) -> None:
    monkeypatch.setattr(engine, "_PAIRS_PER_BATCH", 1)
    settings = Settings(library=str(tmp_path / "library"), workers=1)
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        duplicates(Context(settings, progress=Stop(phase, 3, cancel), cancel=cancel), DedupOptions())
    seen, known = kept(tmp_path / "library")
    assert (seen, known > 0) == ((2 * PAIRS, True) if phase is Phase.VERIFY else (seen, False))
    assert seen >= 3
    rest = duplicates(Context(settings), DedupOptions())
    assert rest.stats.extracted == plain.extracted - seen
    assert rest.stats.compared == plain.compared - known
    whole = duplicates(Context(Settings(library=str(tmp_path / "whole"), workers=1)), DedupOptions())
    assert rest.groups == whole.groups
    assert len(rest.groups) == PAIRS


def kept(library: Path) -> tuple[int, int]:
    """How many photos were looked at, and how many pairs compared, as the file says."""
    connection = sqlite3.connect(library / NAME)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return tuple(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("features", "pairs")
        )
    finally:
        connection.close()


STOPPED = """
import os, signal
from vtsfind.engine.duplicates import feature_cache, verification
from vtsfind.engine.duplicates.feature_cache import FeatureCache
verification._PAIRS_PER_BATCH = 1
feature_cache.COMMIT_EVERY_S = -1.0
storing_verdicts = FeatureCache._storing_verdicts
def stopped(self, *given):
    for verdict in storing_verdicts(self, *given):
        yield verdict
        if self.compared == 3: os.kill(os.getpid(), signal.{signal})
FeatureCache._storing_verdicts = stopped
from vtsfind.cli"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_a_search_whose_process_was_stopped_goes_on_from_what_was_seen(
    plain: DedupStats, tmp_path: Path, run: Vtsfind, name: str
) -> None:
    code = block_encoder.PROGRAM.replace("from vtsfind.cli", STOPPED.format(signal=name))
    done = subprocess.run(
        block_encoder.command("dupes", "--library", str(tmp_path / "library"), code=code),
        capture_output=True,
        check=False,
        env={**os.environ, "VTSFIND_WORKERS": "1"},
    )
    assert done.stdout == b""
    assert done.returncode == (130 if name == "SIGINT" else -signal.SIGKILL), done.stderr
    assert b"Traceback" not in done.stderr
    seen, known = kept(tmp_path / "library")
    assert (seen, known >= 3) == (2 * PAIRS, True)
    rest = run("dupes", "--library", tmp_path / "library", "--json")
    footer = records(rest)[-1]
    assert (footer["looked"], footer["compared"]) == (0, plain.compared - known)
    assert groups(rest) == groups(run("dupes", "--library", tmp_path / "whole", "--json"))


class Watcher(SilentProgress):
    """Counts the steps of each phase."""

    def __init__(self) -> None:
        self.phases: list[tuple[Phase, int | None]] = []
        self.done: list[int] = []

    def start(self, phase: Phase, total: int | None) -> None:
        """Begin to count."""
        self.phases.append((phase, total))
        self.done.append(0)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count."""
        del note
        self.done[-1] += steps


def test_the_phases_are_told_with_as_many_steps_as_they_have(plain: DedupStats, tmp_path: Path) -> None:
    watcher = Watcher()
    settings = Settings(library=str(tmp_path / "library"), workers=1)
    duplicates(Context(settings, progress=watcher), DedupOptions())
    told = dict(zip(watcher.phases, watcher.done, strict=True))
    assert [phase for phase, _ in watcher.phases][:4] == [
        Phase.CHECK,
        Phase.COMPARE,
        Phase.EXTRACT_FEATURES,
        Phase.VERIFY,
    ]
    assert told[Phase.CHECK, plain.photos] == plain.photos
    assert told[Phase.EXTRACT_FEATURES, plain.extracted] == plain.extracted
    assert all(done == total for (phase, total), done in told.items() if phase is Phase.VERIFY)


def test_looks_are_committed_every_few_seconds() -> None:
    assert 0 < looking.COMMIT_EVERY_S <= 5
