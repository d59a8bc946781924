"""Extracting known files from an archive safely: nothing is executed or unpickled, and no path in it is used."""

import gzip
import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from vtsfind.base.errors import DownloadFailed
from vtsfind.base.progress import CancelToken
from vtsfind.learn.data.download import storage_errors
from vtsfind.store.atomic import atomic_replace

_CHUNK_BYTES = 1 << 20
_ARCHIVE_ERRORS = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


def unpack(archive: Path, wanted: Mapping[str, int], folder: Path, *, cancel: CancelToken) -> dict[str, str]:
    """Extract files from a tar archive, compressed or not, each completely or not at all.

    Only regular files of exactly the wanted names and sizes are extracted, and written under the last part of their names:
    the archive does not decide where a file goes.

    Parameters
    ----------
    archive
        The archive. Check its checksum before: tar has no checksums of the contents.
    wanted
        Name of each file within the archive to its size in bytes.
    folder
        The destination; created if necessary. Files of the same names are replaced.
    cancel
        Checked between pieces.

    Returns
    -------
    SHA-256, in hex, by wanted name.

    Raises
    ------
    DownloadFailed
        When the archive is damaged or lacks a wanted file.
    DiskFull
        When there is no space, or the folder cannot be written.
    Cancelled
        When it is cancelled.
    """
    sums: dict[str, str] = {}
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with tarfile.open(archive, "r|*") as tar:
                for member in tar:
                    cancel.check()
                    if member.isreg() and wanted.get(member.name) == member.size:
                        sums[member.name] = _extract_member(tar, member, folder, cancel)
                    if len(sums) == len(wanted):
                        break
        except _ARCHIVE_ERRORS as error:
            raise DownloadFailed(
                f"The archive {archive} is damaged: {error}.", "Remove it and run the command again."
            ) from error
    missing = sorted(set(wanted) - set(sums))
    if missing:
        raise DownloadFailed(
            f"The archive {archive} has no file {missing[0]} of {wanted[missing[0]]:,} bytes.",
            "Remove it and run the command again.",
        )
    return sums


def _extract_member(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, cancel: CancelToken) -> str:
    """Extract one regular file; returns its SHA-256 in hex."""
    source = tar.extractfile(member)
    assert source is not None
    checksum = hashlib.sha256()
    with atomic_replace(folder / member.name.rpartition("/")[2]) as temporary, temporary.open("wb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            cancel.check()
            checksum.update(chunk)
            file.write(chunk)
    return checksum.hexdigest()
