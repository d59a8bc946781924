"""Check what the built packages contain: the wheel what a user needs, the source distribution what the tests need as well."""

import sys
import tarfile
import zipfile
from pathlib import Path

checkout = Path(__file__).parents[1]
USER_FILES = {
    *(path.relative_to(checkout).as_posix() for path in (checkout / "vtsfind").rglob("*.py")),
    "vtsfind/py.typed",
    "vtsfind/tui/app.tcss",
}
WEIGHTS = {
    path.relative_to(checkout).as_posix() for path in (checkout / "weights").rglob("*") if path.is_file()
}
PHOTOS = {path.relative_to(checkout).as_posix() for path in (checkout / "tests/data/photos").iterdir()}
DEVELOPER_FILES = {
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "Makefile",
    "pyproject.toml",
}


def names_in(package: Path) -> set[str]:
    """The files of a package, without the folder in front that a source distribution has."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            return set(archive.namelist())
    with tarfile.open(package) as archive:
        return {member.name.partition("/")[2] for member in archive if member.isfile()}


for package in map(Path, sys.argv[1:]):
    names = names_in(package)
    if package.suffix == ".whl":
        wanted = USER_FILES | {f"vtsfind/{name}" for name in WEIGHTS}
        foreign = {name for name in names if not name.startswith("vtsfind")}
    else:
        wanted = USER_FILES | WEIGHTS | PHOTOS | DEVELOPER_FILES
        foreign = {name for name in names if "__pycache__" in name or name.startswith(("shared/", "runs/"))}
    if missing := sorted(wanted - names):
        sys.exit(f"{package.name} lacks {', '.join(missing[:5])} ({len(missing)} in all)")
    if foreign:
        sys.exit(
            f"{package.name} should not contain {', '.join(sorted(foreign)[:5])} ({len(foreign)} in all)"
        )
    print(f"{package.name}: {len(names)} files, nothing missing")
