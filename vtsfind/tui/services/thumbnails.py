"""The cache of pictures: widgets request a picture and never wait; workers make the latest request first."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, Literal, NamedTuple, TypeVar

from rich.color import ColorSystem
from textual.strip import Strip

from vtsfind.base.groups import Box
from vtsfind.base.progress import Cancelled
from vtsfind.base.records import Failure
from vtsfind.engine.previews.decode import LARGE_SIDE_PX, SMALL_SIDE_PX, Preview, Previews
from vtsfind.graphics.renderer import PictureRenderer, RenderedPicture
from vtsfind.graphics.scaling import FULL_BOX, FULL_VIEW, Pixels

_MAX_QUEUED = 48
"""Requests that wait; older ones are dropped: their widgets have scrolled on."""
_MAX_SMALL_CACHED = 240
_MAX_LARGE_CACHED = 6
_MAX_RENDERED_CACHED = 320
_MAX_WORKERS = 2

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """A cache of at most `capacity` values; the least recently used one is evicted, and given to `on_evict`."""

    def __init__(self, capacity: int, on_evict: Callable[[Value], None] | None = None) -> None:
        self._capacity = capacity
        self._on_evict = on_evict
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The value of a key, None if there is none."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Add or replace a value."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._capacity:
            self._evict(next(iter(self._values)))

    def discard(self, matches: Callable[[Key], bool]) -> None:
        """Remove the values of the keys for which `matches` is true."""
        for key in [key for key in self._values if matches(key)]:
            self._evict(key)

    def _evict(self, key: Key) -> None:
        value = self._values.pop(key)
        if self._on_evict:
            self._on_evict(value)


class PictureRequest(NamedTuple):
    """Something that a worker is to do for a photo."""

    task: Literal["draw", "large", "check"]
    """Draw it at a size; decode it large; check whether its file has changed."""
    path: bytes
    columns: int = 0
    rows: int = 0


class PictureCache:
    """The pictures of photos, decoded and drawn.

    Parameters
    ----------
    previews
        Decodes photos.
    renderer
        Draws pictures.
    ready
        Called in a worker when the picture of a path, or its failure, is in the cache.
    start
        Called when a worker is needed: it must run `work` in a thread.
    write
        Sends escape sequences to the terminal; called in the thread of the widgets.
    """

    def __init__(
        self,
        previews: Previews,
        renderer: PictureRenderer,
        *,
        ready: Callable[[bytes], object],
        start: Callable[[], object],
        write: Callable[[str], None],
    ) -> None:
        self.renderer = renderer
        self._previews = previews
        self._ready = ready
        self._start = start
        self._write = write
        self._lock = threading.RLock()
        self._queue: OrderedDict[PictureRequest, None] = OrderedDict()
        self._in_progress: set[PictureRequest] = set()
        self._active_workers = 0
        self._released: list[RenderedPicture] = []
        self._small_previews: LruCache[bytes, Preview | Failure] = LruCache(_MAX_SMALL_CACHED)
        self._large_previews: LruCache[bytes, Preview | Failure] = LruCache(_MAX_LARGE_CACHED)
        self._rendered: LruCache[tuple[bytes, int, int], RenderedPicture] = LruCache(
            _MAX_RENDERED_CACHED, self._released.append
        )
        self._sent: set[int] = set()

    # -- for widgets -----------------------------------------------------------------------------------------------

    def rendered(self, path: bytes, columns: int, rows: int) -> RenderedPicture | Failure | None:
        """A photo's picture within some characters and lines; None if it is not ready: `ready` is called when it is."""
        with self._lock:
            cached = self._small_previews.get(path)
            if isinstance(cached, Failure):
                return cached
            rendered = self._rendered.get((path, columns, rows))
            if rendered is None:
                self._enqueue(PictureRequest("draw", path, columns, rows))
                return None
        self.send(rendered)
        return rendered

    def large_preview(self, path: bytes) -> Preview | Failure | None:
        """A photo's large picture; None if it is not ready: `ready` is called when it is."""
        with self._lock:
            cached = self._large_previews.get(path)
            if cached is None:
                self._enqueue(PictureRequest("large", path))
            return cached

    def best_preview(self, path: bytes) -> Preview | Failure | None:
        """A photo's large picture, or the small one until `ready` is called for the large one; None if neither is ready."""
        large = self.large_preview(path)
        with self._lock:
            return large or self._small_previews.get(path)

    def draw(self, pixels: Pixels, columns: int, rows: int, source_window: Box = FULL_BOX) -> RenderedPicture:
        """Draw a part of a picture; for workers."""
        rendered = self.renderer.draw(pixels, columns, rows, source_window)
        for line in rendered.lines:
            for _, style, _ in line:
                if (
                    style
                ):  # Textual keeps the escape sequence in the style: drawing on the screen is faster then
                    Strip.render_ansi(style, ColorSystem.TRUECOLOR)
        return rendered

    def send(self, rendered: RenderedPicture) -> None:
        """Send the terminal what a picture needs before its lines are drawn."""
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
        """Let the terminal delete a picture."""
        with self._lock:
            self._released.append(rendered)

    def check(self, paths: Iterable[bytes]) -> None:
        """Check whether files have changed since they were drawn; `ready` is called for those that have."""
        with self._lock:
            for path in paths:
                if self._small_previews.get(path) is not None:
                    self._enqueue(PictureRequest("check", path))

    # -- for workers -----------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Handle requests until none waits."""
        try:
            while (request := self._next()) is not None:
                self._handle(request)
        except Cancelled:  # the program ends
            with self._lock:
                self._active_workers -= 1

    def _enqueue(self, request: PictureRequest) -> None:
        if request in self._in_progress:
            return
        self._queue[request] = None
        self._queue.move_to_end(request, last=request.task != "check")
        while len(self._queue) > _MAX_QUEUED:
            self._queue.popitem(last=False)
        if self._active_workers < _MAX_WORKERS:
            self._active_workers += 1
            self._start()

    def _next(self) -> PictureRequest | None:
        with self._lock:
            if not self._queue:
                self._active_workers -= 1
                return None
            request = self._queue.popitem(last=True)[0]
            self._in_progress.add(request)
            return request

    def _handle(self, request: PictureRequest) -> None:
        try:
            self._make(request)
        finally:
            with self._lock:
                self._in_progress.discard(request)

    def _make(self, request: PictureRequest) -> None:
        path = request.path
        if request.task == "check":
            if not self._has_changed(path):
                return
            self._forget(path)
        elif request.task == "large":
            preview = self._previews.preview(path, LARGE_SIDE_PX)
            with self._lock:
                self._large_previews.put(path, preview)
        else:
            self._make_drawing(path, request.columns, request.rows)
        self._ready(path)

    def _make_drawing(self, path: bytes, columns: int, rows: int) -> None:
        with self._lock:
            preview = self._small_previews.get(path)
        if preview is None:
            preview = self._previews.preview(path, SMALL_SIDE_PX)
            with self._lock:
                self._small_previews.put(path, preview)
        if isinstance(preview, Failure):
            return
        source_window, wide, high = self.renderer.window(FULL_VIEW, preview.pixels, columns, rows)
        rendered = self.draw(preview.pixels, wide, high, source_window)
        with self._lock:
            self._rendered.put((path, columns, rows), rendered)

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
            self._rendered.discard(lambda key: key[0] == path)
