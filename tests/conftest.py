"""What every test gets: folders of its own, no network, fixed seeds; and photos for those who ask."""

import os
import random
import socket
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from support.drawn_photos import album
from support.output import Vtsfind

hypothesis.settings.register_profile("vtsfind", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("vtsfind")


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep vtsfind away from the user's folders and settings; gives the folder that holds the test's own ones."""
    home = tmp_path_factory.mktemp("home")
    for variable in [name for name in os.environ if name.startswith("VTSFIND_")]:
        monkeypatch.delenv(variable)
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"VTSFIND_{name}_DIR", str(home / name.lower()))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "share"))  # the trash is in it
    return home


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            raise AssertionError(f"A test wants the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    random.seed(0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Vtsfind:
    """Run vtsfind here, with an encoder of blocks as the model of new libraries."""
    from support import block_encoder
    from typer.testing import CliRunner, Result

    from vtsfind.cli.app import make_app

    block_encoder.register()
    block_encoder.install(monkeypatch.setattr)
    monkeypatch.setenv("VTSFIND_MODEL", block_encoder.NAME)
    monkeypatch.setenv("VTSFIND_WORKERS", "1")

    def run(*arguments: object, standard_input: bytes | None = None) -> Result:
        return CliRunner().invoke(
            make_app(), [str(each) for each in arguments], input=standard_input, prog_name="vtsfind"
        )

    return run


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of twelve drawn photos, see `support.drawn_photos.album`."""
    return album(tmp_path / "photos")
