"""Pictures of photos for display, decoded in processes that may be killed; small ones are cached on disk."""

import hashlib
import os
import threading
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import VtsfindError
from vtsfind.base.progress import Cancelled, CancelToken
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure, Found, PictureInfo, Reason, Stamp
from vtsfind.base.settings import Settings, places
from vtsfind.media.scan import failure_of, stamp_of
from vtsfind.store.thumbnails import ThumbnailCache

Pixels = npt.NDArray[np.uint8]

SMALL_SIDE_PX = 320
"""The longer side of a thumbnail, in pixels; thumbnails are cached on disk."""
LARGE_SIDE_PX = 2048
"""The longer side of a picture to compare closely, in pixels."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A decoded picture of a photo."""

    pixels: Pixels
    """(h, w, 3), upright, sRGB."""
    stamp: Stamp
    """The stamp of the file it was decoded from."""
    info: PictureInfo | None = None
    """About the photo in full size; None if the picture came from the disk cache."""
    details: Details | None = None
    """Signs of the file's quality; only with a large picture."""
    jpeg: bytes = b""
    """The same picture encoded; only a small one."""


class Previews(AbstractContextManager["Previews"]):
    """Decodes photos. Thread-safe; a call returns when its picture is ready.

    Parameters
    ----------
    settings
        Limits of decoding.
    processes
        Number of decoding processes, at most.
    """

    def __init__(self, settings: Settings, processes: int = 2) -> None:
        self._settings = settings
        self._cache = ThumbnailCache(places().cache / "thumbnails")
        self._cancel = CancelToken()
        self._free_slots = threading.Semaphore(processes)
        self._idle: list[_DecodeProcess] = []
        self._processes: list[_DecodeProcess] = []
        self._lock = threading.Lock()

    def preview(self, path: bytes, longest: int = SMALL_SIDE_PX) -> Preview | Failure:
        """Decode a photo as it is on disk now.

        Parameters
        ----------
        path
            Path of the photo.
        longest
            The longer side of the picture in pixels, at most.

        Raises
        ------
        Cancelled
            If `close` was called meanwhile.
        """
        try:
            found = Found(path, stamp_of(os.stat(path)))
        except OSError as error:
            return failure_of(path, error)
        key = _key(found, longest) if longest <= SMALL_SIDE_PX else ""
        return (self._cached(found, key) if key else None) or self._decoded(found, longest, key)

    def close(self) -> None:
        """End the processes; waiting calls raise `Cancelled`. A second call does nothing."""
        self._cancel.cancel()
        with self._lock:
            processes, self._processes, self._idle = self._processes, [], []
        for process in processes:
            process.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cached(self, found: Found, key: str) -> Preview | None:
        from vtsfind.media.preview import decode_preview

        data = self._cache.get(key)
        if data is None:
            return None
        try:
            return Preview(decode_preview(data), found.stamp, jpeg=data)
        except ValueError:
            self._cache.discard(key)
            return None

    def _decoded(self, found: Found, longest: int, key: str) -> Preview | Failure:
        from vtsfind.media.preview import decode_preview, unpack_with_details

        process = self._acquire()
        try:
            result = process.decoded(found, longest, self._cancel)
        except Cancelled:
            raise
        except VtsfindError as error:  # no process could be started; shown in place of the picture
            return Failure(found.path, Reason.CRASHED, error.message)
        finally:
            self._release(process)
        if isinstance(result, Failure):
            return result
        data, info, stamp = result
        if longest > SMALL_SIDE_PX:
            pixels, details = unpack_with_details(data)
            return Preview(pixels, stamp, info, details)
        jpeg = bytes(data)
        self._cache.put(key, jpeg)
        return Preview(decode_preview(jpeg), stamp, info, jpeg=jpeg)

    def _acquire(self) -> "_DecodeProcess":
        self._cancel.check()
        self._free_slots.acquire()
        with self._lock:
            if self._idle:
                return self._idle.pop()
            process = _DecodeProcess(self._settings)
            self._processes.append(process)
            return process

    def _release(self, process: "_DecodeProcess") -> None:
        with self._lock:
            if process in self._processes:
                self._idle.append(process)
            else:  # closed meanwhile
                process.close()
        self._free_slots.release()


class _DecodeProcess:
    """One decoding process."""

    def __init__(self, settings: Settings) -> None:
        from vtsfind.media.pool import WorkPool

        self._pool = WorkPool(
            workers=1,
            timeout_s=settings.decode_timeout_s,
            memory_bytes=settings.decode_memory_mb << 20,
            pixel_limit=settings.pixel_limit,
            prefetch=1,
        )

    def decoded(
        self, found: Found, longest: int, cancel: CancelToken
    ) -> tuple[bytes | bytearray, PictureInfo, Stamp] | Failure:
        from vtsfind.media.pool import Job
        from vtsfind.media.preview import Shrink, ShrinkWithDetails

        job = Job(found, ShrinkWithDetails(longest) if longest > SMALL_SIDE_PX else Shrink(longest))
        with closing(self._pool.done([job], cancel)) as results:
            result = next(results)
        if isinstance(result, Failure):
            return result
        assert result.data is not None
        assert result.info
        return result.data, result.info, result.found.stamp

    def close(self) -> None:
        self._pool.close()


def _key(found: Found, longest: int) -> str:
    """The cache key of a thumbnail; another file at the path, or another state of it, has another key."""
    stamp = found.stamp
    text = f"{longest} {stamp.size} {stamp.mtime_ns} {stamp.inode} ".encode()
    return hashlib.blake2b(text + found.path, digest_size=16).hexdigest()
