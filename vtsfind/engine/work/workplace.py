"""Where work runs: the interface behind which the processes of this machine and a cluster do the same work.

The engine decides what is to be done and keeps the results; a workplace does what is heavy and independent, photo by photo or
pair by pair, and gives the same answers wherever that is.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vtsfind.base.groups import FullFrameVerdict, PairVerdict
from vtsfind.base.progress import CancelToken, Monitor
from vtsfind.base.records import Entry, Failure, PictureInfo, Signature
from vtsfind.base.settings import Settings
from vtsfind.engine.library.access import ModelLike

if TYPE_CHECKING:
    from vtsfind.find.features.features import Features
    from vtsfind.find.hamming.all_pairs import FindPairs
    from vtsfind.media.pool import DecodeTask, Job, JobResult

PhotoRef = tuple[bytes, PictureInfo]
"""SHA-256 of a content whose features are cached, and what is known of it besides."""
PhotoRefPair = tuple[PhotoRef, PhotoRef]


class Verification(AbstractContextManager["Verification"], Protocol):
    """Compares photos whose features the cache of one library has, committed.

    Each method gives as many results as can be had this way, in order: fewer than were asked for, or none, where there is
    nothing to do it with. The caller does the rest itself. Each raises `Cancelled` when `cancel` says so.
    """

    @property
    def is_running(self) -> bool:
        """Whether what does the work is there already."""

    def full_frame_verdicts(
        self, pairs: Sequence[PhotoRefPair], cancel: CancelToken
    ) -> Iterator[FullFrameVerdict]:
        """Match pairs by their full frames, see `vtsfind.find.verification.verify.match_full_frame`."""

    def local_feature_verdicts(
        self, pairs: Sequence[PhotoRefPair], cancel: CancelToken
    ) -> Iterator[PairVerdict]:
        """Match pairs by local features, see `vtsfind.find.verification.verify.match_local_features`."""

    def features(self, photos: Sequence[PhotoRef], cancel: CancelToken) -> "Iterator[Features]":
        """Extract the local features of photos; gives all features of each."""


class Workplace(Protocol):
    """Where photos are read, encoded and compared."""

    @property
    def pairs_per_batch(self) -> int:
        """Pairs that are best matched by their full frames before the undecided ones are matched by local features."""

    def require_folders(self, folders: Iterable[bytes]) -> None:
        """Make sure that what reads the photos sees these folders.

        Raises
        ------
        UsageError
            If it does not.
        """

    def encoded(
        self,
        tasks: "Iterable[DecodeTask]",
        count: int,
        model: ModelLike,
        accept: Callable[[Signature], None],
        *,
        settings: Settings,
        monitor: Monitor,
    ) -> Generator[Entry | Failure]:
        """Read, decode and encode photos.

        Parameters
        ----------
        tasks
            The files, taken as they can be worked on.
        count
            How many there are, about.
        model
            The model; its encoder is asked for only if a content is new.
        accept
            Is told which model encodes, before the first result; what it raises ends the work.
        settings
            The limits of decoding, the batch, and the device.
        monitor
            Its progress counts photos.

        Yields
        ------
        One result for each task, in the order of the tasks, but that those without new codes may come earlier.

        Raises
        ------
        Cancelled
            When the monitor says so.
        StorageError
            If the model does not load.
        """

    def read(
        self, jobs: "Iterable[Job]", count: int, settings: Settings, cancel: CancelToken
    ) -> "Generator[JobResult | Failure]":
        """Process `count` files or fewer, see `vtsfind.media.pool.WorkPool.done`."""

    @property
    def find_pairs(self) -> "FindPairs":
        """What finds the close pairs of codes."""

    def verification(self, folder: Path, features_version: str, settings: Settings) -> Verification:
        """What compares the photos of the library in `folder`, whose cached features have this version."""
