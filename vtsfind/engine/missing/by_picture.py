"""Match photos of a card with files of the library that show the same picture with other content.

Codes propose the nearest few photos of the library, and verification decides. A copy counts only if the card's photo could be
removed for it, see `vtsfind.act.removal`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vtsfind.act.keep_policy import KeepCandidate
from vtsfind.act.removal import stay_reason
from vtsfind.base import bits
from vtsfind.base.groups import COPIES, SEEN_IN_SMALL, Difference, Evidence, Photo, Verdict
from vtsfind.base.progress import Phase
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure
from vtsfind.engine.context import Context
from vtsfind.engine.decoding import FullSizePair, compare_in_full, extract_features, work_pool
from vtsfind.engine.library.access import ModelLike
from vtsfind.engine.library.heads import COPY_HEAD, copy_head
from vtsfind.engine.missing.card import CardFiles, CardPhoto, CardResult, Presence
from vtsfind.engine.search.query_image import QueryImage, codes_of
from vtsfind.find.candidates.hash_codes import adaptive_radius
from vtsfind.find.hamming.views import nearest
from vtsfind.find.threads import SINGLE_THREADED_BLAS
from vtsfind.find.verification.verify import PhotoFeatures, verify
from vtsfind.media.pool import WorkPool
from vtsfind.store.library import Library
from vtsfind.store.rows import FileRecord

_MAX_NEIGHBOURS: Final = 8
"""Photos of the library that are compared with one of the card."""
_PHOTOS_PER_BATCH: Final = 32
"""Photos of the card whose features are held in memory."""
_VERDICT_WORDS: Final = {
    Verdict.PIXELS: "with the same pixels",
    Verdict.RESAVE: "saved again",
    Verdict.TURNED: "turned",
    Verdict.EDIT: "edited",
}


def match_by_picture(index: Library, result: CardResult, card_files: CardFiles, context: Context) -> None:
    """Search for the photos of a result that are not there by content, and change their presence if they are found.

    Raises
    ------
    UsageError
        If the library's model makes no copy codes.
    StorageError
        If the model cannot be used.
    Cancelled
    """
    copy_head(index.signature)
    model = context.model_of(index)
    pending = [i for i, photo in enumerate(result.photos) if photo.presence is not Presence.PRESENT]
    context.progress.start(Phase.CHECK, len(pending))
    with work_pool(context.settings) as workers:
        search = _PictureSearch(index, result, card_files, model, workers, context, len(pending))
        for start in range(0, len(pending), _PHOTOS_PER_BATCH):
            some = pending[start : start + _PHOTOS_PER_BATCH]
            for i, photo in zip(some, search.classified([result.photos[i] for i in some]), strict=True):
                result.photos[i] = photo
            context.progress.advance(len(some))
    broken = {failure.path for failure in result.failures}
    result.photos = [photo for photo in result.photos if photo.found.path not in broken]


@dataclass(frozen=True, slots=True)
class _PictureSearch:
    index: Library
    result: CardResult
    card_files: CardFiles
    model: ModelLike
    workers: WorkPool
    context: Context
    expected: int
    """Photos to be classified, in all calls together."""

    def classified(self, photos: Sequence[CardPhoto]) -> list[CardPhoto]:
        """Some photos of the card, with their presence after they were compared with their nearest photos."""
        near = self._nearest(photos)
        paths = sorted({record.path for records in near for record in records})
        own = [photo.found.path for photo in photos]
        features_by_path = dict(
            zip(
                [*own, *paths],
                extract_features(self.workers, [*own, *paths], self.context.cancel),
                strict=True,
            )
        )
        classified = []
        with SINGLE_THREADED_BLAS:
            for photo, records in zip(photos, near, strict=True):
                extracted = features_by_path[photo.found.path]
                if isinstance(extracted, Failure):
                    classified.append(photo)
                    continue
                copies = [
                    (found[0], record)
                    for record in records
                    if not isinstance(other := features_by_path[record.path], Failure)
                    and (found := verify(extracted[0], other[0]))
                    and found[0] in COPIES
                ]
                classified.append(self._best_copy(photo, copies))
        return classified

    def _nearest(self, photos: Sequence[CardPhoto]) -> list[list[FileRecord]]:
        """For each photo a file of each of the nearest contents of the library; none for one that cannot be decoded."""
        queries = [QueryImage(photo.found.path, photo.found.path) for photo in photos]
        codes_by_photo = codes_of(
            self.index,
            queries,
            self.model,
            self.context,
            heads=[COPY_HEAD],
            expected=self.expected,
            workers=self.workers,
        )
        planes = self.index.planes(COPY_HEAD)
        radius = adaptive_radius(planes.words)
        near: list[list[FileRecord]] = []
        for codes in codes_by_photo:
            if isinstance(codes, Failure):
                self.result.failures.append(codes)
                near.append([])
                continue
            own = codes[COPY_HEAD]
            columns, distances = nearest(
                planes.words, bits.words(own.packed), _MAX_NEIGHBOURS, outputs=own.outputs
            )
            rows = planes.rows[columns[np.asarray(distances) <= radius]]
            files = self.index.files_of_rows(rows)
            there = [next(filter(self.card_files.is_intact_elsewhere, records), None) for records in files]
            near.append([record for record in there if record])
        return near

    def _best_copy(self, photo: CardPhoto, copies: Sequence[tuple[Verdict, FileRecord]]) -> CardPhoto:
        """What the library has of a photo: the first copy for which it could be removed, else the first one."""
        worse_copy = None
        for verdict, record in sorted(copies, key=lambda copy: (copy[0].rank, copy[1].path)):
            extracted = list(
                extract_features(
                    self.workers, [photo.found.path, record.path], self.context.cancel, full=True
                )
            )
            if isinstance(extracted[0], Failure) or isinstance(extracted[1], Failure):
                continue
            (mine, my_details), (other, details) = extracted[0], extracted[1]
            compared = verify(mine, other)
            exact = compared[0] if compared else verdict
            if (
                compared
                and exact in SEEN_IN_SMALL
                and self._differs_in_part(photo, record, mine, compared[1])
            ):
                exact = Verdict.EDIT
            lesser = stay_reason(
                _library_candidate(record, other, details),
                _card_candidate(photo, mine, my_details),
                exact,
                evidence=compared[1] if compared else Evidence(),
            )
            words = _VERDICT_WORDS.get(exact, exact.value)
            found = replace(
                photo,
                presence=Presence.WORSE_COPY if lesser else Presence.PRESENT,
                verdict=exact,
                library_path=record.path,
                note=f"{words}: {lesser.words}" if lesser else words,
            )
            if not lesser:
                return found
            worse_copy = worse_copy or found
        return worse_copy or photo

    def _differs_in_part(
        self, photo: CardPhoto, record: FileRecord, mine: PhotoFeatures, evidence: Evidence
    ) -> bool:
        """Whether two photos that show the same in small pictures differ at full size, or can't be compared there."""
        pair = FullSizePair(photo.found.path, mine.digest, record.path, record.digest, evidence.turn)
        return (
            next(compare_in_full(lambda jobs, _: self.workers.done(jobs, self.context.cancel), [pair]))
            is not Difference.NONE
        )


def _card_candidate(photo: CardPhoto, photo_features: PhotoFeatures, details: Details) -> KeepCandidate:
    return KeepCandidate(
        Photo(photo.found.path, photo.found.stamp, photo_features.digest, photo_features.info), details
    )


def _library_candidate(record: FileRecord, photo_features: PhotoFeatures, details: Details) -> KeepCandidate:
    photo = Photo(record.path, record.stamp, record.digest, photo_features.info)
    return KeepCandidate(photo, details, called="that one")
