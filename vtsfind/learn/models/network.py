"""Vision Transformer Hashing: a backbone and one or more named hash heads on one forward pass.

The heads come in four kinds, by what they read from the backbone (axis letters: b pictures, t tokens with the class
token first, d width, k bits, g groups of patches):

``all``
    Every token, flattened to (b, t * d), then dropout, a hidden layer of 1024 and the bits: the main model of the VTS
    paper (Dubey, Singh, Chu, 2021, section 3). Its size grows with the number of tokens: 155 million weights at 16-pixel
    patches.
``cls``
    The class token, (b, d), then the bits: the paper's ablation.
``lite``
    The class token beside the mean of the other tokens, (b, 2 d), then the bits. What vtsfind itself uses. A backbone
    without a class token gives its pooled features instead: so do the paper's baselines, AlexNet (b, 4096) and
    ResNet50 (b, 2048).
``dual``
    The class tokens of two streams, (b, (1 + g) d), each with its own part of the bits: TransHash, see
    `vtsfind.learn.models.transhash`.

A head that reads ``cls`` or ``lite`` may have a hidden layer, with dropout after it.

Heads may read a second, frozen backbone instead (`vtsfind.learn.models.spec.SecondBackbone`): then pictures come at the size of
that, and are reduced for the first.

A head may end in a batch normalisation without scale or shift, which centres every bit and so balances it (OrthoHash,
Hoe et al., 2021). Outputs are real; a bit is 1 where the output is above zero (`vtsfind.base.bits`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head
from vtsfind.learn.models.alexnet import AlexNet
from vtsfind.learn.models.backbones import Backbone, HashInit, backbone
from vtsfind.learn.models.efficientnet import PlainEfficientNet, fold
from vtsfind.learn.models.spec import NetworkSpec, SecondBackbone
from vtsfind.learn.models.transhash import SplitHead, add_local_stream, two_stream_features

HIDDEN_WIDTH = 1024
HIDDEN_DROPOUT = 0.3
"""Share of what a hidden layer gives that is dropped in training."""


class HashNetwork(nn.Module):
    """A backbone with its hash heads.

    Parameters
    ----------
    spec
        The shape. Weights start at random; `vtsfind.learn.pretrained.load` and `vtsfind.learn.models.registry` fill them in.
    backbone
        Used in place of the backbone that the spec names; by default that is made.
    second
        The second backbone, if the spec has one; by default that is made.
    """

    def __init__(
        self, spec: NetworkSpec, backbone: Any = None, second: PlainEfficientNet | None = None
    ) -> None:
        super().__init__()
        self.spec = spec
        self.backbone = make_backbone(spec) if backbone is None else backbone
        if spec.second:
            self.second = second or make_second(spec.second)
        self.heads = nn.ModuleDict(
            {
                head.name: _make_head(
                    spec, self.backbone, head, self.second if spec.reads_second(head.name) else None
                )
                for head in spec.heads
            }
        )

    def forward(self, images: Tensor, heads: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return the real outputs of the heads.

        Parameters
        ----------
        images
            (b, 3, size, size) float, normalised.
        heads
            Names of the heads that are wanted; all by default.

        Returns
        -------
        Head name to (b, k) float.
        """
        wanted = list(heads or self.heads)
        own = [name for name in wanted if not self.spec.reads_second(name)]
        features = self.features(images) if own else None
        others = self.second_features(images) if len(own) < len(wanted) else None
        return {name: self.heads[name](features if name in own else others) for name in wanted}

    def second_features(self, images: Tensor) -> Tensor:
        """Return the pooled features of the second backbone as unit vectors, (b, d) float, of images as for `forward`."""
        assert self.spec.second is not None
        look, other = backbone(self.spec.backbone), backbone(self.spec.second.backbone)
        return F.normalize(self.second(renormalise(images, look, other)).float())

    def features(self, images: Tensor) -> Tensor:
        """Return what the heads read: (b, d) float, with d by the kind of heads.

        Parameters
        ----------
        images
            (b, 3, size, size) float, normalised.
        """
        if self.spec.second and images.shape[-1] != self.spec.size:
            images = F.interpolate(images, (self.spec.size,) * 2, mode="bicubic", antialias=True)
        if self.spec.dual:
            return two_stream_features(self.backbone, images, self.spec.groups)
        raw: Tensor = self.backbone.forward_features(images)
        if self.spec.features == "all":
            return raw.flatten(1)
        if not _has_class_token(self.backbone):
            pooled: Tensor = self.backbone.forward_head(raw, pre_logits=True)
            return pooled
        if self.spec.features == "cls":
            return raw[:, 0]
        prefix = self.backbone.num_prefix_tokens
        return torch.cat([raw[:, 0], raw[:, prefix:].mean(1)], dim=1)


def make_backbone(spec: NetworkSpec) -> Any:
    """Make the backbone of a network: a timm model, or what has its methods, without a classifier.

    Weights are random. Dropout stands where the published code has it: after the position embedding and twice in the
    MLP of each block, not in the attention.

    Raises
    ------
    UsageError
        When the spec asks a backbone without tokens for what only tokens have, or for another thing it has not.
    """
    known = backbone(spec.backbone)
    network = AlexNet() if known.library == "torchvision" else _from_timm(known, spec)
    _check_tokens(spec, network)
    if spec.depth is not None and len(getattr(network, "blocks", ())) != spec.depth:
        raise UsageError(f"The backbone '{spec.backbone}' cannot be cut to a depth.", "Leave `depth` out.")
    if spec.dropout:
        _set_dropout(spec, network)
    if spec.dual:
        add_local_stream(network)
    return network


