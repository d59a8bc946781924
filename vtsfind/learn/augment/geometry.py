"""The shape of an edit as one projective map, so that a view is sampled from its picture only once.

Pictures and views are squares of coordinates -1 to 1 in both directions, whatever their aspect (width / height), which is
kept beside them. A map goes from the coordinates of the view to those of the picture, (b, 3, 3); maps of later edits are multiplied
from the right.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.augment.draws import Draws

OVERSAMPLING = 2
"""Samples a pixel of the view and direction, whose mean it is: no alias where pictures shrink to as little as half."""
_HALF_SIDES = (0.45, 0.6)
"""Windows of about half of each side are what a model misses first, so more of them are made than of any other size."""


def scaling(x: Tensor, y: Tensor) -> Tensor:
    """The maps that multiply coordinates by x and y, (b,) each."""
    return _maps(len(x), {(0, 0): x, (1, 1): y})


def shifting(x: Tensor, y: Tensor) -> Tensor:
    """The maps that add x and y, (b,) each."""
    return _maps(len(x), {(0, 2): x, (1, 2): y})


def windowing(width: Tensor, height: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The maps to a window of a share of each side, which is at x and y: -1 for left or top, 1 for right or bottom."""
    return shifting((1 - width) * x, (1 - height) * y) @ scaling(width, height)


def mirroring(horizontal: Tensor, vertical: Tensor) -> Tensor:
    """The maps that mirror where the (b,) bool say so."""
    return scaling(1 - 2 * horizontal.float(), 1 - 2 * vertical.float())


def quarter_turning(which: Tensor) -> Tensor:
    """The maps that turn by 90 degrees where the (b,) bool say so."""
    turned, straight = which.float(), 1 - which.float()
    return _maps(len(which), {(0, 0): straight, (0, 1): -turned, (1, 0): turned, (1, 1): straight})


def rotating(angle: Tensor, aspect: Tensor, shows_all: Tensor) -> tuple[Tensor, Tensor]:
    """The maps that turn pictures by an angle around their middle.

    Parameters
    ----------
    angle
        (b,) in radians.
    aspect
        (b,) of the pictures.
    shows_all
        (b,) bool: whether the view grows to show all of the picture, or keeps its shape and loses the corners.

    Returns
    -------
    The maps, and the aspects of the views.
    """
    cosine, sine = angle.cos(), angle.sin()
    width = torch.where(shows_all, aspect * cosine.abs() + sine.abs(), aspect)
    height = torch.where(shows_all, aspect * sine.abs() + cosine.abs(), torch.ones_like(aspect))
    entries = {
        (0, 0): width * cosine / aspect,
        (0, 1): height * sine / aspect,
        (1, 0): -width * sine,
        (1, 1): height * cosine,
    }
    return _maps(len(angle), entries), width / height


def tilting(x: Tensor, y: Tensor) -> Tensor:
    """The maps of a flat picture that is seen from aside, by x and y, (b,) in -1..1: how much nearer one edge is."""
    return _maps(len(x), {(2, 0): x, (2, 1): y})


def _maps(count: int, entries: dict[tuple[int, int], Tensor]) -> Tensor:
    """Identities with some entries replaced."""
    maps = torch.eye(3).repeat(count, 1, 1)
    for (row, column), values in entries.items():
        maps[:, row, column] = values
    return maps


def draw_maps(draws: Draws, aspect: Tensor) -> Tensor:
    """Draw the shapes of edits: windows, mirrors, turns, tilts and rims.

    Parameters
    ----------
    draws
        Of b views.
    aspect
        (b,) of their pictures.

    Returns
    -------
    (b, 3, 3), on the CPU.
    """
    maps, aspect = _draw_window(draws, aspect)
    maps = maps @ mirroring(_drawn(draws, 0.3), _drawn(draws, 0.12))
    quarter = _drawn(draws, 0.15)
    maps = maps @ quarter_turning(quarter)
    aspect = torch.where(quarter, 1 / aspect, aspect)
    tilted = _drawn(draws, 0.08)
    maps = maps @ tilting(draws.uniform(-0.3, 0.3) * tilted, draws.uniform(-0.3, 0.3) * tilted)
    turn, _ = rotating(_draw_angle(draws), aspect, draws.happens(0.6))
    maps = maps @ turn @ _draw_rim(draws)
    again = _drawn(draws, 0.15)
    side = torch.where(again, draws.uniform(0.75, 1.0), 1.0)
    return maps @ windowing(side, side, draws.uniform(-1, 1), draws.uniform(-1, 1))


