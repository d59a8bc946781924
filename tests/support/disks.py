"""Small file systems, and photos on them, for tests of faults."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def mount(disk: Path, size: str = "1m") -> None:
    """Mount a file system of its own; skips the test where that is not allowed."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")


def move_mount(disk: Path, target: Path) -> None:
    """Mount a file system elsewhere; skips the test where that is not allowed."""
    target.mkdir(exist_ok=True)
    command = ["mount", "--move", str(disk), str(target)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to move a mount")


def unmount(disk: Path) -> None:
    """Take a file system away."""
    subprocess.run(["umount", "-l", str(disk)], check=False, capture_output=True)


def fill(folder: Path) -> Path:
    """Leave no room on the file system of `folder`; gives the file that takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)) == 4096:
                pass
        except OSError:
            pass
    return filler


def copies(folder: Path, count: int = 3, content: bytes = b"same picture") -> list[Path]:
    """Files of the same content and times."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for path in paths:
        path.write_bytes(content)
        os.utime(path, ns=(5, 7))
    return paths
