"""Laying pictures over pictures: writing, stickers and bars; other pictures beside, within or shining through."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.augment.draws import Draws, change
from vtsfind.media.sprites import draw_sprites

_SPRITES = 256
_SPRITE_SEED = 1
_OVERLAY_CHANCES = (0.3, 0.15, 0.08)
"""Of a first, a second and a third overlay."""


def overlaid(pictures: Tensor, draws: Draws) -> Tensor:
    """Lay writing and drawings over some pictures, (b, 3, h, w) float in 0..1, up to three each."""
    for chance in _OVERLAY_CHANCES:
        pictures = _overlaid_once(pictures, draws, chance)
    return pictures


def _overlaid_once(pictures: Tensor, draws: Draws, chance: float) -> Tensor:
    edited, which = draws.edits(chance), draws.uniform(0, _SPRITES).long().clamp(max=_SPRITES - 1)
    half_width = draws.uniform(0.12, 1.0)
    half_height = half_width * draws.uniform(0.3, 0.9)
    box = torch.stack([draws.uniform(-1, 1), draws.uniform(-1, 1), half_width, half_height], dim=1)
    opacity = draws.uniform(0.6, 1.0)

    def lay(some: Tensor, rows: Tensor) -> Tensor:
        chosen = sprites(some.device)[which[rows].to(some.device)].to(some.dtype) / 255
        chosen[:, 3:] *= draws.column(opacity[rows])
        return paste(some, chosen, box[rows])

    return change(pictures, edited, lay)


def mixed(pictures: Tensor, others: Callable[[Tensor], Tensor], draws: Draws) -> Tensor:
    """Mix others into some pictures.

    Parameters
    ----------
    pictures
        (b, 3, h, w) float in 0..1.
    others
        Gives the other picture of each of some views, (m, 3, h, w), by the numbers of these views, (m,) int64.
    draws
        Of the views.

    Returns
    -------
    (b, 3, h, w).
    """
    kind, size = draws.uniform() / max(draws.strength, 1e-6), draws.uniform()
    across, down = draws.uniform(-1, 1), draws.uniform(-1, 1)

    def shine_through(some: Tensor, rows: Tensor) -> Tensor:
        return torch.lerp(some, others(rows), draws.column(0.1 + 0.35 * size[rows]))

    def lay_within(some: Tensor, rows: Tensor) -> Tensor:
        half = 0.2 + 0.25 * size[rows]
        box = torch.stack([(1 - half) * across[rows], (1 - half) * down[rows], half, half], dim=1)
        return paste(some, _opaque(others(rows)), box)

    def put_beside(some: Tensor, rows: Tensor) -> Tensor:
        share = 0.5 + 0.35 * size[rows]
        upright, first = across[rows] > 0, torch.sign(down[rows])
        place, whole, none = first * (1 - share), torch.ones_like(share), torch.zeros_like(share)
        columns = torch.stack([place, none, share, whole], dim=1)
        box = torch.where(upright[:, None], columns, columns[:, [1, 0, 3, 2]])
        return paste(others(rows), _opaque(some), box)

    pictures = change(pictures, kind < 0.05, shine_through)
    pictures = change(pictures, (kind >= 0.05) & (kind < 0.1), lay_within)
    return change(pictures, (kind >= 0.1) & (kind < 0.16), put_beside)


def _opaque(pictures: Tensor) -> Tensor:
    """With a channel of ones for opacity."""
    return torch.cat([pictures, torch.ones_like(pictures[:, :1])], dim=1)


def paste(pictures: Tensor, layers: Tensor, boxes: Tensor) -> Tensor:
    """Lay a picture over each of others.

    Parameters
    ----------
    pictures
        (b, 3, h, w) float.
    layers
        (b, 4, h', w') float; the last channel is the opacity, 0 to 1.
    boxes
        (b, 4): the middle of where the layer lies, across and down, and half of its width and height, where the picture
        goes from -1 to 1.

    Returns
    -------
    (b, 3, h, w).
    """
    on_device = boxes.to(pictures.device, pictures.dtype)
    middle, half = on_device[:, :2], on_device[:, 2:]
    maps = torch.cat([torch.diag_embed(1 / half), (-middle / half)[:, :, None]], dim=2)
    grid = F.affine_grid(maps, [*layers.shape[:2], *pictures.shape[2:]], align_corners=False)
    # Colours are weighted by their opacity first, so that nothing shines in from beyond an edge.
    weighted = torch.cat([layers[:, :3] * layers[:, 3:], layers[:, 3:]], dim=1)
    laid = F.grid_sample(weighted, grid, align_corners=False)
    return pictures * (1 - laid[:, 3:]) + laid[:, :3]


@cache
def sprites(device: torch.device) -> Tensor:
    """What is laid over pictures, (n, 4, h, w) uint8, the same every time."""
    drawn = draw_sprites(_SPRITES, np.random.default_rng(_SPRITE_SEED))
    return torch.from_numpy(drawn).permute(0, 3, 1, 2).contiguous().to(device)