def draw_window(draws: Draws, area: tuple[float, float]) -> Tensor:
    """Draw windows of a share of the area, mirrored half of the time."""
    side, shape = draws.uniform(*area).sqrt(), torch.exp(draws.uniform(-0.15, 0.15))
    width, height = (side * shape).clamp(max=1), (side / shape).clamp(max=1)
    window = windowing(width, height, draws.uniform(-1, 1), draws.uniform(-1, 1))
    mirrored = draws.happens(0.5)
    return window @ mirroring(mirrored, torch.zeros_like(mirrored))


def _drawn(draws: Draws, chance: float) -> Tensor:
    """Whether an edit changes each view, (b,) bool."""
    return draws.happens(chance * draws.strength)


def _draw_window(draws: Draws, aspect: Tensor) -> tuple[Tensor, Tensor]:
    cropped, half = _drawn(draws, 0.55), draws.happens(0.4)
    side = torch.where(half, draws.uniform(*_HALF_SIDES), draws.uniform(0.6, 1.0))
    shape = torch.exp(draws.uniform(-0.2, 0.2))
    width = torch.where(cropped, (side * shape).clamp(max=1), 1.0)
    height = torch.where(cropped, (side / shape).clamp(max=1), 1.0)
    return windowing(width, height, draws.uniform(-1, 1), draws.uniform(-1, 1)), aspect * width / height


def _draw_angle(draws: Draws) -> Tensor:
    """Mostly no turn, sometimes a small one or a middle one, seldom any."""
    size, kind, turned = draws.uniform(-1, 1), draws.uniform(), _drawn(draws, 0.3)
    widest = torch.where(kind < 0.4, 10.0, torch.where(kind < 0.85, 40.0, 180.0))
    return size * widest * turned * (math.pi / 180)


def _draw_rim(draws: Draws) -> Tensor:
    """Room around the picture: on all sides, or above and below as on the screen of a telephone."""
    rimmed, tall = _drawn(draws, 0.25), draws.happens(0.4)
    across = torch.where(rimmed & ~tall, draws.uniform(1.0, 1.5), 1.0)
    along = torch.where(rimmed, torch.where(tall, draws.uniform(1.1, 2.2), draws.uniform(1.0, 1.5)), 1.0)
    # A window larger than the picture.
    return windowing(across, along, draws.uniform(-1, 1), draws.uniform(-1, 1))


def sample(pictures: Tensor, maps: Tensor, size: int, ground: Tensor) -> Tensor:
    """Sample views from pictures.

    Parameters
    ----------
    pictures
        (b, c, h, w) float.
    maps
        (b, 3, 3), see the module.
    size
        Side of the views, in pixels.
    ground
        (b, c): the colour of what lies outside a picture.

    Returns
    -------
    (b, c, size, size) float.
    """
    side = OVERSAMPLING * size
    centres = (2 * torch.arange(side, device=pictures.device) + 1) / side - 1
    by_column, by_row, constant = maps.to(pictures.device)[..., None].unbind(2)
    across = (by_column * centres)[:, :, None, :] + (by_row * centres + constant)[:, :, :, None]
    grid = (across[:, :2] / across[:, 2:]).permute(0, 2, 3, 1)
    colour = ground[:, :, None, None]
    sampled = F.grid_sample(pictures - colour, grid, align_corners=False)
    return F.avg_pool2d(sampled, OVERSAMPLING) + colour
