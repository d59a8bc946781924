"""What tests of faults get: a drive of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.disks import mount, unmount


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount(disk)
    yield disk
    unmount(disk)
