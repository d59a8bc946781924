"""Edits of tone and colour, on batches of pictures (b, 3, h, w) float in 0..1."""

import torch
from torch import Tensor

from vtsfind.learn.augment.draws import Draws, change

_LUMA = (0.299, 0.587, 0.114)


def grey_values(pictures: Tensor) -> Tensor:
    """The luma of ITU-R BT.601, (b, 1, h, w)."""
    return (pictures * pictures.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)


def toned(pictures: Tensor, draws: Draws) -> Tensor:
    """Change light, contrast and colours of some pictures, as filters, screens and printers do."""
    pictures = _with_gains(_lit(pictures, draws), draws).clamp(0, 1)
    return _with_few_levels(_tinted(_bent(pictures, draws), draws), draws)


def mildly_toned(pictures: Tensor, draws: Draws) -> Tensor:
    """Change light, contrast and saturation of some pictures."""
    return _lit(pictures, draws).clamp(0, 1)


def _lit(pictures: Tensor, draws: Draws) -> Tensor:
    """Change light, contrast and saturation; take out all colour of a few."""
    light, contrast, saturation = (
        draws.factor(low, high, draws.edits(0.35)) for low, high in ((0.5, 1.6), (0.45, 1.7), (0.0, 2.0))
    )
    saturation = saturation * ~draws.edits(0.1)
    lit = pictures * draws.column(light)
    mean = lit.mean((1, 2, 3), keepdim=True)
    lit = mean + (lit - mean) * draws.column(contrast)
    grey = grey_values(lit)
    return grey + (lit - grey) * draws.column(saturation)


def _with_gains(pictures: Tensor, draws: Draws) -> Tensor:
    """Multiply each channel by its own number, as another white balance does."""
    edited = draws.edits(0.25)
    gains = torch.stack([draws.factor(0.7, 1.3, edited) for _ in range(3)], dim=1)
    return pictures * gains.to(pictures.device)[:, :, None, None]


def _bent(pictures: Tensor, draws: Draws) -> Tensor:
    """Change gamma."""
    edited, exponent = draws.edits(0.2), torch.exp(draws.uniform(-0.7, 0.7))
    return change(pictures, edited, lambda some, rows: some.clamp(min=1e-4) ** draws.column(exponent[rows]))


def _tinted(pictures: Tensor, draws: Draws) -> Tensor:
    """Map grey values to colours between a dark and a light one, such as sepia."""
    edited = draws.edits(0.05)
    dark = torch.stack([draws.uniform(0.0, 0.25) for _ in range(3)], dim=1)
    light = torch.stack([draws.uniform(0.7, 1.0) for _ in range(3)], dim=1)

    def tint(some: Tensor, rows: Tensor) -> Tensor:
        low, high = (ends[rows].to(some.device)[:, :, None, None] for ends in (dark, light))
        return low + grey_values(some) * (high - low)

    return change(pictures, edited, tint)


def _with_few_levels(pictures: Tensor, draws: Draws) -> Tensor:
    """Leave few levels of each channel."""
    edited, levels = draws.edits(0.06), draws.uniform(2, 7).round()

    def posterise(some: Tensor, rows: Tensor) -> Tensor:
        steps = draws.column(levels[rows])
        return (some * steps).round() / steps

    return change(pictures, edited, posterise)
