"""The workplace that is always there: this machine, by processes that read photos and compare them, and a model in this one."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vtsfind.base.machine import processors
from vtsfind.base.paths import show_path
from vtsfind.base.progress import CancelToken, Monitor
from vtsfind.base.records import Entry, Failure, Preprocessing, Signature
from vtsfind.base.settings import Settings
from vtsfind.engine.library.access import EncoderLike, ModelLike

if TYPE_CHECKING:
    from concurrent.futures import Future

    from vtsfind.engine.work.verification_pool import VerificationPool
    from vtsfind.find.hamming.all_pairs import FindPairs
    from vtsfind.media.pool import DecodePool, DecodeTask, Job, JobResult, PreparedPhoto

_LOOK_AHEAD_BATCHES = 4
"""Batches of photos that are decoded while the model loads or is busy."""
_PAIRS_PER_BATCH = 512


class ThisMachine:
    """See `vtsfind.engine.work.workplace.Workplace`."""

    pairs_per_batch = _PAIRS_PER_BATCH

    def require_folders(self, folders: Iterable[bytes]) -> None:
        """They were found by this very machine."""

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
        """Decode in processes, and load the model as soon as a content must be new, while the first photos are decoded."""
        batch: list[PreparedPhoto] = []
        with (
            closing(_LoadingModel(model, count, accept)) as loading,
            decode_pool(model.preprocessing, settings) as pool,
            closing(pool.prepared(loading.before_new_contents(tasks), monitor.cancel)) as items,
        ):
            for item in items:
                monitor.cancel.check()
                if isinstance(item, Failure):
                    yield item
                elif item.pixels is None:
                    yield Entry(item.found.path, item.found.stamp, item.digest)
                else:
                    batch.append(item)
                    if len(batch) >= settings.batch:
                        yield from encoded_entries(batch, loading.encoder())
                        batch.clear()
                path = item.path if isinstance(item, Failure) else item.found.path
                monitor.progress.advance(1, show_path(os.path.basename(path)))
            if batch:
                yield from encoded_entries(batch, loading.encoder())

    def read(
        self, jobs: "Iterable[Job]", count: int, settings: Settings, cancel: CancelToken
    ) -> "Generator[JobResult | Failure]":
        """Read in processes."""
        from vtsfind.engine.decoding import work_pool

        with work_pool(settings, max_workers=max(count, 1)) as pool:
            yield from pool.done(jobs, cancel)

    @property
    def find_pairs(self) -> "FindPairs":
        """Find them in threads."""
        from vtsfind.find.hamming.chunk_pairs import find_pairs

        return find_pairs

    def verification(self, folder: Path, features_version: str, settings: Settings) -> "VerificationPool":
        """Compare in processes."""
        from vtsfind.engine.work.verification_pool import VerificationPool

        return VerificationPool(folder, features_version, settings.workers or processors())


class _LoadingModel:
    """A model that loads in a thread once it is certain that it is needed."""

    def __init__(self, model: ModelLike, pictures: int, accept: Callable[[Signature], None]) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._model = model
        self._pictures = pictures
        self._accept = accept
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="vtsfind-model")
        self._loading: Future[EncoderLike] | None = None

    def close(self) -> None:
        """Wait for the thread."""
        self._executor.shutdown()

    def before_new_contents(self, tasks: "Iterable[DecodeTask]") -> "Iterator[DecodeTask]":
        """Begin to load before the first task whose content cannot be known."""
        for task in tasks:
            if not task.known:
                self._start()
            yield task

    def encoder(self) -> EncoderLike:
        """The encoder, once it is there and accepted."""
        encoder = self._start().result()
        self._accept(encoder.signature)
        return encoder

    def _start(self) -> "Future[EncoderLike]":
        if self._loading is None:
            self._loading = self._executor.submit(self._model.encoder, self._pictures)
        return self._loading


def decode_pool(preprocessing: Preprocessing, settings: Settings) -> "DecodePool":
    """Processes that prepare photos for a model, some batches ahead of it."""
    from vtsfind.engine.decoding import decode_limits
    from vtsfind.media.pool import DecodePool

    return DecodePool(
        preprocessing,
        workers=settings.workers or processors(),
        prefetch=_LOOK_AHEAD_BATCHES * settings.batch,
        **decode_limits(settings),
    )


def encoded_entries(photos: "Sequence[PreparedPhoto]", encoder: EncoderLike) -> list[Entry]:
    """Encode one batch of prepared photos."""
    codes = encoder.encode(np.stack([photo.pixels for photo in photos if photo.pixels is not None]))
    return [
        Entry(
            photo.found.path,
            photo.found.stamp,
            photo.digest,
            photo.info,
            {head: values[row] for head, values in codes.items()},
        )
        for row, photo in enumerate(photos)
    ]
