"""Whatever is named as a photo, a plan or a setting: it is read to a limit, and never waited for."""

import io
import os
import stat
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="needs a system with pipes that have names")

from PIL import Image
from support.disks import mount, unmount
from support.fault_matrix import fault
from support.output import Vtsfind
from support.real_photos import FILES

from vtsfind.base import files
from vtsfind.media.decode import DecodeError, decode


@pytest.fixture
def library(run: Vtsfind, photos: Path) -> Path:
    """A library of drawn photos, whose folder is given."""
    assert run("index", photos).exit_code == 0
    return photos


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A pipe that nothing writes to."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


class Endless(io.RawIOBase):
    """Zeros without an end, up to more than may be read at once."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        self.given += len(buffer)
        assert self.given <= files.MAX_PHOTO_BYTES + 2
        return len(buffer)


@pytest.mark.usefixtures("library")
@fault("A photo, a plan and a list of files of 1 MB more than is allowed, from a pipe", "It is refused.", 3)
def test_what_has_no_end_is_read_to_a_limit(run: Vtsfind, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_PHOTO_BYTES", "MAX_LINES_BYTES"):
        for module in ("engine.search.query_image", "cli.apply", "media.scan", "base.files"):
            monkeypatch.setattr(f"vtsfind.{module}.{name}", 1 << 20, raising=False)
    with pytest.raises(OSError, match="larger than 1 MB"):
        files.read_stream(Endless(), files.MAX_PHOTO_BYTES)  # type: ignore[arg-type]
    endless = bytes((1 << 20) + 1)
    for arguments in (("query", "-"), ("apply", "-", "-y"), ("index", "--files0-from", "-")):
        result = run(*arguments, standard_input=endless)
        assert result.exit_code in {2, 3, 4}, arguments
        assert "larger than 1 MB" in result.stderr, result.stderr


@fault("A device or a pipe without a writer as a photo, a plan, a decision", "It is refused at once.", 8)
@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("command", ["query", "apply", "index --files0-from", "decisions forget"])
def test_devices_and_pipes_are_not_waited_for(run: Vtsfind, pipe: Path, command: str) -> None:
    for source in (pipe, Path("/dev/zero")):
        result = run(*command.split(), source)
        assert result.exit_code in ({0, 2} if command.startswith("index") else {2, 3}), result.stderr
        assert result.stderr
        assert "Traceback" not in result.stderr


@fault("A pipe as settings, a registry of models, a thumbnail", "It is not waited for.", 2)
def test_settings_and_registries_are_files(run: Vtsfind, own_places: Path) -> None:
    for path in (own_places / "config" / "config.toml", own_places / "data" / "models" / "registry.toml"):
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        result = run("models", "list")
        assert result.exit_code == 2
        assert "it is not a file" in result.stderr
        path.unlink()
        if before is not None:
            path.write_bytes(before)


SETTINGS = [
    "workers = -3",
    "decode_timeout_s = nan",
    "decode_timeout_s = inf",
    "decode_timeout_s = 0",
    "pixel_limit = 0",
    "decode_memory_mb = 1",
    "batch = 0",
    "device = 'gpu'",
    "batch = 10000000000",
    "workers = 99999999999999999999",
    "x = " + "[" * 5000,
]


@fault("Settings that no photo can be read with, or nested 5,000 deep", "They are refused.", len(SETTINGS))
@pytest.mark.parametrize("line", SETTINGS)
def test_settings_out_of_range_are_refused(run: Vtsfind, photos: Path, own_places: Path, line: str) -> None:
    (own_places / "config").mkdir()
    (own_places / "config" / "config.toml").write_text(line)
    result = run("index", photos)
    assert (result.exit_code, "config.toml" in result.stderr) == (2, True), result.stderr


ENTRIES = {
    "depth = 1000000000": "depth",
    "depth = -1": "depth",
    "groups = 0": "groups",
    "size = -32": "size",
    'file = "../x"': "file",
    'file = "x\\u0000y"': "file",
}


@fault("A registry of models with impossible numbers and names", "It is refused.", len(ENTRIES))
@pytest.mark.parametrize("line", ENTRIES)
def test_impossible_models_are_refused(run: Vtsfind, own_places: Path, line: str) -> None:
    registry = own_places / "data" / "models" / "registry.toml"
    text = registry.read_text()
    name = line.split(" ", maxsplit=1)[0]
    kept = [each for each in text.splitlines() if not each.startswith(f"{name} =")]
    section = "network]" if name in {"depth", "groups", "size"} else 'models."'
    at = next(number for number, each in enumerate(kept) if section in each)
    registry.write_text("\n".join([*kept[: at + 1], line, *kept[at + 1 :]]))
    result = run("models", "list")
    assert result.exit_code == 2, result.stdout
    assert "registry.toml" in result.stderr


@pytest.mark.usefixtures("library")
@fault("A plan nested 100,000 deep; a radius of 20 digits; an empty name of a folder", "A sentence.", 3)
def test_absurd_arguments_are_answered_by_a_sentence(run: Vtsfind, tmp_path: Path) -> None:
    (tmp_path / "plan").write_text('{"type":' + "[" * 100_000)
    for arguments in (
        ("apply", tmp_path / "plan", "-y"),
        ("dupes", "--radius", "9" * 20),
        ("index", ""),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, (arguments, result.stdout, result.stderr)
        assert result.stderr


@fault(
    "A folder below a library's root whose drive is not there, and `--forget-missing`",
    "Nothing is forgotten.",
)
def test_photos_of_an_unmounted_drive_below_a_folder_are_not_forgotten(run: Vtsfind, photos: Path) -> None:
    (photos / "drive").mkdir()
    mount(photos / "drive")
    (photos / "drive" / "a.jpg").write_bytes(FILES[0].read_bytes())
    assert run("index", photos).exit_code == 0
    unmount(photos / "drive")
    assert "1 photo" in run("index", "--forget-missing").stderr
    mount(photos / "drive")
    (photos / "drive" / "a.jpg").write_bytes(FILES[0].read_bytes())
    answer = run("query", photos / "drive" / "a.jpg")
    unmount(photos / "drive")
    assert answer.exit_code == 0
    assert "drive/a.jpg" in answer.stdout


@fault("A process whose mask lets everybody write", "The library and the journal are the user's alone.")
def test_nobody_else_writes_into_what_vtsfind_keeps(
    run: Vtsfind, photos: Path, own_places: Path, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        (tmp_path / "copy.jpg").write_bytes(next(photos.glob("*.jpg")).read_bytes())
        assert run("index", photos, tmp_path / "copy.jpg").exit_code == 0
        assert run("plan", "-o", tmp_path / "plan").exit_code == 0
        assert run("apply", "-y", tmp_path / "plan").exit_code == 0
    finally:
        os.umask(before)
    kept = [own_places / "state" / "journal", own_places / "data" / "libraries" / "default"]
    for folder in kept:
        assert folder.is_dir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@fault("A JPEG without its end marker, whole or cut", "The whole one is read, the cut one is not.", 2)
def test_a_jpeg_that_lacks_only_its_end_is_read() -> None:
    data = FILES[0].read_bytes()
    assert data.endswith(b"\xff\xd9")
    with Image.open(io.BytesIO(data)) as image:
        height = image.height
    whole, _ = decode(data, shortest=height)
    ended, _ = decode(data[:-2], shortest=height)
    assert (whole == ended).all()
    for share in (0.5, 0.9, 0.99):
        with pytest.raises(DecodeError):
            decode(data[: int(len(data) * share)], shortest=height)
