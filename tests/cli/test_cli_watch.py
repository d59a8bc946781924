"""`vtsfind index --watch`: a library follows its folders until the user stops it."""

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest
from support.output import Vtsfind

from vtsfind.engine.indexing import watch
from vtsfind.store.index import Index


def test_a_watched_library_follows_new_and_removed_photos_until_ctrl_c(
    photos: Path, tmp_path: Path, run: Vtsfind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_QUIET_MS", 50)
    library, first, watching, never = (
        tmp_path / "library",
        min(photos.iterdir()),
        threading.Event(),
        threading.Event(),
    )
    monkeypatch.setattr(os, "nice", lambda _: watching.set())  # also spares the other tests of this process

    def paths() -> set[str]:
        with Index.open(library) as index:
            return {os.path.basename(os.fsdecode(path)) for path in index.stamps()}

    def person() -> None:
        """Adds copies until one is in the library, for the watch may not have begun; removes a photo; presses Ctrl-C."""
        try:
            watching.wait(60)
            for number in range(600):
                if any(name.startswith("added") for name in paths()):
                    break
                shutil.copy(first, photos / f"added-{number}.jpg")
                never.wait(0.1)
            first.unlink()
            for _ in range(600):
                if first.name not in paths():
                    break
                never.wait(0.1)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=person)
    thread.start()
    result = run("index", photos, "--library", library, "--watch")
    thread.join()
    assert result.exit_code == 0, result.stderr
    assert f"Watching {photos}" in result.stderr
    assert any(name.startswith("added") for name in paths())
    assert first.name not in paths()


def test_a_watch_has_an_end_in_sight_only_where_a_person_reads(photos: Path, run: Vtsfind) -> None:
    for option in ("--json", "--dry-run"):
        assert run("index", photos, "--watch", option).exit_code == 2
