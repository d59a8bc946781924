"""The contents of a library that are nearest to a photo, or to what words say: by one head, or by two together."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base import bits
from vtsfind.base.records import Head
from vtsfind.engine.library.heads import COPY_HEAD, LIKENESS, SCENE_HEAD
from vtsfind.engine.search.query_image import Codes, ViewCodes
from vtsfind.engine.search.where import ChosenPhotos
from vtsfind.find.hamming.likeness import OwnCode, by_likeness, max_scene_distance
from vtsfind.find.hamming.views import CANDIDATES, Outputs, nearest, nearest_to_direction
from vtsfind.store.library import Library


@dataclass(frozen=True, slots=True)
class FoundContents:
    """The contents of a library that are nearest, nearest first."""

    rows: npt.NDArray[np.uint32]
    distances: npt.NDArray[np.int64]
    are_bits: bool
    """Whether the distances say in how many bits the codes differ."""


def nearest_to(
    direction: Outputs, photos: ChosenPhotos, *, radius: int | None, contents: int | None
) -> FoundContents:
    """The contents nearest to where words point, so many or all."""
    planes = photos.near(bits.pack(direction[None]), None, None)
    columns, distances = nearest_to_direction(
        planes.words, direction, len(planes.rows) if contents is None else contents, radius=radius
    )
    return FoundContents(planes.rows[columns], distances, are_bits=False)


def nearest_by_head(
    own: ViewCodes, photos: ChosenPhotos, *, radius: int | None, contents: int | None
) -> FoundContents:
    """The contents nearest to a photo by one head, so many or all."""
    wanted = max(contents, CANDIDATES) if contents and own.outputs is not None else contents
    planes = photos.near(own.packed, wanted, radius)
    columns, distances = nearest(
        planes.words,
        bits.words(own.packed),
        len(planes.rows) if contents is None else contents,
        radius=radius,
        outputs=own.outputs,
    )
    return FoundContents(planes.rows[columns[:contents]], distances[:contents], are_bits=True)


def most_alike(
    own: Codes, index: Library, photos: ChosenPhotos, *, radius: int | None, contents: int | None
) -> FoundContents:
    """The contents most like a photo by two heads, so many of the nearest by the first one, or all within the radius."""
    farthest = None if radius is None else max_scene_distance(radius)
    wanted = None if contents is None else max(contents, CANDIDATES)
    near = photos.near(own[SCENE_HEAD].packed, wanted, farthest)
    columns, _ = nearest(
        near.words, bits.words(own[SCENE_HEAD].packed), wanted or len(near.rows), radius=farthest
    )
    copies = index.planes_of_rows(COPY_HEAD, near.rows[columns])
    scenes = near.of_rows(copies.rows)
    columns, distances = by_likeness(
        _own_code(own[SCENE_HEAD], scenes.bits),
        scenes.words,
        _own_code(own[COPY_HEAD], copies.bits),
        copies.words,
    )
    if radius is not None:
        columns, distances = columns[distances <= radius], distances[distances <= radius]
    return FoundContents(scenes.rows[columns[:contents]], distances[:contents], are_bits=True)


def _own_code(code: ViewCodes, length: int) -> OwnCode:
    return OwnCode(code.packed[0], length, None if code.outputs is None else code.outputs[0])


def heads_of(head: Head) -> list[str]:
    """The heads whose codes are compared, the one by which candidates are found first."""
    return [SCENE_HEAD, COPY_HEAD] if head.name == LIKENESS else [head.name]
