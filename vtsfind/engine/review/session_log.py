"""The steps of a review on disk: stored at once, and replayed by the next session."""

import hashlib
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from vtsfind.base.errors import LibraryLocked
from vtsfind.base.settings import places
from vtsfind.engine.review.state import EncodedDecision, Marks, ReviewStatus, ReviewStep
from vtsfind.store.atomic import make_private_folder
from vtsfind.store.checksummed_log import LineFile, read_lines
from vtsfind.store.lock import WriterLock

KIND = "vtsfind review"
VERSION = 1


def session_folder(library: Path) -> Path:
    """The folder of a library's review, in the user's state folder: the library's name and a hash of its path."""
    digest = hashlib.blake2b(os.fsencode(library.absolute()), digest_size=6).hexdigest()
    return places().state / "reviews" / f"{library.name}-{digest}"


class SavedSteps(AbstractContextManager["SavedSteps"]):
    """The steps of a library's review, in a file of checksummed lines (`vtsfind.store.checksummed_log`).

    A record is `{"label", "groups": {key: null | [status, keeper, kept, not duplicates]}}`, or `{"label", "undo": true}`;
    see `vtsfind.engine.review.state.ReviewStep`. A damaged line loses its step only.

    Parameters
    ----------
    library
        The library's folder.

    Raises
    ------
    LibraryLocked
        If the library is being reviewed by another process.
    StorageError
        If the file cannot be read or written.
    """

    def __init__(self, library: Path) -> None:
        folder = session_folder(library)
        make_private_folder(folder)
        self._path = folder / "steps"
        try:
            self._lock = WriterLock(folder)
        except LibraryLocked as error:
            raise LibraryLocked(
                f"The library {library} is being reviewed by {error.owner}.",
                "Leave that session first.",
                owner=error.owner,
            ) from error
        try:
            self._file = LineFile(self._path, KIND, VERSION)
        except BaseException:
            self._lock.release()
            raise

    def steps(self) -> Iterable[ReviewStep]:
        """All stored steps, oldest first."""
        return _read_steps(self._path)

    def append(self, step: ReviewStep) -> None:
        """Store one more step; it survives the end of this process."""
        record: dict[str, Any] = {"label": step.label}
        if step.undoes:
            record["undo"] = True
        else:
            record["groups"] = dict(step.after)
        # Waiting for the disk at each key would be felt; a power cut loses the decisions of the last seconds.
        self._file.append(record, durable=False)

    def news(self) -> Marks:
        """None: one process reviews at a time."""
        return {}

    def has_news(self) -> bool:
        """Never."""
        return False

    def look(self, key: str) -> tuple[str, ...]:
        """Nobody else looks at a group."""
        del key
        return ()

    def close(self) -> None:
        """Close the file and release the lock; a second call does nothing."""
        self._file.close()
        self._lock.release()

    def __exit__(self, *_: object) -> None:
        self.close()


def stored_steps(library: Path) -> Iterable[ReviewStep]:
    """The steps of a library's review, oldest first, whoever is reviewing it; none if there was no review.

    Raises
    ------
    StorageError
        If the file cannot be read.
    """
    path = session_folder(library) / "steps"
    return _read_steps(path) if path.exists() else ()


def _read_steps(path: Path) -> Iterable[ReviewStep]:
    for record in read_lines(path, KIND, VERSION).records:
        if record.get("undo"):
            yield ReviewStep(str(record["label"]), {}, undoes=True)
        else:
            decisions = {key: parse_decision(stored) for key, stored in record["groups"].items()}
            yield ReviewStep(str(record["label"]), decisions)


def parse_decision(stored: Any) -> EncodedDecision | None:
    """A decision from JSON."""
    if stored is None:
        return None
    status, keeper, kept, non_duplicates = stored
    return ReviewStatus(status).value, int(keeper), tuple(map(int, kept)), tuple(map(int, non_duplicates))
