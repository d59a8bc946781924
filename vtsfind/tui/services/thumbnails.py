"""The pictures in memory and those that are wanted: widgets ask and never wait, workers make what was asked for last first."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from vtsfind.base.progress import Cancelled
from vtsfind.base.records import Failure
from vtsfind.engine.previews.decode import LARGE, SMALL, Preview, Previews
from vtsfind.graphics.renderer import Artist, Drawing
from vtsfind.graphics.scaling import WHOLE

_WANTED_MOST = 48
_SMALL_KEPT = 240
_LARGE_KEPT = 6
_DRAWN_KEPT = 320
_WORKERS = 2

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The values that were used last; of more than `most`, the one that was used longest ago goes."""

    def __init__(self, most: int, forget: Callable[[Value], None] | None = None) -> None:
        self._most = most
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
        while len(self._values) > self._most:
            self._drop(next(iter(self._values)))

    def discard(self, wanted: Callable[[Key], bool]) -> None:
        """Let the values go whose keys are meant."""
        for key in [key for key in self._values if wanted(key)]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        value = self._values.pop(key)
        if self._forget:
            self._forget(value)


Place = tuple[bytes, int, int]
"""A path, and the characters and lines within which its picture is drawn."""


class Gallery:
    """Pictures of photos for widgets.

    Parameters
    ----------
    previews
        Where pictures come from.
    artist
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
        artist: Artist,
        *,
        ready: Callable[[bytes], None],
        start: Callable[[], None],
        write: Callable[[str], None],
    ) -> None:
        self.artist = artist
        self._previews = previews
        self._ready = ready
        self._start = start
        self._write = write
        self._lock = threading.RLock()
        self._wanted: OrderedDict[tuple[str, bytes, int, int], None] = OrderedDict()
        self._doing: set[tuple[str, bytes, int, int]] = set()
        self._working = 0
        self._gone: list[Drawing] = []
        self._pictures: Recent[bytes, Preview | Failure] = Recent(_SMALL_KEPT)
        self._large: Recent[bytes, Preview | Failure] = Recent(_LARGE_KEPT)
        self._drawn: Recent[Place, Drawing] = Recent(_DRAWN_KEPT, self._gone.append)
        self._sent: set[int] = set()

    # -- for widgets -----------------------------------------------------------------------------------------------

    def drawing(self, path: bytes, columns: int, rows: int) -> Drawing | Failure | None:
        """A photo's picture for a place; None if it is not there yet: `ready` is called when it is."""
        with self._lock:
            known = self._pictures.get(path)
            if isinstance(known, Failure):
                return known
            drawing = self._drawn.get((path, columns, rows))
            if drawing is None:
                self._want("draw", path, columns, rows)
                return None
        self.send(drawing)
        return drawing

    def large(self, path: bytes) -> Preview | Failure | None:
        """A photo's picture to look at closely; None if it is not there yet."""
        with self._lock:
            known = self._large.get(path)
            if known is None:
                self._want("large", path, 0, 0)
            return known

    def send(self, drawing: Drawing) -> None:
        """Make the terminal ready for a drawing."""
        with self._lock:
            gone, self._gone[:] = list(self._gone), []
        for each in gone:
            if each.after and id(each) in self._sent:
                self._write(each.after)
            self._sent.discard(id(each))
        if drawing.before and id(drawing) not in self._sent:
            self._sent.add(id(drawing))
            self._write(drawing.before)

    def release(self, drawing: Drawing) -> None:
        """Have the terminal forget a drawing."""
        with self._lock:
            self._gone.append(drawing)

    def check(self, paths: Iterable[bytes]) -> None:
        """Look whether files are still what was drawn of them; `ready` is called for those that are not."""
        with self._lock:
            for path in paths:
                if self._pictures.get(path) is not None:
                    self._want("check", path, 0, 0)

    # -- for workers -----------------------------------------------------------------------------------------------

    def work(self) -> None:
        """Make what is wanted until nothing is."""
        try:
            while (job := self._next()) is not None:
                self._do(*job)
        except Cancelled:  # the program ends
            with self._lock:
                self._working -= 1

    def _want(self, what: str, path: bytes, columns: int, rows: int) -> None:
        job = (what, path, columns, rows)
        if job in self._doing:
            return
        self._wanted[job] = None
        self._wanted.move_to_end(job, last=what != "check")
        while len(self._wanted) > _WANTED_MOST:
            self._wanted.popitem(last=False)
        if self._working < _WORKERS:
            self._working += 1
            self._start()

    def _next(self) -> tuple[str, bytes, int, int] | None:
        with self._lock:
            if not self._wanted:
                self._working -= 1
                return None
            job = self._wanted.popitem(last=True)[0]
            self._doing.add(job)
            return job

    def _do(self, what: str, path: bytes, columns: int, rows: int) -> None:
        try:
            self._make(what, path, columns, rows)
        finally:
            with self._lock:
                self._doing.discard((what, path, columns, rows))

    def _make(self, what: str, path: bytes, columns: int, rows: int) -> None:
        if what == "check":
            if not self._has_changed(path):
                return
            self._forget(path)
        elif what == "large":
            large = self._previews.preview(path, LARGE)
            with self._lock:
                self._large.put(path, large)
        else:
            self._draw(path, columns, rows)
        self._ready(path)

    def _draw(self, path: bytes, columns: int, rows: int) -> None:
        with self._lock:
            picture = self._pictures.get(path)
        if picture is None:
            picture = self._previews.preview(path, SMALL)
            with self._lock:
                self._pictures.put(path, picture)
        if isinstance(picture, Failure):
            return
        seen, wide, high = self.artist.window(WHOLE, picture.pixels, columns, rows)
        drawing = self.artist.draw(picture.pixels, wide, high, seen)
        with self._lock:
            self._drawn.put((path, columns, rows), drawing)

    def _has_changed(self, path: bytes) -> bool:
        with self._lock:
            known = self._pictures.get(path)
        try:
            status = os.stat(path)
        except OSError:
            return not isinstance(known, Failure)
        if known is None or isinstance(known, Failure):
            return known is not None
        stamp = known.stamp
        return (status.st_size, status.st_mtime_ns) != (stamp.size, stamp.mtime_ns)

    def _forget(self, path: bytes) -> None:
        with self._lock:
            self._pictures.discard(lambda key: key == path)
            self._large.discard(lambda key: key == path)
            self._drawn.discard(lambda key: key[0] == path)
