"""The pictures in memory and those that are wanted: widgets ask and never wait, workers make what was asked for last first."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from vtsfind.base.progress import Cancelled
from vtsfind.base.records import Failure
from vtsfind.engine.previews.decode import LARGE_SIDE_PX, SMALL_SIDE_PX, Preview, Previews
from vtsfind.graphics.renderer import PictureRenderer, RenderedPicture
from vtsfind.graphics.scaling import FULL_VIEW

_MAX_QUEUED = 48
_MAX_SMALL_CACHED = 240
_MAX_LARGE_CACHED = 6
_MAX_RENDERED_CACHED = 320
_MAX_WORKERS = 2

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """The values that were used last; of more than `capacity`, the one that was used longest ago goes."""

    def __init__(self, capacity: int, forget: Callable[[Value], None] | None = None) -> None:
        self._capacity = capacity
        self._forget = forget
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The value under a key, None if it is not there."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._capacity:
            self._evict(next(iter(self._values)))

    def discard(self, matches: Callable[[Key], bool]) -> None:
        """Let the values go whose keys are meant."""
        for key in [key for key in self._values if matches(key)]:
            self._evict(key)

    def _evict(self, key: Key) -> None:
        value = self._values.pop(key)
        if self._forget:
            self._forget(value)


PictureSlot = tuple[bytes, int, int]
"""A path, and the characters and lines within which its picture is drawn."""


class PictureCache:
    """Pictures of photos for widgets.

    Parameters
    ----------
    previews
        Where pictures come from.
    renderer
        How they are drawn.
    ready
        Called in a worker when the picture of a path can be had, or its failure.
    start
        Called when there is work: starts `work` in a worker thread.
    write
        Sends something to the terminal as it is; called in the thread of the widgets.
    """

    def __init__(
        self,
        previews: Previews,
        renderer: PictureRenderer,
        *,
        ready: Callable[[bytes], None],
        start: Callable[[], None],
        write: Callable[[str], None],
    ) -> None:
        self.renderer = renderer
        self._previews = previews
        self._ready = ready
        self._start = start
        self._write = write
        self._lock = threading.RLock()
        self._queue: OrderedDict[tuple[str, bytes, int, int], None] = OrderedDict()
        self._in_progress: set[tuple[str, bytes, int, int]] = set()
        self._active_workers = 0
        self._released: list[RenderedPicture] = []
        self._small_previews: LruCache[bytes, Preview | Failure] = LruCache(_MAX_SMALL_CACHED)
        self._large_previews: LruCache[bytes, Preview | Failure] = LruCache(_MAX_LARGE_CACHED)
        self._rendered_by_slot: LruCache[PictureSlot, RenderedPicture] = LruCache(
            _MAX_RENDERED_CACHED, self._released.append
        )
        self._sent: set[int] = set()

    # -- for widgets -----------------------------------------------------------------------------------------------

    def rendered(self, path: bytes, columns: int, rows: int) -> RenderedPicture | Failure | None:
        """A photo's picture for a place; None if it is not there yet: `ready` is called when it is."""
        with self._lock:
            cached = self._small_previews.get(path)
            if isinstance(cached, Failure):
                return cached
            rendered = self._rendered_by_slot.get((path, columns, rows))
            if rendered is None:
                self._enqueue("draw", path, columns, rows)
                return None
        self.send(rendered)
        return rendered

    def large_preview(self, path: bytes) -> Preview | Failure | None:
        """A photo's picture to look at closely; None if it is not there yet."""
        with self._lock:
            cached = self._large_previews.get(path)
            if cached is None:
                self._enqueue("large", path, 0, 0)
            return cached

    def send(self, rendered: RenderedPicture) -> None:
        """Make the terminal ready for a drawing."""
        with self._lock:
            released, self._released[:] = list(self._released), []
        for each in released:
            if each.after and id(each) in self._sent:
                self._write(each.after)
            self._sent.discard(id(each))
        if rendered.before and id(rendered) not in self._sent:
            self._sent.add(id(rendered))
            self._write(rendered.before)

    def release(self, rendered: RenderedPicture) -> None:
        """Have the terminal forget a drawing."""
        with self._lock:
            self._released.append(rendered)

    def check(self, paths: Iterable[bytes]) -> None:
        """Look whether files are still what was drawn of them; `ready` is called for those that are not."""
        with self._lock:
            for path in paths:
                if self._small_previews.get(path) is not None:
                    self._enqueue("check", path, 0, 0)

    # -- for workers -----------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Make what is wanted until nothing is."""
        try:
            while (job := self._next()) is not None:
                self._do(*job)
        except Cancelled:  # the program ends
            with self._lock:
                self._active_workers -= 1

    def _enqueue(self, what: str, path: bytes, columns: int, rows: int) -> None:
        job = (what, path, columns, rows)
        if job in self._in_progress:
            return
        self._queue[job] = None
        self._queue.move_to_end(job, last=what != "check")
        while len(self._queue) > _MAX_QUEUED:
            self._queue.popitem(last=False)
        if self._active_workers < _MAX_WORKERS:
            self._active_workers += 1
            self._start()

    def _next(self) -> tuple[str, bytes, int, int] | None:
        with self._lock:
            if not self._queue:
                self._active_workers -= 1
                return None
            job = self._queue.popitem(last=True)[0]
            self._in_progress.add(job)
            return job

    def _do(self, what: str, path: bytes, columns: int, rows: int) -> None:
        try:
            self._make(what, path, columns, rows)
        finally:
            with self._lock:
                self._in_progress.discard((what, path, columns, rows))

    def _make(self, what: str, path: bytes, columns: int, rows: int) -> None:
        if what == "check":
            if not self._has_changed(path):
                return
            self._forget(path)
        elif what == "large":
            large_preview = self._previews.preview(path, LARGE_SIDE_PX)
            with self._lock:
                self._large_previews.put(path, large_preview)
        else:
            self._draw(path, columns, rows)
        self._ready(path)

    def _draw(self, path: bytes, columns: int, rows: int) -> None:
        with self._lock:
            picture = self._small_previews.get(path)
        if picture is None:
            picture = self._previews.preview(path, SMALL_SIDE_PX)
            with self._lock:
                self._small_previews.put(path, picture)
        if isinstance(picture, Failure):
            return
        source_window, wide, high = self.renderer.window(FULL_VIEW, picture.pixels, columns, rows)
        rendered = self.renderer.draw(picture.pixels, wide, high, source_window)
        with self._lock:
            self._rendered_by_slot.put((path, columns, rows), rendered)

    def _has_changed(self, path: bytes) -> bool:
        with self._lock:
            cached = self._small_previews.get(path)
        try:
            status = os.stat(path)
        except OSError:
            return not isinstance(cached, Failure)
        if cached is None or isinstance(cached, Failure):
            return cached is not None
        stamp = cached.stamp
        return (status.st_size, status.st_mtime_ns) != (stamp.size, stamp.mtime_ns)

    def _forget(self, path: bytes) -> None:
        with self._lock:
            self._small_previews.discard(lambda key: key == path)
            self._large_previews.discard(lambda key: key == path)
            self._rendered_by_slot.discard(lambda key: key[0] == path)