def make_second(spec: SecondBackbone, start: Mapping[str, Tensor] | None = None) -> PlainEfficientNet:
    """Make a second backbone, with folded normalisations.

    Parameters
    ----------
    spec
        Which.
    start
        timm's name to tensor; by default the weights are random.
    """
    weights = fold(start or make_backbone(NetworkSpec(spec.backbone, spec.size, heads=())).state_dict())
    network = PlainEfficientNet(weights)
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(requires_grad=False).eval()


def _from_timm(known: Backbone, spec: NetworkSpec) -> Any:
    import timm

    config = timm.get_pretrained_cfg(known.architecture, allow_unregistered=True)
    options: dict[str, Any] = {"num_classes": 0}
    if config is not None and config.fixed_input_size:
        options["img_size"] = spec.size
    if spec.depth is not None:
        options["depth"] = spec.depth
    try:
        return timm.create_model(known.architecture, **options)
    except TypeError:
        if spec.depth is None:
            raise
        raise UsageError(
            f"The backbone '{spec.backbone}' cannot be cut to a depth.", "Leave `depth` out."
        ) from None


def _token_count(network: Any) -> int:
    """Number of tokens that a backbone gives; 0 if it gives something else."""
    patches = getattr(getattr(network, "patch_embed", None), "num_patches", None)
    prefix = getattr(network, "num_prefix_tokens", None)
    return 0 if patches is None or prefix is None else int(patches) + int(prefix)


def _has_class_token(network: Any) -> bool:
    return _token_count(network) > 0 and getattr(network, "cls_token", None) is not None


def _check_tokens(spec: NetworkSpec, network: Any) -> None:
    if spec.features != "lite" and not _token_count(network):
        raise UsageError(
            f"The backbone '{spec.backbone}' has no tokens, so the features '{spec.features}' do not apply.",
            "Use the features 'lite'.",
        )
    if spec.features == "cls" and not _has_class_token(network):
        raise UsageError(f"The backbone '{spec.backbone}' has no class token.", "Use the features 'lite'.")
    if not spec.dual:
        return
    if spec.features not in {"lite", "dual"}:
        raise UsageError(
            f"The backbone '{spec.backbone}' has two streams, so the features '{spec.features}' do not apply.",
            "Use the features 'dual'.",
        )
    if not _is_timm_vit(network) or not _has_class_token(network) or len(network.blocks) < 2:
        raise UsageError(
            f"Two streams need a plain vision transformer with a class token and at least 2 blocks, unlike the "
            f"'{spec.backbone}' asked for.",
            "Use another backbone or depth, or the features 'lite'.",
        )
    patches = _token_count(network) - network.num_prefix_tokens
    if spec.groups > patches:
        raise UsageError(
            f"A picture of {spec.size} pixels has only {patches} patches for {spec.groups} groups.",
            "Lower `groups`.",
        )


def _is_timm_vit(network: Any) -> bool:
    from timm.models.vision_transformer import VisionTransformer

    return isinstance(network, VisionTransformer)


def _set_dropout(spec: NetworkSpec, network: Any) -> None:
    if not _is_timm_vit(network):
        raise UsageError(
            f"The backbone '{spec.backbone}' is no plain vision transformer, so `dropout` does not apply.",
            "Leave it out.",
        )
    network.pos_drop.p = spec.dropout
    blocks: Any = network.blocks
    for block in blocks:
        block.mlp.drop1.p = block.mlp.drop2.p = spec.dropout


def _feature_width(spec: NetworkSpec, network: Any) -> int:
    if spec.features == "all":
        return _token_count(network) * int(network.embed_dim)
    if spec.features == "cls" or spec.dual:
        return int(network.embed_dim)
    if _has_class_token(network):
        return 2 * int(network.embed_dim)
    # Some networks have a layer between pooling and classifier.
    return int(getattr(network, "head_hidden_size", None) or network.num_features)


def _make_head(
    spec: NetworkSpec, network: Any, head: Head, second: PlainEfficientNet | None
) -> nn.Sequential:
    bits, hidden = head.bits, spec.hidden.get(head.name)
    width = second.num_features if second else _feature_width(spec, network)
    layers: list[nn.Module] = []
    if spec.features == "all":
        layers += [nn.Dropout(0.5), nn.Linear(width, HIDDEN_WIDTH), nn.ReLU()]
        width = HIDDEN_WIDTH
    elif hidden:
        layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(HIDDEN_DROPOUT)]
        width = hidden
    parts = spec.parts(bits)
    layers.append(SplitHead(width, parts) if spec.dual else nn.Linear(width, bits))
    if spec.paper_init:
        first = next(layer for layer in layers if not isinstance(layer, nn.Dropout))
        _init_as_published(first, backbone(spec.backbone).hash_init)
    if spec.centred:
        layers.append(nn.BatchNorm1d(bits, affine=False))
    return nn.Sequential(*layers)


def _init_as_published(layer: nn.Module, how: HashInit) -> None:
    if not isinstance(layer, nn.Linear) or how == "plain":
        return
    if how == "small":
        nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(layer.bias)
    else:
        nn.init.kaiming_uniform_(layer.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(layer.bias)


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


def renormalise(images: Tensor, first: Backbone, other: Backbone) -> Tensor:
    """Turn the input of one backbone, (b, 3, h, w) float, into that of another: by its mean and deviation."""

    def column(values: Iterable[float]) -> Tensor:
        return torch.tensor(tuple(values), device=images.device)[:, None, None]

    scale = column(first.std) / column(other.std)
    return torch.addcmul((column(first.mean) - column(other.mean)) / column(other.std), images, scale)
