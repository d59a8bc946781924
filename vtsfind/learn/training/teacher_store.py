"""What a teacher sees in pictures, kept in a file beside the teacher, by content: no picture is shown to it twice.

The file lies beside the teacher's own and is called ``FILE.SIZE.features.npz``. It holds ``teacher`` (the SHA-256 of the teacher's
file), ``pictures`` ((n, 16) uint8, BLAKE2b of the pixels and their shape) and ``features`` ((n, d) float16). Where all
pictures are in it, the teacher itself need not be there: so a machine to train on needs the pictures and this file alone.
"""

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import StorageError
from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.learn.data.formats import Pictures
from vtsfind.learn.recipes import Teacher
from vtsfind.store.atomic import replace_file
from vtsfind.store.errors import system_error

Pixels = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float32]
ExtractFeatures = Callable[[Sequence[Pixels]], Features]
"""From pictures of any size to features, (b, d)."""

_DIGEST_BYTES = 16
_BATCH = 32
_SAVE_EVERY = 1024
"""Pictures: what a stopped run shows to the teacher again at most."""


class TeacherStore:
    """The features of one teacher; what its file holds is read at once.

    Parameters
    ----------
    teacher
        Which.
    starts
        The folder of the teachers' files.

    Raises
    ------
    StorageError
        When the file is damaged.
    """

    def __init__(self, teacher: Teacher, starts: Path) -> None:
        network = starts / teacher.start
        self.path = network.with_name(f"{network.name}.{teacher.size}.features.npz")
        self._known: dict[bytes, npt.NDArray[np.float16]] = {}
        self._teacher = _sha256(network) if network.is_file() else b""
        if self.path.is_file():
            self._read()

    def _read(self) -> None:
        try:
            with self.path.open("rb") as file, np.load(file) as content:
                teacher, digests = bytes(content["teacher"]), content["pictures"]
                features: npt.NDArray[np.float16] = content["features"]
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise StorageError(
                f"The teacher's features {self.path} cannot be read ({type(error).__name__}).",
                "Remove the file to make them again.",
            ) from error
        if self._teacher in {b"", teacher}:
            self._teacher = teacher
            self._known = {bytes(digest): own for digest, own in zip(digests, features, strict=True)}

    def features(
        self,
        pictures: Pictures,
        open_teacher: Callable[[], ExtractFeatures],
        progress: Progress,
        cancel: CancelToken,
    ) -> Features:
        """The features of pictures; those of new ones are made and kept.

        Parameters
        ----------
        pictures
            The pictures.
        open_teacher
            Opens the teacher; called only if there are new pictures.
        progress, cancel
            Updated and checked for every few pictures.

        Returns
        -------
        (n, d) float32.

        Raises
        ------
        StorageError
            When the file cannot be written.
        """
        progress.start(Phase.TRAIN, len(pictures))
        digests: list[bytes] = []
        extract: ExtractFeatures | None = None
        unsaved = 0
        for first in range(0, len(pictures), _BATCH):
            cancel.check()
            shown = [pictures.picture(row) for row in range(first, min(first + _BATCH, len(pictures)))]
            own = [_digest(pixels) for pixels in shown]
            new = [place for place, digest in enumerate(own) if digest not in self._known]
            if new:
                extract = extract or open_teacher()
                seen = extract([shown[place] for place in new]).astype(np.float16)
                self._known |= {own[place]: row for place, row in zip(new, seen, strict=True)}
            digests += own
            unsaved += len(new)
            if unsaved >= _SAVE_EVERY:
                self._save()
                unsaved = 0
            progress.advance(len(shown), "teacher")
        if unsaved:
            self._save()
        return np.stack([self._known[digest] for digest in digests]).astype(np.float32)

    def _save(self) -> None:
        buffer = io.BytesIO()
        np.savez(
            buffer,
            teacher=np.frombuffer(self._teacher, np.uint8),
            pictures=np.frombuffer(b"".join(self._known), np.uint8).reshape(-1, _DIGEST_BYTES),
            features=np.stack(list(self._known.values())),
        )
        try:
            replace_file(self.path, buffer.getvalue())
        except OSError as error:
            raise system_error(error, self.path, verb="written", option="--starts") from error


def _digest(pixels: Pixels) -> bytes:
    """A digest of a picture's shape and pixels."""
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=_DIGEST_BYTES)
    digest.update(pixels.tobytes())
    return digest.digest()


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
