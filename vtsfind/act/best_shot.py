"""The best of several shots of one scene: sharp, and with little that is blown out or black.

Whether a shot is too dark or too bright for taste is not measured, so nothing is said of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vtsfind.media.shot_quality import ShotQuality

_CLIPPING_WEIGHT: Final = 2.0
"""Loss of score for each share of pixels that lost detail beyond the shot that lost least: 5 % count as 10 % of sharpness."""
_CLEAR_LEAD: Final = 0.03
"""Lead in score from which one shot is clearly better; more than what saving it as a slightly worse JPEG makes."""
_NOTABLE_CLIPPING: Final = 0.01
"""Share of the pixels from which more lost detail than in another shot is worth a word."""


@dataclass(frozen=True, slots=True)
class BestShot:
    """The best one of some shots."""

    best: int
    """Its index."""
    reasons: tuple[str, ...]
    """For each shot, why it is the best one, or what is worse about it; empty if it could not be read."""


def best_shot(qualities: Sequence[ShotQuality | None]) -> BestShot | None:
    """Choose the best of several shots: the first one than which none is clearly better.

    Parameters
    ----------
    qualities
        The rating of each shot; None for one that could not be read.

    Returns
    -------
    None if fewer than two could be read.
    """
    rated = {place: quality for place, quality in enumerate(qualities) if quality}
    if len(rated) < 2:
        return None
    sharpest = max(quality.sharpness for quality in rated.values()) or 1.0
    least_clipped = min(quality.white + quality.black for quality in rated.values())
    scores = {
        place: quality.sharpness / sharpest
        - _CLIPPING_WEIGHT * (quality.white + quality.black - least_clipped)
        for place, quality in rated.items()
    }
    leading = [place for place, score in scores.items() if max(scores.values()) - score < _CLEAR_LEAD]
    best = rated[leading[0]]
    reasons = [_reason(quality, best) if quality else "" for quality in qualities]
    others = [quality for place, quality in rated.items() if place != leading[0]]
    if len(leading) == 1:
        merit = f"{_merits(best, others)} of {len(qualities)} shots"
    else:
        equal = len(leading) - 1
        merit = f"about as good as {'another shot' if equal == 1 else f'{equal} other shots'} of its size"
    reasons[leading[0]] = ", but ".join([merit, *_faults(best, others)])
    return BestShot(leading[0], tuple(reasons))


def _reason(shot: ShotQuality, best: ShotQuality) -> str:
    """What is worse about a shot than about the best one, and what is better."""
    worse, better = [], []
    share = shot.sharpness / (best.sharpness or 1.0)
    if share < 1 - _CLEAR_LEAD:
        worse.append(f"less sharp, {100 * share:.0f} % of the kept one")
    elif share > 1 + _CLEAR_LEAD:
        better.append("sharper")
    for own, other, words in ((shot.white, best.white, "blown out"), (shot.black, best.black, "black")):
        if own - other >= _NOTABLE_CLIPPING:
            kept = f" ({100 * other:.0f} % of the kept one)" if other >= _NOTABLE_CLIPPING else ""
            worse.append(f"{100 * own:.0f} % is {words}{kept}")
        elif other - own >= _NOTABLE_CLIPPING:
            better.append(f"less is {words}")
    if not worse and not better:
        return "as sharp as the kept one, with no more blown out or black"
    return ", but ".join(filter(None, (", ".join(worse), " and ".join(better))))


def _faults(best: ShotQuality, others: Sequence[ShotQuality]) -> list[str]:
    """What more of the best shot than of another one lost its detail."""
    shares = [
        (getattr(best, name), min(getattr(other, name) for other in others)) for name in ("white", "black")
    ]
    return [
        f"{100 * own:.0f} % is {words}"
        for (own, least), words in zip(shares, ("blown out", "black"), strict=True)
        if own - least >= _NOTABLE_CLIPPING
    ]


def _merits(best: ShotQuality, others: Sequence[ShotQuality]) -> str:
    """Why a shot is the best."""
    parts = []
    if best.sharpness * (1 - _CLEAR_LEAD) > max(other.sharpness for other in others):
        parts.append("sharpest")
    if best.white + _NOTABLE_CLIPPING <= min(other.white for other in others):
        parts.append("least blown out")
    if best.black + _NOTABLE_CLIPPING <= min(other.black for other in others):
        parts.append("least black")
    return " and ".join(parts) or "best mix of sharp and not blown out or black"
