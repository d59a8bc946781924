"""The real program in a real terminal (tmux): start, page through groups, accept, quit, resume."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import block_encoder
from support.drawn_photos import write
from support.textures import photograph
from support.tmux import Terminal

from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.update import update

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of six scenes, each with a smaller copy."""
    block_encoder.register()
    block_encoder.install(monkeypatch.setattr)
    for seed in range(6):
        whole = photograph(seed, 480, 360)
        write(tmp_path / "photos" / f"scene-{seed}.jpg", whole)
        write(tmp_path / "photos" / f"scene-{seed}-small.jpg", whole.resize((240, 180)), quality=70)
    update(
        Context(Settings(library=str(tmp_path / "library"), workers=1)),
        [str(tmp_path / "photos")],
        model=block_encoder.NAME,
    )
    return tmp_path / "library"


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    started: list[Terminal] = []
    yield started
    for terminal in started:
        terminal.close()


def test_a_review_in_a_real_terminal_goes_on_after_quitting(
    library: Path, tmp_path: Path, terminals: list[Terminal]
) -> None:
    command = [sys.executable, "-m", "vtsfind", "browse", "--library", str(library)]
    first = Terminal(tmp_path / "first", command)
    terminals.append(first)
    first.until("6 groups of copies")
    first.until("KEEPER")
    first.press("Down")
    first.press("Down")
    first.press("a")
    first.until("6 groups of copies, 1 decided")
    first.press("a")
    first.until("6 groups of copies, 2 decided")
    first.press("q")
    assert first.until_ended() == 0

    second = Terminal(tmp_path / "second", command)
    terminals.append(second)
    second.until("6 groups of copies, 2 decided")
    second.until("\u2713")
    second.press("u")
    second.until("6 groups of copies, 1 decided")
    second.press("C-c")
    assert second.until_ended() == 0
    assert len(list((tmp_path / "photos").iterdir())) == 12


def test_the_first_launch_of_the_plain_command_leads_to_the_first_groups(
    tmp_path: Path, terminals: list[Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    whole = photograph(0, 480, 360)
    write(tmp_path / "Pictures" / "scene.jpg", whole)
    write(tmp_path / "Pictures" / "scene-small.jpg", whole.resize((240, 180)), quality=70)
    terminal = Terminal(tmp_path / "socket", [sys.executable, "-m", "vtsfind"])
    terminals.append(terminal)
    terminal.until("[x] ")
    terminal.until("2 photos")
    terminal.press("Enter")
    terminal.until("1 group of copies")
    terminal.until("KEEPER")
    terminal.press("q")
    assert terminal.until_ended() == 0


def test_a_library_that_is_not_there_opens_at_home_if_there_are_others(
    library: Path, tmp_path: Path, terminals: list[Terminal]
) -> None:
    from vtsfind.base.settings import places

    places().libraries.mkdir(parents=True)
    library.rename(places().libraries / "others")
    terminal = Terminal(
        tmp_path / "socket",
        [sys.executable, "-m", "vtsfind", "browse", "--library", str(tmp_path / "nothing")],
    )
    terminals.append(terminal)
    terminal.until("not indexed yet")
    terminal.press("q")
    assert terminal.until_ended() == 0


def test_the_colours_of_the_settings_are_used_and_unknown_ones_are_refused(
    library: Path, tmp_path: Path, terminals: list[Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "vtsfind", "browse", "--library", str(library)]
    monkeypatch.setenv("VTSFIND_THEME", "textual-light")
    terminal = Terminal(tmp_path / "light", command)
    terminals.append(terminal)
    terminal.until("Groups")
    terminal.rest()
    grounds = Counter(re.findall(r"48;2;(\d+);(\d+);(\d+)m", terminal.coloured))
    (commonest, _), *_ = grounds.most_common(1)
    assert min(map(int, commonest)) > 200
    monkeypatch.setenv("VTSFIND_THEME", "pale")
    terminal = Terminal(tmp_path / "pale", command)
    terminals.append(terminal)
    terminal.until("There is no theme 'pale'.")
    assert terminal.until_ended() == 2


def test_browsing_loads_no_torch(library: Path) -> None:
    probe = f"""
import asyncio, sys
from vtsfind.base.settings import Settings
from vtsfind.engine.review.session import BrowseSession
from vtsfind.tui.app import BrowseApp
async def main():
    with BrowseSession(Settings(library={str(library)!r})) as browsing:
        async with BrowseApp(browsing).run_test() as pilot:
            await pilot.app.workers.wait_for_complete()
            await pilot.press("a", "s")
            await pilot.app.workers.wait_for_complete()
asyncio.run(main())
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True, text=True)
    assert {"torch", "timm", "torchvision"}.isdisjoint(done.stdout.split())


def test_without_a_terminal_browse_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vtsfind", "browse"],
        capture_output=True,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
