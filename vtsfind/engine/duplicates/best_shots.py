"""Choosing the best of several shots of one scene: the sharpest and least blown out one of those that the keep rules call equal.

A screenshot, or a photo that was passed on with words on it, may be larger or sharper than the shots that it lies among. So where a
camera wrote into some of them, none of the others is the best, and a screenshot only among screenshots.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Final

from vtsfind.act.best_shot import best_shot
from vtsfind.act.file_rules import is_screenshot
from vtsfind.act.keep_policy import Policy
from vtsfind.act.keep_rules import SAME_SIZE_RATIO, KeepCandidate, has_camera_data
from vtsfind.base.groups import PairVerdict, Verdict
from vtsfind.engine.duplicates.clustering import INDIRECT_SHOT, Cluster, oriented
from vtsfind.engine.duplicates.keeper_ranking import CopyVerdict, RankedFiles
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verifier import Verifier
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.pairs import Pair, ordered_pair
from vtsfind.media.shot_quality import ShotQuality

_BY_CAMERA: Final = "its file tells of a camera"
_NOT_BY_CAMERA: Final = "its file tells of no camera"
_SCREENSHOT: Final = "a screenshot"


def choose_best_shots(
    clusters: Sequence[Cluster],
    contents: Mapping[int, Content],
    files: RankedFiles,
    *,
    verifier: Verifier,
    rate: Callable[[Sequence[Content]], list[ShotQuality | None]],
    rules: Rules,
) -> list[Cluster]:
    """Make the best shot the keeper of each cluster that has other shots of one scene.

    Only shots between which neither a rule before `pixels` nor their size decides are rated; a file that no camera wrote into is
    none beside one that a camera did.

    Parameters
    ----------
    clusters
        The contents that belong together, by number.
    contents
        By number.
    files
        The files of the contents, ranked.
    verifier
        Compares the best shot with all others.
    rate
        Says how good shots are.
    rules
        What makes a pair a copy.

    Returns
    -------
    The clusters, with what is said of each rated shot.
    """
    leading = [_leading_shot(each, contents, files) for each in clusters]
    shots = [
        _equal_shots(each, lead, contents, files, rules.policy)
        for each, lead in zip(clusters, leading, strict=True)
    ]
    numbers = sorted({number for each in shots for number in each})
    qualities = dict(zip(numbers, rate([contents[number] for number in numbers]), strict=True))
    found = [best_shot([qualities[number] for number in each]) for each in shots]
    keepers = [
        equal[best.best] if best else lead for lead, equal, best in zip(leading, shots, found, strict=True)
    ]
    known = _compared(clusters, keepers, verifier)
    said = [
        _not_by_camera(was, keeper, contents, files)
        | (dict(zip(equal, best.reasons, strict=True)) if best else {})
        for was, keeper, equal, best in zip(clusters, keepers, shots, found, strict=True)
    ]
    return [
        Cluster(keeper, _copies(was, keeper, contents, known, rules), words)
        for was, keeper, words in zip(clusters, keepers, said, strict=True)
    ]


class _Source(IntEnum):
    """Where a picture is from, as far as its file tells; the least is the best."""

    CAMERA = 0
    UNKNOWN = 1
    SCREEN = 2


def _source(file: KeepCandidate) -> _Source:
    if is_screenshot(file):
        return _Source.SCREEN
    return _Source.CAMERA if has_camera_data(file) else _Source.UNKNOWN


def _is_by_camera(file: KeepCandidate) -> bool:
    return _source(file) is _Source.CAMERA


def _leading_shot(cluster: Cluster, contents: Mapping[int, Content], files: RankedFiles) -> int:
    """The shot of a cluster that ranks first, of those from the best source."""
    best = {number: files.best(contents[number]) for number in (cluster.keeper, *cluster.copies)}
    source = min(map(_source, best.values()))
    if _source(best[cluster.keeper]) is source:
        return cluster.keeper
    shots = [number for number, file in best.items() if _source(file) is source]
    return min(shots, key=lambda number: files.key(best[number]))


def _not_by_camera(
    was: Cluster, keeper: int, contents: Mapping[int, Content], files: RankedFiles
) -> dict[int, str]:
    """What is said of a shot, and of what no camera wrote into beside it, which the keep rules may prefer."""
    if not _is_by_camera(files.best(contents[keeper])):
        return {}
    others = {number: files.best(contents[number]) for number in (was.keeper, *was.copies)}
    said = {
        number: _SCREENSHOT if is_screenshot(file) else _NOT_BY_CAMERA
        for number, file in others.items()
        if not _is_by_camera(file)
    }
    return said | ({keeper: _BY_CAMERA} if was.keeper in said else {})


def _equal_shots(
    cluster: Cluster, lead: int, contents: Mapping[int, Content], files: RankedFiles, policy: Policy
) -> list[int]:
    """The leading shot and the others that only their pixels may tell from it, the better ranked first; none if it is alone."""
    first = files.best(contents[lead])

    def is_equal(shot: KeepCandidate) -> bool:
        infos = [each.photo.info for each in (first, shot)]
        areas = [info.width * info.height for info in infos]
        sides = [max(info.width, info.height) for info in infos]  # upright, across, and cut to another shape
        is_as_large = any(max(sizes) <= SAME_SIZE_RATIO * min(sizes) for sizes in (areas, sides))
        return _source(shot) is _source(first) and policy.is_decided_by_pixels(first, shot) and is_as_large

    others = [number for number, (verdict, _) in cluster.copies.items() if verdict is Verdict.BURST]
    others += [cluster.keeper]
    equal = [number for number in others if number != lead and is_equal(files.best(contents[number]))]
    equal.sort(key=lambda number: files.key(files.best(contents[number])))
    return [lead, *equal] if equal else []


def _compared(
    clusters: Sequence[Cluster], keepers: Sequence[int], verifier: Verifier
) -> dict[Pair, PairVerdict]:
    """The verdicts between new keepers and all others of their clusters."""
    pairs = [
        ordered_pair(keeper, number)
        for was, keeper in zip(clusters, keepers, strict=True)
        if keeper != was.keeper
        for number in (was.keeper, *was.copies)
        if number != keeper
    ]
    return dict(zip(pairs, verifier.verdicts(pairs), strict=True))


def _copies(
    was: Cluster,
    keeper: int,
    contents: Mapping[int, Content],
    known: Mapping[Pair, PairVerdict],
    rules: Rules,
) -> dict[int, CopyVerdict]:
    """What the others of a cluster are to a keeper."""
    if keeper == was.keeper:
        return was.copies
    copies: dict[int, CopyVerdict] = {}
    for number in (was.keeper, *was.copies):
        if number == keeper:
            continue
        found = known[ordered_pair(keeper, number)]
        for each in (found, INDIRECT_SHOT):
            if each and rules.joins(contents[keeper], contents[number], each):
                copies[number] = oriented(each, contents[keeper], contents[number])
                break
    return copies
