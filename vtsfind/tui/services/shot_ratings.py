"""The suggested shot of groups of other shots: rated by a worker when a group is shown, then kept."""

from vtsfind.base.groups import Group, Verdict
from vtsfind.engine.previews.decode import LARGE_SIDE_PX, Preview, Previews
from vtsfind.engine.review.best_shot import BestShot, best_shot, shot_quality
from vtsfind.tui.services.thumbnails import LruCache

_MAX_CACHED = 500


class ShotRatings:
    """Rates the shots of groups.

    Parameters
    ----------
    previews
        Decodes photos.
    """

    def __init__(self, previews: Previews) -> None:
        self._previews = previews
        self._known: LruCache[tuple[bytes, ...], BestShot] = LruCache(_MAX_CACHED)

    def get(self, group: Group) -> BestShot | None:
        """The rating of a group; None if `rate` has not made it yet."""
        return self._known.get(_key(group))

    def rate(self, group: Group) -> BestShot:
        """Decode and rate the shots of a group; for workers. The keeper's copies get no rating of their own.

        Raises
        ------
        Cancelled
            If the previews were closed meanwhile.
        """
        qualities = []
        for member in group.members:
            is_shot = member.verdict in {None, Verdict.BURST}
            preview = self._previews.preview(member.photo.path, LARGE_SIDE_PX) if is_shot else None
            qualities.append(shot_quality(preview.pixels) if isinstance(preview, Preview) else None)
        rating = best_shot(qualities)
        self._known.put(_key(group), rating)
        return rating


def has_shots(group: Group) -> bool:
    """Whether a group has other shots of the keeper's scene."""
    return any(member.verdict is Verdict.BURST for member in group.members)


def _key(group: Group) -> tuple[bytes, ...]:
    return tuple(member.photo.digest for member in group.members)
