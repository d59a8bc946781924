"""The protocols by which hashing is measured: which pictures are learned from, asked with, and searched through.

`PROTOCOLS` is the table, which stands in `vtsfind.learn.data.protocol_table`; `open_protocol` opens one. `docs/protocols.md` says
the same for readers.
"""

from dataclasses import replace
from pathlib import Path

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Progress
from vtsfind.learn.data.formats import cifar10
from vtsfind.learn.data.formats.pictures import Pictures
from vtsfind.learn.data.layouts import (
    Opened,
    missing_folders,
    missing_lists,
    open_cifar10,
    open_folders,
    open_lists,
)
from vtsfind.learn.data.protocol_table import MIDDLE, PROTOCOLS, WHOLE, Look, Protocol
from vtsfind.learn.data.split_checks import Expected, audited, refuse
from vtsfind.learn.data.splits import Rows, Split, split_digest

__all__ = ["MIDDLE", "PROTOCOLS", "WHOLE", "Look", "Protocol", "find_protocol", "open_protocol"]


def find_protocol(name: str) -> Protocol:
    """A protocol by its name or another name that published code or tables have for it, in small or capital letters.

    Raises
    ------
    UsageError
        When there is none of that name; lists those there are.

    Examples
    --------
    >>> find_protocol("nuswide_21").name
    'nuswide-21@5000'
    """
    wanted = name.lower().replace("_", "-")
    for protocol in PROTOCOLS.values():
        if wanted == protocol.name or wanted in protocol.aliases:
            return protocol
    raise UsageError(f"There is no data set '{name}'.", f"Known: {', '.join(PROTOCOLS)}.")


def open_protocol(
    name: str,
    data_root: Path,
    *,
    seed: int,
    shortest: int = 256,
    splits: Path | None = None,
    download: bool = True,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Pictures, Split]:
    """Open a data set by its protocol, and look it through.

    Parameters
    ----------
    name
        See `find_protocol`.
    data_root
        The folder of all data, or of this data set alone.
    seed
        Of what is drawn, which is only the parts of CIFAR-10.
    shortest
        Pixels wanted on the short side of photos.
    splits
        Where drawn splits are kept; beside the data if None.
    download
        Whether data that are published freely are downloaded when they are not there.
    progress, cancel
        Of a download.

    Returns
    -------
    The pictures, and the split of their rows, with all that was found.

    Raises
    ------
    UsageError
        When the data are not there (says what to get and where to put it), or cannot be used.
    StorageError
        When a download or the writing of the split fails.
    Cancelled
        When asked to stop during a download.
    """
    protocol = find_protocol(name)
    if seed < 0:
        raise UsageError(f"The seed is {seed}, and should not be negative.")
    if protocol.drawing is None:
        opened = _opened(protocol, data_root, shortest)
    else:
        folder = cifar10.find(data_root)
        if folder is None and not download:
            raise _absent(protocol, data_root, [cifar10.FOLDER])
        folder = folder or cifar10.obtain(data_root, progress=progress, cancel=cancel)
        opened = open_cifar10(folder, protocol.drawing, protocol=protocol.name, seed=seed, splits=splits)
    parts, findings = audited(
        opened.pictures.labels, opened.parts, Expected(protocol.sizes, protocol.train_in_database)
    )
    findings = (*opened.findings, *findings)
    refuse(findings, f"The data set '{protocol.name}' in {data_root}")
    rows = Rows(**parts)
    split = Split(
        protocol=protocol.name,
        seed=seed if protocol.drawing else None,
        train=rows.train,
        query=rows.query,
        database=rows.database,
        digest=split_digest(opened.labels, rows),
        learned=split_digest(opened.labels, replace(rows, database=rows.database[:0])),
        findings=findings,
        origin=opened.origin,
        file=opened.file,
    )
    return opened.pictures, split


def _opened(protocol: Protocol, root: Path, shortest: int) -> Opened:
    """Open data that lie where the user put them: in the data set's folder below `root`, or in `root`."""
    lacking = missing_lists if protocol.layout == "lists" else missing_folders
    homes = [root / protocol.folder, root]
    home = next((folder for folder in homes if not lacking(folder)), None)
    if home is None:
        raise _absent(protocol, root, lacking(homes[0]))
    if missing_lists(home):
        return open_folders(home, shortest)
    return open_lists(home, protocol.classes, shortest)


def _absent(protocol: Protocol, root: Path, lacking: list[str]) -> UsageError:
    folder = root / protocol.folder
    return UsageError(
        f"The data set '{protocol.name}' is not there: {folder} has no {', '.join(lacking)}.",
        protocol.put.format(folder=folder),
    )
