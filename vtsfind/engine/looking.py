"""Looking at photos and comparing them, never twice: what is found out is kept beside the library, by content."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from types import TracebackType

from vtsfind.base.details import Details
from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.base.records import Failure, Found, Reason, show_path
from vtsfind.base.settings import Settings
from vtsfind.engine.comparing import AtHand, Comparing
from vtsfind.engine.contents import Content
from vtsfind.engine.machine import processors
from vtsfind.find.features import Features
from vtsfind.find.look import Look, details_of, look_version, verdict_version
from vtsfind.find.sightings import Sightings
from vtsfind.find.threads import ONE_FOR_PRODUCTS
from vtsfind.find.verify import Looked, verify
from vtsfind.media.pool import Job, WorkPool
from vtsfind.store.evidence import KEY_BYTES, EvidenceStore
from vtsfind.store.evidence import Found as Seen

COMMIT_EVERY_S = 2.0
"""Seconds of work that a killed run may lose."""
MANY = 128
"""Pairs from which on processes are worth their start, which takes as long as about 30 pairs each."""
_AT_HAND = 768
"""Photos whose features are held in memory; each takes up to a megabyte."""

ContentPair = tuple[Content, Content]


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
            Job(Found(each.photos[attempt].path, each.photos[attempt].stamp), Look(each.digest in in_full))
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
        """The local features of a photo that was looked at."""
        return self._looked(content).features

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
        keys = [(first.digest, second.digest) for first, second in pairs]
        known = self._store.verdicts(keys)
        left = [
            pair
            for pair, key in zip(pairs, keys, strict=True)
            if key not in known and all(map(self.has_seen, pair))
        ]
        advance(len(pairs) - len(left))
        with ONE_FOR_PRODUCTS:
            for (first, second), seen in zip(left, self._verified(left), strict=True):
                key = first.digest, second.digest
                known[key] = seen
                self._store.keep_verdicts([(key, seen)])
                self._commit_at_times()
                self.compared += 1
                advance(1)
        return [known.get(key) for key in keys]

    def _verified(self, pairs: Sequence[ContentPair]) -> Iterator[Seen]:
        done = 0
        if self.compared + len(pairs) >= MANY and not self._store.problem:
            known = [((a.digest, a.info), (b.digest, b.info)) for a, b in pairs]
            for seen in self._comparing.verdicts(known, self._cancel):
                done += 1
                yield seen
        for first, second in pairs[done:]:
            self._cancel.check()
            yield verify(self._looked(first), self._looked(second))

    def _looked(self, content: Content) -> Looked:
        return self._at_hand.looked(content.digest, content.info)
