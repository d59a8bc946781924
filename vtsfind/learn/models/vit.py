"""A plain vision transformer for encoding, which needs nothing but torch.

Importing timm, and torchvision behind it, takes as long as importing torch itself, and every index of new photos would wait for
it (a few photos need no torch either, see `vtsfind.learn.models.numpy_encoder`). So a trained model whose backbone is a plain vision transformer (Dosovitskiy et al., "An Image is Worth
16x16 Words", ICLR 2021, with the layer scale of Touvron et al., 2021, where it has one) is run by the network here. Its
tensors have timm's names and it gives timm's values.

Axis letters: b pictures, t tokens with the class token first, d width, h attention heads, e width of one of them.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vtsfind.learn.models.numpy_network import HEAD_WIDTH, NORM_EPS


class PlainTransformer(nn.Module):
    """A vision transformer of the shape that its weights have.

    Parameters
    ----------
    weights
        timm's name to tensor. The number of blocks, the width, the patches and whether there is a layer scale are read
        from it. The values are not taken.
    """

    num_prefix_tokens = 1

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        position, kernel = weights["pos_embed"], weights["patch_embed.proj.weight"]
        self.embed_dim = width = position.shape[2]
        self.patch_embed = _PatchEmbedding(width, kernel.shape[2], position.shape[1] - 1)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(position.shape))
        depth = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
        hidden = weights["blocks.0.mlp.fc1.weight"].shape[0]
        scaled = "blocks.0.ls1.gamma" in weights
        self.blocks = nn.Sequential(*(_Block(width, hidden, scaled=scaled) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the normalised tokens, (b, t, d), of pictures (b, 3, size, size)."""
        tokens = self.patch_embed(images)
        tokens = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
        normalised: Tensor = self.norm(self.blocks(tokens + self.pos_embed))
        return normalised


class _PatchEmbedding(nn.Module):
    def __init__(self, width: int, side: int, count: int) -> None:
        super().__init__()
        self.num_patches = count
        self.proj = nn.Conv2d(3, width, side, stride=side)

    def forward(self, images: Tensor) -> Tensor:
        embedded: Tensor = self.proj(images)
        return embedded.flatten(2).transpose(1, 2)


class _Block(nn.Module):
    def __init__(self, width: int, hidden: int, *, scaled: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPS)
        self.attn = _Attention(width)
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPS)
        self.mlp = _Mlp(width, hidden)
        self.ls1: nn.Module = _LayerScale(width) if scaled else nn.Identity()
        self.ls2: nn.Module = _LayerScale(width) if scaled else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        mixed: Tensor = tokens + self.ls2(self.mlp(self.norm2(tokens)))
        return mixed


class _Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD_WIDTH
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        b, t, d = tokens.shape
        query, key, value = self.qkv(tokens).view(b, t, 3, self.heads, HEAD_WIDTH).permute(2, 0, 3, 1, 4)
        mixed: Tensor = F.scaled_dot_product_attention(query, key, value)
        projected: Tensor = self.proj(mixed.transpose(1, 2).reshape(b, t, d))
        return projected


class _Mlp(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        mlp_output: Tensor = self.fc2(F.gelu(self.fc1(tokens)))
        return mlp_output


class _LayerScale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens * self.gamma
