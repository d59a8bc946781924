"""Whether all photos of a card, or of any folder, are in a library already.

A photo is there if a file of the library, outside the card, has its very content and is still as the library knows it.
If asked to, photos that are not there by content are compared as pictures, too (`vtsfind.engine.missing.by_picture`): one counts as
there if a file of the library shows all of it and is no worse. That two codes are similar never counts.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Verdict
from vtsfind.base.paths import is_below, show_path
from vtsfind.base.progress import CancelToken, Phase
from vtsfind.base.records import Failure, Found, Reason
from vtsfind.engine.context import Context
from vtsfind.engine.library.access import open_library
from vtsfind.engine.library.removed import removals
from vtsfind.engine.missing.card import (
    CardFiles,
    CardPhoto,
    CardResult,
    CompareBy,
    InPlace,
    Presence,
    card_files,
)
from vtsfind.media.names import is_picture_name
from vtsfind.media.scan import OTHER_NAME, ScanOptions, ScanReport, failure_of, normalised, scan, stamp_of
from vtsfind.store.library import Library

_MAX_READERS = 2
"""Files that are read at once: a card is not faster with more."""
_VIDEO_AUDIO_ENDINGS = frozenset(
    b".3g2 .3gp .asf .avi .braw .divx .flv .insv .m2t .m2ts .m4v .mkv .mod .mov .mp4 .mpeg .mpg .mts .mxf .ogv .r3d .tod"
    b" .ts .vob .webm .wmv .mp3 .m4a .wav .aac .flac".split()
)
"""Endings of names of video and audio files, which no library holds."""
_OTHER_PHOTO_ENDINGS = frozenset(
    b".360 .ai .crm .dxo .eps .exr .gpr .hdr .insp .jxl .jxr .lrv .nev .psb .psd .svg .xcf".split()
)
"""Endings of names of photos, and of films of the same cameras, that no library holds."""
_MAX_NOTE_BYTES = 4096
"""Largest size of a file of another name that is no more than a note, or an index that a camera keeps."""
_THUMBNAIL_ENDING = b".thm"


def compare_card(context: Context, names: Sequence[str | bytes], *, by: CompareBy = "bytes") -> CardResult:
    """Find which photos of a card the library that the settings name has.

    Parameters
    ----------
    context
        Its settings name the library. What they leave out of libraries is not left out here.
    names
        Folders or files of the card.
    by
        `bytes`: a photo is there only with its very content. `look`: also as the same picture in another file that is
        no worse, which needs the library's model.

    Raises
    ------
    UsageError
        If a name is not there, there is nothing to compare under them, as when a card is not plugged in, or the
        library's model makes no copy codes.
    StorageError
        If the library, or the model that `look` needs, cannot be used.
    Cancelled
        If it was stopped: half a comparison is no answer.
    """
    roots = [_require_exists(name) for name in names]
    with open_library(context.settings) as index:
        report = ScanReport()
        context.progress.start(Phase.SCAN, None)
        found = list(scan(roots, ScanOptions(), report, context.cancel))
        result = CardResult(
            index.place, by, failures=list(report.unreadable), uncompared=_uncomparable_files(roots)
        )
        result.skipped = +Counter({reason: n for reason, n in report.skipped.items() if reason != OTHER_NAME})
        others = report.skipped[OTHER_NAME] - len(result.uncompared)
        result.skipped[OTHER_NAME] = max(0, others)
        if not (found or result.failures or result.uncompared):
            listed = ", ".join(show_path(root) for root in roots)
            raise UsageError(
                f"There are no photos in {listed}.",
                "Check that the card is plugged in and that this is its folder.",
            )
        on_card = card_files(roots, found)
        context.progress.start(Phase.COMPARE, len(found))
        removed = removals()
        sizes = {each.stamp.size for each in found}
        sizes = {size for size in sizes if index.digests_of_size(size)} | {each.size for each in removed}
        places = {each.digest: each.path for each in removed}
        for each, digest in _digests(found, sizes, context.cancel):
            context.progress.advance()
            if isinstance(digest, Failure):
                result.failures.append(digest)
            else:
                result.photos.append(_card_photo(index, on_card, each, digest, places))
        _look_up_places(index, result)
        if by == "look" and result.missing:
            from vtsfind.engine.missing.by_picture import match_by_picture

            match_by_picture(index, result, on_card, context)
    return result


def _require_exists(name: str | bytes) -> bytes:
    path = normalised(os.fsencode(name))
    try:
        os.stat(path)
    except OSError as error:
        raise UsageError(
            f"{show_path(path)} cannot be used: {error.strerror}.",
            "Check the name, and that the card is plugged in.",
        ) from error
    return path


def _uncomparable_files(roots: Sequence[bytes]) -> list[bytes]:
    """The files below some folders in which there may be something that no library holds, sorted."""
    return sorted(
        {
            os.path.join(folder, name)
            for root in roots
            for folder, _, names in os.walk(root)
            for name in names
            if not name.startswith(b".") and _may_hold_more(os.path.join(folder, name))
        }
    )


def _may_hold_more(path: bytes) -> bool:
    """Whether a file is a video, a sound, a photo of a kind that is not read, or of an unknown kind and no mere note."""
    ending = os.path.splitext(path)[1].lower()
    if ending in _VIDEO_AUDIO_ENDINGS | _OTHER_PHOTO_ENDINGS:
        return True
    if is_picture_name(os.path.basename(path)) or ending == _THUMBNAIL_ENDING:
        return False
    try:
        status = os.lstat(path)
    except OSError:  # what cannot be looked at may be anything
        return True
    return stat.S_ISREG(status.st_mode) and status.st_size > _MAX_NOTE_BYTES


def _digests(
    found: Sequence[Found], sizes: Collection[int], cancel: CancelToken
) -> Iterator[tuple[Found, bytes | Failure | None]]:
    """Each photo with the SHA-256 of its content; None if its size is none of `sizes`, those of contents that are known."""
    with ThreadPoolExecutor(_MAX_READERS, thread_name_prefix="vtsfind-card") as executor:
        reading = {
            each.path: executor.submit(_digest, each, cancel) for each in found if each.stamp.size in sizes
        }
        for each in found:
            cancel.check()
            future = reading.pop(each.path, None)
            yield each, future.result() if future else None


def _digest(found: Found, cancel: CancelToken) -> bytes | Failure:
    cancel.check()
    try:
        with open(found.path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            stamp = stamp_of(os.fstat(file.fileno()))
    except OSError as error:
        return failure_of(found.path, error)
    return digest if stamp == found.stamp else Failure(found.path, Reason.CHANGED)


def _card_photo(
    index: Library, on_card: CardFiles, found: Found, digest: bytes | None, removed: Mapping[bytes, bytes]
) -> CardPhoto:
    """Where a photo stands; `removed` has the paths of what vtsfind removed, by content."""
    if digest is None:
        return CardPhoto(found, Presence.MISSING)
    records = index.files_of_digest(digest)
    there = next((record for record in records if on_card.is_intact_elsewhere(record)), None)
    if there:
        return CardPhoto(found, Presence.PRESENT, Verdict.BYTES, there.path)
    away = [record.path for record in records if not on_card.contains(record.path)]
    if away:
        return CardPhoto(found, Presence.GONE, None, away[0])
    if not records and digest in removed:
        return CardPhoto(found, Presence.GONE, None, removed[digest])
    return CardPhoto(found, Presence.MISSING, in_place=InPlace.INDEXED if records else None)


def _look_up_places(index: Library, result: CardResult) -> None:
    """Note of missing photos that are not indexed though they lie in the library's folders why they are not."""
    roots = index.roots()
    failures = {failure.path: failure for failure in index.failures()}
    for number, photo in enumerate(result.photos):
        path = photo.found.path
        if photo.presence is not Presence.MISSING or photo.in_place:
            continue
        failure = failures.get(path)
        if failure and failure.stamp == photo.found.stamp:
            result.unread.append(failure)
            result.photos[number] = replace(photo, in_place=InPlace.UNREADABLE)
        elif any(is_below(path, root) for root in roots):
            result.photos[number] = replace(photo, in_place=InPlace.NEW)
