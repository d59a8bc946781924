"""Looking for photos of a card that a library does not have by content, but maybe in other files that show all of them.

Codes propose the nearest few photos of the library, and looking at both decides. A copy counts only if the keep rules
find nothing worse about it than about the card's photo: pixels, format, compression, EXIF data.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np

from vtsfind.act.policy import RULES, WORTH, Contender, informed
from vtsfind.base import bits
from vtsfind.base.groups import COPIES, Photo, Verdict
from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure, Preprocessing
from vtsfind.base.settings import Settings
from vtsfind.engine.calibration.curve import COPY_HEAD, copy_bits
from vtsfind.engine.duplicates.extraction import glance, pool
from vtsfind.engine.library import access as library
from vtsfind.engine.library.access import EncoderLike, card_of
from vtsfind.engine.missing.compare import CardPhoto, CardResult, Outside, Standing
from vtsfind.engine.search.query_image import Question, codes_of
from vtsfind.find.candidates.hash_codes import fitting_radius
from vtsfind.find.hamming.search import best_by_views
from vtsfind.find.threads import ONE_FOR_PRODUCTS
from vtsfind.find.verification.verify import Looked, verify
from vtsfind.media.pool import WorkPool
from vtsfind.store.index import FileRecord, Index

_NEAREST: Final = 8
"""Photos of the library that are looked at for one of the card."""
_AT_ONCE: Final = 32
"""Photos of the card whose looks are held in memory."""
_WORDS: Final = {
    Verdict.PIXELS: "with the same pixels",
    Verdict.RESAVE: "saved again",
    Verdict.TURNED: "turned",
    Verdict.EDIT: "edited",
}


def look_for(
    index: Index,
    result: CardResult,
    outside: Outside,
    *,
    settings: Settings,
    progress: Progress,
    cancel: CancelToken,
) -> None:
    """Look for the photos of a result that are not there by content, and change their standing if they are found.

    Raises
    ------
    UsageError
        If the library's model makes no copy codes.
    StorageError
        If the model cannot be used.
    Cancelled
    """
    copy_bits(index.signature)
    card = cache(lambda: card_of(index))
    model = _Model(lambda: card().preprocessing, cache(lambda: library.load_encoder(card(), settings)))
    sought = [i for i, photo in enumerate(result.photos) if photo.standing is not Standing.THERE]
    progress.start(Phase.CHECK, len(sought))
    with pool(settings) as workers:
        search = _Search(index, result, outside, model, settings, workers, cancel)
        for start in range(0, len(sought), _AT_ONCE):
            some = sought[start : start + _AT_ONCE]
            for i, photo in zip(some, search.judged([result.photos[i] for i in some]), strict=True):
                result.photos[i] = photo
            progress.advance(len(some))
    broken = {failure.path for failure in result.failures}
    result.photos = [photo for photo in result.photos if photo.found.path not in broken]


@dataclass(frozen=True, slots=True)
class _Model:
    preprocessing: Callable[[], Preprocessing]
    encoder: Callable[[], EncoderLike]


@dataclass(frozen=True, slots=True)
class _Search:
    index: Index
    result: CardResult
    outside: Outside
    model: _Model
    settings: Settings
    workers: WorkPool
    cancel: CancelToken

    def judged(self, photos: Sequence[CardPhoto]) -> list[CardPhoto]:
        """Where some photos of the card stand after a look at what is nearest to them."""
        near = self._nearest(photos)
        paths = sorted({record.path for records in near for record in records})
        own = [photo.found.path for photo in photos]
        seen = dict(zip([*own, *paths], glance(self.workers, [*own, *paths], self.cancel), strict=True))
        judged = []
        with ONE_FOR_PRODUCTS:
            for photo, records in zip(photos, near, strict=True):
                glanced = seen[photo.found.path]
                if isinstance(glanced, Failure):
                    judged.append(photo)
                    continue
                copies = [
                    (found[0], record)
                    for record in records
                    if not isinstance(other := seen[record.path], Failure)
                    and (found := verify(glanced[0], other[0]))
                    and found[0] in COPIES
                ]
                judged.append(self._best(photo, copies))
        return judged

    def _nearest(self, photos: Sequence[CardPhoto]) -> list[list[FileRecord]]:
        """For each photo a file of each of the nearest contents of the library; none for one that cannot be decoded."""
        made = codes_of(
            self.index,
            [Question(photo.found.path, photo.found.path) for photo in photos],
            encoder=self.model.encoder,
            preprocessing=self.model.preprocessing,
            settings=self.settings,
            cancel=self.cancel,
        )
        planes = self.index.planes(COPY_HEAD)
        radius = fitting_radius(planes.words)
        near: list[list[FileRecord]] = []
        for codes in made:
            if isinstance(codes, Failure):
                self.result.failures.append(codes)
                near.append([])
                continue
            columns, distances = best_by_views(planes.words, bits.words(codes[COPY_HEAD]), _NEAREST)
            rows = planes.rows[columns[np.asarray(distances) <= radius]]
            files = self.index.files_of_rows(rows)
            there = [next(filter(self.outside.has, records), None) for records in files]
            near.append([record for record in there if record])
        return near

    def _best(self, photo: CardPhoto, copies: Sequence[tuple[Verdict, FileRecord]]) -> CardPhoto:
        """What the library has of a photo: the first copy that is no worse, else the first one."""
        lesser = None
        for verdict, record in sorted(copies, key=lambda copy: (copy[0].rank, copy[1].path)):
            glances = list(glance(self.workers, [photo.found.path, record.path], self.cancel, full=True))
            if isinstance(glances[0], Failure) or isinstance(glances[1], Failure):
                continue
            (mine, my_details), (other, details) = glances[0], glances[1]
            found = verify(mine, other)
            exact = found[0] if found else verdict
            worse = _worse(_contender(photo, mine, my_details), _contender_of(record, other, details))
            if exact is not Verdict.EDIT and not worse:
                return replace(
                    photo, standing=Standing.THERE, verdict=exact, place=record.path, note=_WORDS[exact]
                )
            note = _WORDS[exact] + (f", {worse}" if worse else "")
            lesser = lesser or replace(
                photo, standing=Standing.LESSER, verdict=exact, place=record.path, note=note
            )
        return lesser or photo


def _contender(photo: CardPhoto, looked: Looked, details: Details) -> Contender:
    return Contender(Photo(photo.found.path, photo.found.stamp, looked.digest, looked.info), details)


def _contender_of(record: FileRecord, looked: Looked, details: Details) -> Contender:
    return Contender(Photo(record.path, record.stamp, record.digest, looked.info), details)


def _worse(mine: Contender, other: Contender) -> str:
    """Why the card's photo is better than the library's, in words; empty if it is not, by any rule."""
    mine, other = informed([mine, other])
    for name in WORTH:
        if RULES[name].prefers(mine, other):
            return RULES[name].words(mine, other)
    return ""
