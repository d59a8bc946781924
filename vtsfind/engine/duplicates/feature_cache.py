"""Looking at photos and comparing them, never twice: what is found out is kept beside the library, by content."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from vtsfind.base.groups import UNDECIDED, Glanced, Seen
from vtsfind.base.machine import processors
from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure, Found, Reason, show_path
from vtsfind.base.settings import Settings
from vtsfind.engine.duplicates.verification_pool import AtHand, Comparing, KnownPair
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.candidates.local_features import Sightings
from vtsfind.find.threads import ONE_FOR_PRODUCTS
from vtsfind.find.verification.extract import Look, details_of, look_version, pack, verdict_version
from vtsfind.find.verification.features import Features
from vtsfind.find.verification.verify import Looked, closer, glance
from vtsfind.media.pool import Job, WorkPool
from vtsfind.store.evidence import KEY_BYTES, EvidenceStore

COMMIT_EVERY_S = 2.0
"""Seconds of work that a killed run may lose."""
MANY = 128
"""Pairs from which on processes are worth their start, which takes as long as about 30 pairs each."""
MANY_PHOTOS = 64
"""Photos whose local features are looked for, from which on they are."""
_FEW_PHOTOS = 4
"""The same once the processes are there."""
_TOGETHER = 512
"""Pairs that are glanced at before those that are undecided are compared more closely."""
_AT_HAND = 768
"""Photos whose features are held in memory; each takes up to a megabyte."""

ContentPair = tuple[Content, Content]
T = TypeVar("T", Seen, Glanced)


class Looking(AbstractContextManager["Looking"]):
    """Eyes on the photos of one library.

    Parameters
    ----------
    folder
        The library's, where what is found out is kept.
    settings
        The limits of decoding.
    progress, cancel
        The watcher, and whether to stop.
    """

    def __init__(self, folder: Path, settings: Settings, progress: Progress, cancel: CancelToken) -> None:
        self.failures: list[Failure] = []
        """Photos that could not be looked at."""
        self.looked = 0
        """Photos that were read in this run."""
        self.compared = 0
        """Pairs that were compared in this run."""
        self._store = EvidenceStore(folder, look_version(), verdict_version())
        self._settings = settings
        self._progress = progress
        self._cancel = cancel
        self._committed = time.monotonic()
        self._known = self._store.looked()
        self._at_hand = AtHand(self._store, _AT_HAND)
        self._comparing = Comparing(folder, look_version(), settings.workers or processors())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.commit()
        self._comparing.__exit__(kind, error, trace)
        if kind is None:
            self._store.trim()
        self._store.close()

    @property
    def unkept(self) -> str:
        """Why what was found out will not be known the next time; empty if it will."""
        return self._store.problem

    def look(self, contents: Sequence[Content], in_full: frozenset[bytes]) -> None:
        """Read all photos that were not looked at before.

        Parameters
        ----------
        contents
            The photos. Of one that has several files, the first is read, and the others if that fails.
        in_full
            Digests of those that are to be decoded in full, too.
        """
        left = [each for each in contents if not self.has_seen(each, full=each.digest in in_full)]
        self._progress.start(Phase.LOOK, len(left))
        attempt = 0
        with WorkPool(
            workers=min(self._settings.workers or processors(), max(len(left), 1)),
            timeout_s=self._settings.decode_timeout_s,
            memory_bytes=self._settings.decode_memory_mb << 20,
            pixel_limit=self._settings.pixel_limit,
        ) as pool:
            while left:
                left = self._read(pool, left, in_full, attempt)
                attempt += 1
        self._store.commit()

    def has_seen(self, content: Content, *, full: bool = False) -> bool:
        """Whether a photo was looked at, and in full if that is asked."""
        known = self._known.get(content.digest[:KEY_BYTES])
        return known is not None and (known or not full)

    def _read(
        self, pool: WorkPool, contents: list[Content], in_full: frozenset[bytes], attempt: int
    ) -> list[Content]:
        """Read one file of each photo; gives the photos that failed and have another file."""
        jobs = (
            Job(
                Found(each.photos[attempt].path, each.photos[attempt].stamp),
                Look(each.digest in in_full, local=False),
            )
            for each in contents
        )
        again = []
        with closing(pool.done(jobs, self._cancel)) as results:
            for content, result in zip(contents, results, strict=True):
                path = content.photos[attempt].path
                failure = result if isinstance(result, Failure) else None
                if failure is None and not isinstance(result, Failure):
                    if result.digest == content.digest and result.data is not None:
                        self._keep(content, result.data, full=content.digest in in_full)
                    else:
                        failure = Failure(path, Reason.CHANGED, "since it was indexed", result.found.stamp)
                if failure is not None:
                    self.failures.append(failure)
                    if attempt + 1 < len(content.photos):
                        again.append(content)
                        continue
                self._progress.advance(1, show_path(path.rpartition(b"/")[2]))
        return again

    def _keep(self, content: Content, data: bytes | bytearray, *, full: bool) -> None:
        self._store.keep_look(content.digest, data, full=full)
        self._known[content.digest[:KEY_BYTES]] = full
        self.looked += 1
        self._commit_at_times()

    def _commit_at_times(self) -> None:
        if time.monotonic() - self._committed > COMMIT_EVERY_S:
            self._store.commit()
            self._committed = time.monotonic()

    def details(self, content: Content) -> Details:
        """What is known of a photo's quality; nothing if it was not looked at."""
        told = self._store.look(content.digest)
        return Details() if told is None else details_of(told)

    def features(self, content: Content) -> Features:
        """What is kept of a photo that was looked at, with its local features."""
        return self._sought(content).features.sought()

    def sighted(self, key: bytes, find: Callable[[], Sightings]) -> Sightings:
        """What photos have in common: what was found the last time, if that was under the same key, else what is found now."""
        told = self._store.sighted(key)
        if told is not None:
            return Sightings.from_bytes(told)
        found = find()
        self._store.keep_sighted(key, found.to_bytes())
        return found

    def compare(
        self, pairs: Sequence[ContentPair], advance: Callable[[int], None] = lambda _: None
    ) -> list[Seen]:
        """Say what each pair is.

        Parameters
        ----------
        pairs
            Each with the smaller digest first.
        advance
            Is told how many more are done, from time to time.

        Returns
        -------
        For each pair the verdict and what shows it; None for strangers, and where a photo could not be looked at.
        """
        result: list[Seen] = []
        for start in range(0, len(pairs), _TOGETHER):
            some = pairs[start : start + _TOGETHER]
            glanced = self.glance(some, advance)
            left = [pair for pair, seen in zip(some, glanced, strict=True) if seen is UNDECIDED]
            self.seek({content.digest: content for pair in left for content in pair}.values())
            found = self._kept(left, self._closer(left), advance)
            result += [next(found) if seen is UNDECIDED else seen for seen in glanced]
        return result

    def glance(
        self, pairs: Sequence[ContentPair], advance: Callable[[int], None] = lambda _: None
    ) -> list[Glanced]:
        """Say what each pair is as far as that is known, or seen without local features; see `compare`."""
        keys = [(first.digest, second.digest) for first, second in pairs]
        known = self._store.verdicts(keys)
        left = [
            pair
            for pair, key in zip(pairs, keys, strict=True)
            if key not in known and all(map(self.has_seen, pair))
        ]
        advance(sum(known.get(key) is not UNDECIDED for key in keys) - len(left))
        glances = self._kept(left, self._glanced(left), advance)
        known |= {(pair[0].digest, pair[1].digest): seen for pair, seen in zip(left, glances, strict=True)}
        return [known.get(key) for key in keys]

    def _kept(
        self, pairs: Sequence[ContentPair], found: Iterator[T], advance: Callable[[int], None]
    ) -> Iterator[T]:
        """Keep what is found of pairs."""
        with ONE_FOR_PRODUCTS:
            for (first, second), seen in zip(pairs, found, strict=True):
                self._store.keep_verdicts([((first.digest, second.digest), seen)])
                self._commit_at_times()
                if seen is not UNDECIDED:
                    self.compared += 1
                    advance(1)
                yield seen

    def _glanced(self, pairs: Sequence[ContentPair]) -> Iterator[Glanced]:
        done = 0
        for seen in self._comparing.glances(_known(pairs), self._cancel) if self._many(pairs) else ():
            done += 1
            yield seen
        for first, second in pairs[done:]:
            self._cancel.check()
            yield glance(self._looked(first), self._looked(second))

    def _closer(self, pairs: Sequence[ContentPair]) -> Iterator[Seen]:
        done = 0
        for seen in self._comparing.closer(_known(pairs), self._cancel) if self._many(pairs) else ():
            done += 1
            yield seen
        for first, second in pairs[done:]:
            self._cancel.check()
            yield closer(self._sought(first), self._sought(second))

    def _many(self, pairs: Sequence[ContentPair]) -> bool:
        return self.compared + len(pairs) >= MANY and not self._store.problem

    def seek(self, contents: Iterable[Content]) -> None:
        """Look for the local features of photos that were looked at, where that was not done before."""
        left = [each for each in contents if self._sought(each).features.found is None]
        done = 0
        enough = _FEW_PHOTOS if self._comparing.running else MANY_PHOTOS
        if len(left) >= enough and not self._store.problem:
            known = [(each.digest, each.info) for each in left]
            for content, found in zip(left, self._comparing.features(known, self._cancel), strict=False):
                self._keep_features(content, found)
                done += 1
        for content in left[done:]:
            self._cancel.check()
            self._keep_features(content, self._looked(content).features.sought())
        self._store.commit()

    def _keep_features(self, content: Content, found: Features) -> None:
        packed = pack(self.details(content), found)
        self._store.keep_look(content.digest, packed, full=self._known[content.digest[:KEY_BYTES]])
        self._commit_at_times()

    def _looked(self, content: Content) -> Looked:
        return self._at_hand.looked(content.digest, content.info)

    def _sought(self, content: Content) -> Looked:
        """A photo that was looked at, as it is now that its local features may have been looked for."""
        return self._at_hand.looked(content.digest, content.info, sought=True)


def _known(pairs: Sequence[ContentPair]) -> list[KnownPair]:
    return [((a.digest, a.info), (b.digest, b.info)) for a, b in pairs]
