"""Two streams out of one vision transformer: the whole picture, and groups of its patches.

TransHash (Chen et al., "TransHash: Transformer-based Hamming Hashing for Efficient Image Retrieval", ICMR 2022): all
blocks but the last are shared. One last block, the global one, sees all tokens and gives its class token to the first
half of the code. Another, the local one, sees each group of patches behind a copy of the class token, and gives each
group's class token to that group's part of the second half. So half of the code tells what is where. The network is
*siamese* only in that both pictures of a pair go through the same weights, as the pictures of a batch do.

The paper leaves open how an odd number of patches is split: here the later groups are the larger ones (24 and 25 of 49).
It also leaves open where the local block starts: here as a copy of the global one, as in TransReID (He et al., 2021).

Axis letters: b pictures, t tokens with the class token first, n patches, g groups, d width, k bits.
"""

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

LOCAL_PREFIXES = {"local_block.": "blocks.{last}.", "local_norm.": "norm."}
"""Where the names of the local stream's tensors begin, and those of the tensors that they start as copies of."""


class SplitHead(nn.Module):
    """A linear layer for each part of a code, each of which reads its own stretch of the features.

    Parameters
    ----------
    width
        d, of each stretch.
    parts
        Bits of each part.
    """

    def __init__(self, width: int, parts: Sequence[int]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(width, bits) for bits in parts)

    def forward(self, features: Tensor) -> Tensor:
        """Return the code's outputs, (b, k), for features (b, (1 + g) d)."""
        stretches = features.chunk(len(self.parts), dim=1)
        return torch.cat([layer(part) for layer, part in zip(self.parts, stretches, strict=True)], dim=1)


def add_local_stream(vit: Any) -> None:
    """Give a timm vision transformer the block and the norm of the local stream, as copies of its last ones."""
    vit.local_block = copy.deepcopy(vit.blocks[-1])
    vit.local_norm = copy.deepcopy(vit.norm)


def two_stream_features(vit: Any, images: Tensor, groups: int) -> Tensor:
    """Run both streams.

    Parameters
    ----------
    vit
        A timm vision transformer of at least two blocks, after `add_local_stream`.
    images
        (b, 3, size, size) float, normalised.
    groups
        g, at most n.

    Returns
    -------
    (b, (1 + g) d) float: the normalised class tokens of the whole picture and of each group of patches.
    """
    ((patches, prefix),) = vit.forward_intermediates(
        images,
        indices=[len(vit.blocks) - 2],
        return_prefix_tokens=True,
        stop_early=True,
        output_fmt="NLC",
        intermediates_only=True,
    )
    n = patches.shape[1]
    edges = [group * n // groups for group in range(groups + 1)]
    whole = vit.blocks[-1](torch.cat([prefix, patches], dim=1))
    class_tokens = [vit.norm(whole[:, 0])]
    for first, end in itertools.pairwise(edges):
        local = vit.local_block(torch.cat([prefix[:, :1], patches[:, first:end]], dim=1))
        class_tokens.append(vit.local_norm(local[:, 0]))
    return torch.cat(class_tokens, dim=1)
