"""A look at a few photos, each by one of its files, with nothing kept: for samples and single questions."""

import os
from collections.abc import Iterable, Iterator

from vtsfind.base.machine import processors
from vtsfind.base.progress import CancelToken
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure, Found
from vtsfind.base.settings import Settings
from vtsfind.find.features.extract import ExtractFeatures, unpack
from vtsfind.find.verification.verify import PhotoFeatures
from vtsfind.media.pool import Job, WorkPool
from vtsfind.media.scan import failure_of, stamp_of
from vtsfind.media.work import ContentProcessor


def pool(settings: Settings) -> WorkPool:
    """Processes that read photos within the limits that the settings give."""
    return WorkPool(
        workers=settings.workers or processors(),
        timeout_s=settings.decode_timeout_s,
        memory_bytes=settings.decode_memory_mb << 20,
        pixel_limit=settings.pixel_limit,
    )


def job(path: bytes, work: ContentProcessor) -> Job | Failure:
    """Something to be done with a file as it is now; a failure if it cannot be found."""
    try:
        return Job(Found(path, stamp_of(os.stat(path))), work)
    except OSError as error:
        return failure_of(path, error)


def extract_features(
    workers: WorkPool, paths: Iterable[bytes], cancel: CancelToken, *, full: bool = False
) -> Iterator[tuple[PhotoFeatures, Details] | Failure]:
    """Look at photos, in order.

    Parameters
    ----------
    workers
        What reads them, see `pool`.
    paths
        Of the photos.
    cancel
        Whether to stop.
    full
        Whether to read all of their pixels, for their digest and for suspicions.

    Yields
    ------
    What there is to compare and to weigh of each, or why there is nothing.
    """
    jobs = [job(path, ExtractFeatures(full=full)) for path in paths]
    done = workers.done((each for each in jobs if isinstance(each, Job)), cancel)
    for each in jobs:
        result = each if isinstance(each, Failure) else next(done)
        if isinstance(result, Failure):
            yield result
            continue
        assert result.info
        assert result.data is not None
        details, features = unpack(result.data)
        yield PhotoFeatures(features, result.info, result.digest, details.pixels or None), details
