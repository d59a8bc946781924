"""Photos and copies of them for `vtsfind dupes`, as files, and how to read what it says of them."""

import os
import shutil
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from typer.testing import Result

from support.output import records
from support.textures import photograph


def save(path: Path, image: Image.Image, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **({"quality": 92} if path.suffix == ".jpg" else {}) | options)
    return path


def family(folder: Path, seed: int = 0) -> Image.Image:
    """A photo and one copy of it for each verdict; gives the photo."""
    image = photograph(seed)
    original = save(folder / "photo.jpg", image, quality=95)
    with Image.open(original) as opened:
        decoded = opened.convert("RGB")
    shutil.copyfile(original, folder / "bytes.jpg")
    save(folder / "pixels.png", decoded)
    save(folder / "resave.jpg", decoded, quality=60)
    save(folder / "turned.jpg", ImageOps.mirror(decoded))
    save(folder / "edit.jpg", decoded.crop((40, 30, 360, 270)))
    return image


def unrelated(folder: Path, *seeds: int) -> None:
    for seed in seeds:
        save(folder / f"unrelated-{seed}.jpg", photograph(seed))


def groups(result: Result) -> list[dict[str, Any]]:
    return records(result, "group")


def names(group: dict[str, Any]) -> set[str]:
    return {os.path.basename(member["path"]) for member in group["members"]}


def verdicts(group: dict[str, Any]) -> dict[str, str | None]:
    return {os.path.basename(member["path"]): member["verdict"] for member in group["members"]}
