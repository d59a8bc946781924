"""Vision Transformer Hashing: a backbone and one or more named hash heads on one forward pass.

The heads come in three kinds, by what they read from the backbone (axis letters: b pictures, t tokens with the class
token first, d width, k bits):

``all``
    Every token, flattened to (b, t * d), then dropout, a hidden layer of 1024 and the bits: the main model of the VTS
    paper (Dubey, Singh, Chu, 2021, section 3). Its size grows with the number of tokens: 155 million weights at 16-pixel
    patches.
``cls``
    The class token, (b, d), then the bits: the paper's ablation.
``lite``
    The class token beside the mean of the other tokens, (b, 2 d), then the bits. What vtsfind itself uses. A backbone
    without tokens gives its pooled features instead.

A head may end in a batch normalisation without scale or shift, which centres every bit and so balances it (OrthoHash,
Hoe et al., 2021). Outputs are real; a bit is 1 where the output is above zero (`vtsfind.base.bits`).
"""

from collections.abc import Iterable
from typing import Any

import timm
import torch
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.learn.backbones import backbone
from vtsfind.learn.spec import NetworkSpec

HIDDEN = 1024


class HashNetwork(nn.Module):
    """A backbone with its hash heads.

    Parameters
    ----------
    spec
        The shape. Weights start at random; `vtsfind.learn.starts` and `vtsfind.learn.weights` fill them in.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.backbone = make_backbone(spec)
        self.heads = nn.ModuleDict(
            {head.name: _make_head(spec, self.backbone, head.bits) for head in spec.heads}
        )

    def forward(self, images: Tensor, heads: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Give the real outputs of the heads.

        Parameters
        ----------
        images
            (b, 3, size, size) float, normalised.
        heads
            Names of the heads that are wanted; all unless given.

        Returns
        -------
        Head name to (b, k) float.
        """
        features = self.features(images)
        return {name: self.heads[name](features) for name in (heads or self.heads)}

    def features(self, images: Tensor) -> Tensor:
        """Give what the heads read: (b, d) float, with d by the kind of heads.

        Parameters
        ----------
        images
            (b, 3, size, size) float, normalised.
        """
        raw: Tensor = self.backbone.forward_features(images)
        if raw.ndim != 3:
            pooled: Tensor = self.backbone.forward_head(raw, pre_logits=True)
            return pooled
        if self.spec.features == "all":
            return raw.flatten(1)
        if self.spec.features == "cls":
            return raw[:, 0]
        prefix = self.backbone.num_prefix_tokens
        return torch.cat([raw[:, 0], raw[:, prefix:].mean(1)], dim=1)


def make_backbone(spec: NetworkSpec) -> Any:
    """Make the timm model of a network, without a classifier and with random weights.

    Raises
    ------
    UsageError
        When the spec asks a backbone without tokens for what only tokens have.
    """
    known = backbone(spec.backbone)
    options: dict[str, Any] = {"num_classes": 0}
    is_transformer = known.timm.startswith(("vit_", "deit"))
    if is_transformer:
        options["img_size"] = spec.size
        if spec.depth is not None:
            options["depth"] = spec.depth
    elif spec.depth is not None or spec.features != "lite":
        raise UsageError(
            f"The backbone '{spec.backbone}' has no tokens, so features '{spec.features}' and a depth do not apply.",
            "Use features 'lite' and no depth.",
        )
    return timm.create_model(known.timm, **options)


def _width(spec: NetworkSpec, network: Any) -> int:
    if not hasattr(network, "blocks") or not hasattr(network, "patch_embed"):
        return int(network.num_features)
    width, tokens = (
        int(network.embed_dim),
        int(network.patch_embed.num_patches) + int(network.num_prefix_tokens),
    )
    return {"all": tokens * width, "cls": width, "lite": 2 * width}[spec.features]


def _make_head(spec: NetworkSpec, network: Any, bits: int) -> nn.Sequential:
    width = _width(spec, network)
    layers: list[nn.Module] = []
    if spec.features == "all":
        layers += [nn.Dropout(0.5), nn.Linear(width, HIDDEN), nn.ReLU()]
        width = HIDDEN
    layers.append(nn.Linear(width, bits))
    if spec.paper_init:
        first = next(layer for layer in layers if isinstance(layer, nn.Linear))
        nn.init.kaiming_uniform_(first.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(first.bias)
    if spec.centred:
        layers.append(nn.BatchNorm1d(bits, affine=False))
    return nn.Sequential(*layers)


def normalise(pixels: Tensor, mean: Iterable[float], std: Iterable[float]) -> Tensor:
    """Turn pictures into a network's input.

    Parameters
    ----------
    pixels
        (b, h, w, 3) uint8.
    mean, std
        By channel, for values in 0..1.

    Returns
    -------
    (b, 3, h, w) float32.
    """
    values = pixels.permute(0, 3, 1, 2).float().div_(255)
    centre = torch.tensor(tuple(mean), device=values.device)[:, None, None]
    scale = torch.tensor(tuple(std), device=values.device)[:, None, None]
    return values.sub_(centre).div_(scale).contiguous()
