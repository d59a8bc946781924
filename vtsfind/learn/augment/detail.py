"""Edits of fine detail: blur, sharpening and noise, on batches of pictures (b, 3, h, w) float in 0..1."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.augment.draws import Draws, change

_RADIUS_PX = 6
"""Of the kernel of a blur: two and a half deviations of the strongest."""
_NOISE_SIDE = 512
"""Side of the field of noise, in pixels, of which each view takes a part."""
_NOISE_SEED = 1


def blurred(pictures: Tensor, draws: Draws) -> Tensor:
    """Blur some, as an enlarged thumbnail is, and sharpen some others."""
    soft, sigma = draws.edits(0.2), torch.exp(draws.uniform(-1.0, 0.9))
    pictures = change(pictures, soft, lambda some, rows: gaussian_blur(some, sigma[rows].to(pictures.device)))
    sharp, amount = draws.edits(0.08), draws.uniform(0.5, 2.5)

    def sharpen(some: Tensor, rows: Tensor) -> Tensor:
        blurry = gaussian_blur(some, torch.ones(len(rows), device=some.device))
        return (some + draws.column(amount[rows]) * (some - blurry)).clamp(0, 1)

    return change(pictures, sharp, sharpen)


def gaussian_blur(pictures: Tensor, sigma: Tensor) -> Tensor:
    """Blur each picture by its own deviation, (b,) in pixels; edges are repeated outside."""
    b, c, h, w = pictures.shape
    offsets = torch.arange(-_RADIUS_PX, _RADIUS_PX + 1, device=pictures.device)
    kernel = torch.exp(-(offsets**2) / (2 * sigma[:, None] ** 2))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(c, 0)[:, None]
    padded = F.pad(pictures, (_RADIUS_PX,) * 4, mode="replicate")
    padded = padded.reshape(1, b * c, h + 2 * _RADIUS_PX, w + 2 * _RADIUS_PX)
    along = F.conv2d(padded, kernel[:, :, :, None], groups=b * c)
    return F.conv2d(along, kernel[:, :, None, :], groups=b * c).view_as(pictures)


def noisy(pictures: Tensor, draws: Draws) -> Tensor:
    """Add noise of a normal distribution to some."""
    edited, deviation = draws.edits(0.08), draws.uniform(0.015, 0.1)
    places = [draws.uniform(0, _NOISE_SIDE - pictures.shape[-1]).long() for _ in range(2)]

    def add(some: Tensor, rows: Tensor) -> Tensor:
        side = torch.arange(some.shape[-1], device=some.device)
        y, x = (place[rows].to(some.device)[:, None] + side for place in places)
        noise = _noise(some.device)[:, y[:, :, None], x[:, None, :]].transpose(0, 1)
        return (some + draws.column(deviation[rows]) * noise).clamp(0, 1)

    return change(pictures, edited, add)


@cache
def _noise(device: torch.device) -> Tensor:
    """Standard normal noise, (3, side, side), the same every time."""
    generator = torch.Generator().manual_seed(_NOISE_SEED)
    return torch.randn(3, _NOISE_SIDE, _NOISE_SIDE, generator=generator).to(device)
