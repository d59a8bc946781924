"""Choosing keepers: from clusters of contents to groups of files, with the reason for each in words."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from vtsfind.act.removal import stay_reasons
from vtsfind.base.groups import Evidence, Group, Member, Verdict
from vtsfind.base.paths import show_path
from vtsfind.engine.duplicates.clustering import Cluster
from vtsfind.engine.duplicates.keeper_ranking import CopyVerdict, RankedFiles
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.library.sidecar_places import SidecarPlaces
from vtsfind.engine.library.snapshot import Content

SAME_CONTENT: CopyVerdict = (Verdict.BYTES, Evidence(agreement=1.0, note="same content"))


def choose_keepers(
    clusters: Iterable[Cluster], contents: Mapping[int, Content], files: RankedFiles, rules: Rules
) -> tuple[Group, ...]:
    """Make groups of clusters; none of a cluster in which nothing is left to remove.

    Parameters
    ----------
    clusters
        The contents that belong together, by number.
    contents
        By number, with their sidecars.
    files
        The files of the contents, ranked.
    rules
        The keep policy, the scope, and what the user decided.

    Returns
    -------
    Those that free most first, equal ones by the path of the keeper.
    """
    made = (_group(cluster, contents, files, rules) for cluster in clusters)
    groups = sorted((group for group in made if group), key=lambda group: (-group.gain, group.keeper.path))
    return tuple(replace(group, number=number) for number, group in enumerate(groups, 1))


def _group(
    cluster: Cluster, contents: Mapping[int, Content], files: RankedFiles, rules: Rules
) -> Group | None:
    """The group of a cluster; None if nothing is left but the keeper."""
    policy, scope = rules.policy, rules.scope
    own = contents[cluster.keeper]
    keeper = files.best(own)
    verdicts = {photo.path: found for n, found in cluster.copies.items() for photo in contents[n].photos}
    if _groups_identical_files(own, rules):
        verdicts |= {photo.path: SAME_CONTENT for photo in own.photos}
    others = [
        files.candidate(path)
        for path in verdicts
        if path != keeper.photo.path
        and not policy.protected(path)
        and scope.includes_pair(keeper.photo.path, path)
    ]
    if not others:
        return None
    said = {photo.path: words for n, words in cluster.shots.items() for photo in contents[n].photos}
    shots = [each for each in others if verdicts[each.photo.path][0] is Verdict.BURST]
    second = min(shots or others, key=files.key)
    others.sort(key=lambda each: (verdicts[each.photo.path][0].rank, files.key(each)))
    copies = [
        Member(
            each.photo,
            *verdicts[each.photo.path],
            said.get(each.photo.path) or policy.loss(keeper, each, verdicts[each.photo.path][1]),
            each.details,
        )
        for each in others
    ]
    shot = cluster.shots.get(cluster.keeper)
    reason = shot or policy.keeper_reason([keeper, second], verdicts[second.photo.path][1])
    doubts = (
        policy.ambiguity(keeper, each, verdicts[each.photo.path][1])
        or ("" if shot else policy.enlargement_doubt(keeper, each))
        for each in others
    )
    doubt = next(filter(None, doubts), "")
    members = (Member(keeper.photo, None, Evidence(), reason, keeper.details), *copies)
    staying = stay_reasons(members, asked=rules.asked, sidecar_problem=SidecarPlaces().problem)
    proposed = [replace(each, stay_reason=staying.get(place)) for place, each in enumerate(members)]
    return Group(
        0,
        tuple(_with_twin(each, proposed) for each in proposed),
        bool(doubt) or (not shot and policy.tied(keeper, second)),
        doubt,
    )


def _with_twin(member: Member, members: Iterable[Member]) -> Member:
    """A member that goes for another one than the keeper, of its own content, with that as its reason."""
    twins = (each for each in members if each.photo.digest == member.photo.digest and each.stay_reason)
    twin = next(twins, None) if member.may_go and member.verdict is not Verdict.BYTES else None
    if twin is None:
        return member
    return replace(
        member, reason=f"the same file as {show_path(os.path.basename(twin.photo.path))}, which stays"
    )


def _groups_identical_files(content: Content, rules: Rules) -> bool:
    """Whether files of one content are copies to be shown."""
    is_excluded = rules.decisions.is_excluded(content.digest, content.digest)
    return Verdict.BYTES in rules.kinds and not is_excluded
