"""A plain EfficientNet-lite for encoding, which needs nothing but torch.

EfficientNet-lite (Tan and Le, "EfficientNet", ICML 2019, without squeeze-and-excitation and with ReLU6, as Google published it
for small devices) is built of inverted residuals (Sandler et al., "MobileNetV2", CVPR 2018). It is frozen here, so each batch
normalisation is folded into the convolution before it (`fold`), and tensors are laid out channels last, for which
processors have the faster convolutions. Tensors have timm's names and it gives timm's values, those of the variants whose
names begin with `tf_`: convolutions of stride 2 pad as TensorFlow does, the odd pixel after.

Axis letters: b pictures, c channels, h rows, w columns, d features.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vtsfind.learn.models.numpy_network import STAGE_STRIDES

_NORM_EPS = 1e-3
_LARGE_STAGES = 2
"""Stages whose tensors are much larger than those behind them: up to 2.5 MB a picture of 160 pixels in bfloat16."""
_LARGE_AT_ONCE = 4
"""Pictures that a processor takes through them at once; more are no faster there."""
_NORM_AFTER = {
    "conv_stem": "bn1",
    "conv_head": "bn2",
    "separable.conv_dw": "bn1",
    "separable.conv_pw": "bn2",
    "inverted.conv_pw": "bn1",
    "inverted.conv_dw": "bn2",
    "inverted.conv_pwl": "bn3",
}
"""The batch normalisation behind each convolution, in timm's names."""


def fold(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Fold the batch normalisations of an EfficientNet-lite into its convolutions.

    Parameters
    ----------
    weights
        timm's name to tensor; a classifier is left out.

    Returns
    -------
    Names as in `PlainEfficientNet`: `weight` and `bias` of each convolution, float32.
    """
    folded = {}
    for name, kernel in weights.items():
        place, _, kind = name.rpartition(".")
        block, _, conv = place.rpartition(".")
        if kind != "weight" or not conv.startswith("conv_"):
            continue
        in_block = "inverted." if f"{block}.conv_pwl.weight" in weights else "separable."
        norm = _NORM_AFTER[f"{in_block if block else ''}{conv}"]
        before = f"{block}.{norm}." if block else f"{norm}."
        scale = weights[f"{before}weight"] / (weights[f"{before}running_var"] + _NORM_EPS).sqrt()
        folded[name] = kernel * scale[:, None, None, None]
        folded[f"{place}.bias"] = weights[f"{before}bias"] - weights[f"{before}running_mean"] * scale
    return folded


class PlainEfficientNet(nn.Module):
    """An EfficientNet-lite of the shape that its folded weights have.

    Parameters
    ----------
    weights
        From `fold`. The number of blocks, their widths and kernels are read from it. The values are not taken.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.conv_stem = _convolution(weights, "conv_stem", stride=2)
        stages = []
        for number, stride in enumerate(STAGE_STRIDES):
            count = len({name.split(".")[2] for name in weights if name.startswith(f"blocks.{number}.")})
            stages.append(
                nn.Sequential(
                    *(_Block(weights, f"blocks.{number}.{i}.", 1 if i else stride) for i in range(count))
                )
            )
        self.blocks = nn.Sequential(*stages)
        self.conv_head = _convolution(weights, "conv_head")
        self.num_features: int = self.conv_head.out_channels
        """d."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the pooled features, (b, d), of pictures (b, 3, h, w)."""
        images = images.contiguous(memory_format=torch.channels_last)
        at_once = _LARGE_AT_ONCE if images.device.type == "cpu" else len(images)
        large = self.blocks[:_LARGE_STAGES]
        x = torch.cat([large(_relu6(self.conv_stem(part))) for part in torch.split(images, at_once)])
        return _relu6(self.conv_head(self.blocks[_LARGE_STAGES:](x))).mean((2, 3))


class _Block(nn.Module):
    """An inverted residual: widen, filter each channel, narrow; the first stage's blocks do not widen."""

    def __init__(self, weights: Mapping[str, Tensor], start: str, stride: int) -> None:
        super().__init__()
        last = "conv_pwl" if f"{start}conv_pwl.weight" in weights else "conv_pw"
        if last == "conv_pwl":
            self.conv_pw = _convolution(weights, f"{start}conv_pw")
        self.conv_dw = _convolution(weights, f"{start}conv_dw", stride=stride)
        self.add_module(last, _convolution(weights, start + last))
        self._last = last
        self._widens = last == "conv_pwl"
        narrow = self.conv_pw.in_channels if self._widens else self.conv_dw.in_channels
        self._residual = stride == 1 and narrow == self.get_submodule(last).out_channels

    def forward(self, x: Tensor) -> Tensor:
        wide = _relu6(self.conv_pw(x)) if self._widens else x
        narrow: Tensor = self.get_submodule(self._last)(_relu6(self.conv_dw(wide)))
        return x + narrow if self._residual else narrow


def _relu6(x: Tensor) -> Tensor:
    """In place: what a convolution gave is of no other use, and is large."""
    return F.relu6(x, inplace=True)


class _SamePadded(nn.Conv2d):
    """A convolution of stride 2 that gives half of the pixels, rounded up, and pads the odd pixel after."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        rows, columns = (max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:])
        padded = F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        return super().forward(padded)


def _convolution(weights: Mapping[str, Tensor], name: str, *, stride: int = 1) -> nn.Conv2d:
    """A convolution of the shape of its weights; one input channel a kernel means one kernel a channel."""
    width, channels, side, _ = weights[f"{name}.weight"].shape
    groups = width if channels == 1 else 1
    if stride > 1:
        return _SamePadded(channels * groups, width, side, stride, groups=groups)
    return nn.Conv2d(channels * groups, width, side, padding=side // 2, groups=groups)
