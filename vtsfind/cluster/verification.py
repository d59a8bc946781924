"""Comparing pairs of photos on a cluster: their features travel with the pairs, since only this machine has the cache."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from vtsfind.base.groups import FullFrameVerdict, PairVerdict
from vtsfind.base.progress import CancelToken
from vtsfind.cluster.machines import in_order
from vtsfind.engine.work.verification_pool import photo_features
from vtsfind.engine.work.workplace import PhotoRef, PhotoRefPair
from vtsfind.find.features.features import Features
from vtsfind.find.threads import SINGLE_THREADED_BLAS
from vtsfind.find.verification.verify import PhotoFeatures, match_full_frame, match_local_features
from vtsfind.store.evidence import EvidenceStore

_PAIRS_PER_TASK = 16
"""Pairs that a processor takes at once: about half a second, and a few megabytes of features."""
_PHOTOS_PER_TASK = 8
"""The same of photos whose local features are extracted."""

T = TypeVar("T")
Stored = dict[bytes, bytes]
"""The features of some photos as they are cached, by digest."""


class RayVerification(AbstractContextManager["RayVerification"]):
    """See `vtsfind.engine.work.workplace.Verification`.

    Parameters
    ----------
    ray
        The module, connected.
    folder
        The library's.
    features_version
        Of the cached features.

    Every method raises `vtsfind.store.evidence_file.CacheDamaged` when a photo is not cached any more, and
    `vtsfind.base.errors.ClusterLost`.
    """

    is_running = True

    def __init__(self, ray: Any, folder: Path, features_version: str) -> None:
        self._ray = ray
        self._folder = folder
        self._features_version = features_version

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "_store" in self.__dict__:
            self._store.close()

    @cached_property
    def _store(self) -> EvidenceStore:
        return EvidenceStore(self._folder, self._features_version, write=False)

    def full_frame_verdicts(
        self, pairs: Sequence[PhotoRefPair], cancel: CancelToken
    ) -> Iterator[FullFrameVerdict]:
        """See `Verification`."""
        return self._results(_match_full_frames, pairs, _photos_of, _PAIRS_PER_TASK, cancel)

    def local_feature_verdicts(
        self, pairs: Sequence[PhotoRefPair], cancel: CancelToken
    ) -> Iterator[PairVerdict]:
        """See `Verification`."""
        return self._results(_match_local_features, pairs, _photos_of, _PAIRS_PER_TASK, cancel)

    def features(self, photos: Sequence[PhotoRef], cancel: CancelToken) -> Iterator[Features]:
        """See `Verification`."""
        return self._results(_extract_local_features, photos, list, _PHOTOS_PER_TASK, cancel)

    def _results(
        self,
        work: Callable[[Sequence[Any], Stored], list[T]],
        items: Sequence[Any],
        photos_of: Callable[[Sequence[Any]], Iterable[PhotoRef]],
        size: int,
        cancel: CancelToken,
    ) -> Iterator[T]:
        task = self._ray.remote(work)

        def submit(some: Sequence[Any]) -> Any:
            return task.remote(some, {digest: self._stored(digest) for digest, _ in photos_of(some)})

        parts = [items[start : start + size] for start in range(0, len(items), size)]
        for results in in_order(self._ray, submit, parts, cancel):
            yield from results

    def _stored(self, digest: bytes) -> bytes:
        stored = self._store.features(digest)
        if stored is None:
            raise self._store.damaged()
        return stored


def _photos_of(pairs: Sequence[PhotoRefPair]) -> list[PhotoRef]:
    return [photo for pair in pairs for photo in pair]


def _seen(stored: Stored, photo: PhotoRef) -> PhotoFeatures:
    digest, info = photo
    return photo_features(stored[digest], digest, info)


def _match_full_frames(pairs: Sequence[PhotoRefPair], stored: Stored) -> list[FullFrameVerdict]:
    with SINGLE_THREADED_BLAS:
        return [match_full_frame(_seen(stored, first), _seen(stored, second)) for first, second in pairs]


def _match_local_features(pairs: Sequence[PhotoRefPair], stored: Stored) -> list[PairVerdict]:
    with SINGLE_THREADED_BLAS:
        return [match_local_features(_seen(stored, first), _seen(stored, second)) for first, second in pairs]


def _extract_local_features(photos: Sequence[PhotoRef], stored: Stored) -> list[Features]:
    return [_seen(stored, photo).features.with_local() for photo in photos]
