"""Views of a batch of pictures: every edit in the order in which people make them.

These edits are for training; a benchmark must use its own. Axis letters: b views, n pictures of the pool, s side of a view.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.augment import detail, geometry, jpeg, overlays, tone
from vtsfind.learn.augment.draws import Draws
from vtsfind.learn.augment.pool import PicturePool

_MILD_AREA = (0.35, 1.0)
_GREY_GROUND = 0.5
"""Share of grounds that are black, white or grey."""


def edited(pool: PicturePool, rows: Tensor, draws: Draws, size: int) -> Tensor:
    """Make edited views of pictures.

    Parameters
    ----------
    pool
        The pictures.
    rows
        (b,) int64 on the CPU: which picture each view shows.
    draws
        Of the views. Strength 0 gives whole pictures, upright and unchanged.
    size
        Side of the views, in pixels.

    Returns
    -------
    (b, 3, s, s) float in 0..1.
    """
    maps = geometry.draw_maps(draws, pool.aspects[rows])
    views = geometry.sample(pool.pictures(rows), maps, size, _grounds(draws))
    views = detail.blurred(tone.toned(views, draws), draws)
    other = draws.uniform(0, len(pool)).long().clamp(max=len(pool) - 1)
    views = overlays.mixed(views, lambda some: plain(pool, other[some], size), draws)
    views = detail.noisy(overlays.overlaid(views, draws), draws)
    return jpeg.recompressed(views, draws)


def mild(pool: PicturePool, rows: Tensor, draws: Draws, size: int) -> Tensor:
    """Make views that show the same subject: a window, half of them mirrored, in slightly other colours; as for `edited`."""
    maps = geometry.draw_window(draws, _MILD_AREA)
    views = geometry.sample(pool.pictures(rows), maps, size, _grounds(draws))
    return tone.mildly_toned(views, draws)


def plain(pool: PicturePool, rows: Tensor, size: int) -> Tensor:
    """Reduce whole pictures as a model's input is; as for `edited`."""
    whole = pool.pictures(rows)
    reduced = F.interpolate(whole, (size, size), mode="bicubic", antialias=True, align_corners=False)
    return reduced.clamp(0, 1)


def as_pixels(views: Tensor) -> Tensor:
    """Views (b, 3, s, s) float in 0..1 as pictures (b, s, s, 3) uint8."""
    return (views * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _grounds(draws: Draws) -> Tensor:
    """What lies around pictures: a colour for each view, (b, 3), on the device."""
    colour = torch.stack([draws.uniform() for _ in range(3)], dim=1)
    grey = (draws.uniform(-0.5, 1.5).clamp(0, 1))[:, None].expand(-1, 3)
    return torch.where(draws.happens(_GREY_GROUND)[:, None], grey, colour).to(draws.device)
