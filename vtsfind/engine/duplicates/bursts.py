"""Bursts: other shots of one scene, each with its copies.

A photo and its copies are one shot. The copy that the keep rules choose stands for it while shots are compared and rated, so a burst
never keeps another copy than the group of copies does. What becomes of the copies of a shot is proposed in their own group only: all
files of a burst stay until a person marks them.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vtsfind.act.file_rules import is_screenshot
from vtsfind.base.groups import Evidence, Group, Member, ShotCopy, StayReason, Verdict
from vtsfind.base.paths import show_path
from vtsfind.engine.duplicates.clustering import Cluster
from vtsfind.engine.duplicates.keeper_ranking import SAME_FRAME_VERDICTS, CopyVerdict, RankedFiles
from vtsfind.engine.duplicates.keepers import choose_keepers
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.library.snapshot import Content

BURST_ONLY = frozenset({Verdict.BURST})
_OF_KEPT_SHOT = StayReason("a copy of the kept shot; the group of its copies decides")


def led_by_photos(
    copies: Iterable[Cluster], contents: Mapping[int, Content], files: RankedFiles
) -> list[Cluster]:
    """The clusters of copies, of which no screenshot stands for a shot that is there as a photo."""
    return [_led_by_photo(each, contents, files) for each in copies]


def _led_by_photo(copies: Cluster, contents: Mapping[int, Content], files: RankedFiles) -> Cluster:
    best = {number: files.best(contents[number]) for number in (copies.keeper, *copies.copies)}
    photos = [number for number, file in best.items() if not is_screenshot(file)]
    if copies.keeper in photos or not photos:
        return copies
    lead = min(photos, key=lambda number: files.key(best[number]))
    return Cluster(lead, dict.fromkeys(best.keys() - {lead}, (Verdict.EDIT, Evidence(indirect=True))))


def shots_of(copies: Iterable[Cluster]) -> dict[int, int]:
    """Each copy to the content that stands for its shot."""
    return {number: each.keeper for each in copies for number in each.copies}


def burst_groups(
    clusters: Sequence[Cluster],
    copies: Sequence[Cluster],
    contents: Mapping[int, Content],
    files: RankedFiles,
    rules: Rules,
) -> tuple[Group, ...]:
    """Make groups of clusters of shots, each shot with its copies; nothing in them is proposed to go.

    Screenshots alone are no shots of a scene, however alike they look: each may show another chat.

    Parameters
    ----------
    clusters
        The shots of each scene, by number.
    copies
        The clusters of copies, each kept by the content that stands for it in `clusters`.
    contents, files
        Those of both.
    rules
        As for `choose_keepers`.
    """
    copies_of = {each.keeper: each.copies for each in copies}
    whole = [_with_copies(each, copies_of, contents, files) for each in clusters if each.copies]
    shot_copies = {
        contents[number].digest: ShotCopy(contents[each.keeper].digest, verdict)
        for each in copies
        for number, (verdict, _) in each.copies.items()
        if verdict in SAME_FRAME_VERDICTS
    }
    scenes = [
        each
        for each in whole
        if not all(is_screenshot(files.best(contents[n])) for n in (each.keeper, *each.copies))
    ]
    found = choose_keepers(scenes, contents, files, replace(rules, kinds=BURST_ONLY | {Verdict.BYTES}))
    return tuple(
        replace(group, members=tuple(_staying(each, shot_copies) for each in group.members))
        for group in found
    )


def _with_copies(
    cluster: Cluster,
    copies_of: Mapping[int, Mapping[int, CopyVerdict]],
    contents: Mapping[int, Content],
    files: RankedFiles,
) -> Cluster:
    copies, said = dict(cluster.copies), dict(cluster.shots)
    for shot in (cluster.keeper, *cluster.copies):
        name = show_path(os.path.basename(files.best(contents[shot]).photo.path))
        for number, found in copies_of.get(shot, {}).items():
            if found[0] not in SAME_FRAME_VERDICTS:
                continue
            words = f"a copy of {name} ({found[0].label})"
            is_kept_shot = shot == cluster.keeper
            copies[number] = found if is_kept_shot else (Verdict.BURST, Evidence(indirect=True, note=words))
            said[number] = words
    return Cluster(cluster.keeper, copies, said)


def _staying(member: Member, shot_copies: Mapping[bytes, ShotCopy]) -> Member:
    if member.verdict is not Verdict.BURST:
        return replace(member, stay_reason=_OF_KEPT_SHOT) if member.may_go else member
    same_file = ShotCopy(member.photo.digest, Verdict.BYTES) if member.may_go else None
    copy_of = shot_copies.get(member.photo.digest, same_file)
    if not copy_of:
        return member
    return replace(member, stay_reason=StayReason(member.reason), reason="", copy_of=copy_of)
