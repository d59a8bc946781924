"""Worker processes that read photos within the limits of the settings, and features of a few photos, not cached."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from vtsfind.base.groups import Difference
from vtsfind.base.machine import processors
from vtsfind.base.progress import CancelToken
from vtsfind.base.records import Failure, Found, Reason
from vtsfind.base.settings import Settings
from vtsfind.media.scan import failure_of, stamp_of

if TYPE_CHECKING:
    from vtsfind.base.quality import Details
    from vtsfind.find.verification.verify import PhotoFeatures
    from vtsfind.media.pool import Job, JobResult, WorkPool
    from vtsfind.media.work import ContentProcessor


class DecodeLimits(TypedDict):
    """What one photo may cost, see `vtsfind.media.pool.WorkPool`."""

    timeout_s: float
    memory_bytes: int
    pixel_limit: int


def decode_limits(settings: Settings) -> DecodeLimits:
    """The limits that the settings give."""
    return {
        "timeout_s": settings.decode_timeout_s,
        "memory_bytes": settings.decode_memory_mb << 20,
        "pixel_limit": settings.pixel_limit,
    }


def work_pool(settings: Settings, max_workers: int | None = None) -> "WorkPool":
    """Processes that read photos, as many as the settings say, at most `max_workers`."""
    from vtsfind.media.pool import WorkPool

    workers = settings.workers or processors()
    return WorkPool(workers=min(workers, max_workers or workers), **decode_limits(settings))


def job_for(path: bytes, work: "ContentProcessor") -> "Job | Failure":
    """Something to be done with a file as it is now; a failure if the file cannot be found."""
    from vtsfind.media.pool import Job

    try:
        return Job(Found(path, stamp_of(os.stat(path))), work)
    except OSError as error:
        return failure_of(path, error)


def extract_features(
    pool: "WorkPool", paths: Iterable[bytes], cancel: CancelToken, *, full: bool = False
) -> "Iterator[tuple[PhotoFeatures, Details] | Failure]":
    """Extract the features of a few photos, in order.

    Parameters
    ----------
    pool
        Processes that read them, see `work_pool`.
    paths
        The photos.
    cancel
        Whether to stop.
    full
        Whether to decode at full size, for the digest of the pixels and for signs of an enlarged picture.

    Yields
    ------
    The features and quality details of each photo, or why there are none.
    """
    from vtsfind.find.features.extract import ExtractFeatures
    from vtsfind.find.features.packed import unpack
    from vtsfind.find.verification.verify import PhotoFeatures

    jobs = [job_for(path, ExtractFeatures(full=full)) for path in paths]
    done = pool.done((each for each in jobs if not isinstance(each, Failure)), cancel)
    for each in jobs:
        result = each if isinstance(each, Failure) else next(done)
        if isinstance(result, Failure):
            yield result
            continue
        assert result.info
        assert result.data is not None
        details, features = unpack(result.data)
        yield (
            PhotoFeatures(features, result.info, result.digest, details.pixels or None, details.contents),
            details,
        )


@dataclass(frozen=True, slots=True)
class FullSizePair:
    """Two files that show the same in small pictures."""

    path: bytes
    digest: bytes
    """SHA-256 of the content, 32 bytes."""
    other_path: bytes
    other_digest: bytes
    turn: int
    """The EXIF orientation that aligns the other one with the first."""


def compare_in_full(
    read: "Callable[[Iterable[Job], int], Generator[JobResult | Failure]]", pairs: Sequence[FullSizePair]
) -> Iterator[Difference | Failure]:
    """Say of each pair what it differs in, seen at full size, or why that is not known.

    Parameters
    ----------
    read
        Processes files, at most so many.
    pairs
        What is compared.
    """
    from vtsfind.find.verification.compare_in_full import CompareInFull

    jobs = [
        job_for(each.path, CompareInFull(each.other_path, each.other_digest, each.turn)) for each in pairs
    ]
    with closing(read((each for each in jobs if not isinstance(each, Failure)), len(jobs))) as done:
        for pair, job in zip(pairs, jobs, strict=True):
            result = job if isinstance(job, Failure) else next(done)
            if isinstance(result, Failure):
                yield result
            elif result.digest != pair.digest:
                yield Failure(pair.path, Reason.CHANGED, "since it was indexed", result.found.stamp)
            else:
                yield Difference(result.data[0]) if result.data else Difference.PART
