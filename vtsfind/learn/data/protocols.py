"""Evaluation protocols for hashing: which pictures are the training set, the queries and the database.

`PROTOCOLS` is the table, from `vtsfind.learn.data.protocol_table`; `open_protocol` opens one. `docs/protocols.md` describes
them for readers.
"""

from dataclasses import replace
from pathlib import Path

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Progress
from vtsfind.learn.data.formats import cifar10
from vtsfind.learn.data.formats.pictures import Pictures
from vtsfind.learn.data.layouts import (
    OpenedDataset,
    missing_folders,
    missing_lists,
    open_cifar10,
    open_folders,
    open_lists,
)
from vtsfind.learn.data.protocol_table import CENTRE_CROP, PROTOCOLS, SQUASH, InputTransform, Protocol
from vtsfind.learn.data.split_checks import ExpectedSplit, check_split, raise_if_fatal
from vtsfind.learn.data.splits import Split, SplitRows, split_digest

__all__ = [
    "CENTRE_CROP",
    "PROTOCOLS",
    "SQUASH",
    "InputTransform",
    "Protocol",
    "find_protocol",
    "open_protocol",
]


def find_protocol(name: str) -> Protocol:
    """A protocol by its name or by an alias from published code or tables; case does not matter.

    Raises
    ------
    UsageError
        When there is none of this name; the message lists all names.

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
    keep_queries: bool = False,
    splits: Path | None = None,
    download: bool = True,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Pictures, Split]:
    """Open a data set by its protocol, and check it.

    Parameters
    ----------
    name
        See `find_protocol`.
    data_root
        The folder of all data, or of this data set alone.
    seed
        Of the random split; only CIFAR-10 has one.
    shortest
        Minimum length of the shorter side of photos, in pixels.
    keep_queries
        Whether queries stay in the database if published lists have them there.
    splits
        The folder for split files; None for the data folder.
    download
        Whether to download missing data that are freely available.
    progress, cancel
        Of a download.

    Returns
    -------
    The pictures, and the split of their rows with all findings.

    Raises
    ------
    UsageError
        When the data are missing (the message says what to get and where to put it), or cannot be used.
    StorageError
        When a download or the writing of the split fails.
    Cancelled
        When a download is cancelled.
    """
    protocol = find_protocol(name)
    if seed < 0:
        raise UsageError(f"The seed is {seed}, and should not be negative.")
    if protocol.sampling is None:
        opened = _open_layout(protocol, data_root, shortest)
    else:
        folder = cifar10.find(data_root)
        if folder is None and not download:
            raise _missing_data_error(protocol, data_root, [cifar10.FOLDER])
        folder = folder or cifar10.find_or_download(data_root, progress=progress, cancel=cancel)
        opened = open_cifar10(folder, protocol.sampling, protocol=protocol.name, seed=seed, splits=splits)
    parts, findings = check_split(
        opened.pictures.labels,
        opened.parts,
        ExpectedSplit(protocol.sizes, protocol.train_in_database, keep_queries),
    )
    findings = (*opened.findings, *findings)
    raise_if_fatal(findings, f"The data set '{protocol.name}' in {data_root}")
    rows = SplitRows(**parts)
    split = Split(
        protocol=protocol.name,
        seed=seed if protocol.sampling else None,
        train=rows.train,
        query=rows.query,
        database=rows.database,
        digest=split_digest(opened.labels, rows),
        training_digest=split_digest(opened.labels, replace(rows, database=rows.database[:0])),
        findings=findings,
        origin=opened.origin,
        file=opened.file,
    )
    return opened.pictures, split


def _open_layout(protocol: Protocol, root: Path, shortest: int) -> OpenedDataset:
    """Open data in the data set's folder below `root`, or in `root` itself."""
    missing = missing_lists if protocol.layout == "lists" else missing_folders
    homes = [root / protocol.folder, root]
    home = next((folder for folder in homes if not missing(folder)), None)
    if home is None:
        raise _missing_data_error(protocol, root, missing(homes[0]))
    if missing_lists(home):
        return open_folders(home, shortest)
    return open_lists(home, protocol.classes, shortest)


def _missing_data_error(protocol: Protocol, root: Path, missing: list[str]) -> UsageError:
    folder = root / protocol.folder
    return UsageError(
        f"The data set '{protocol.name}' is not there: {folder} has no {', '.join(missing)}.",
        protocol.how_to_get.format(folder=folder),
    )
