"""The networks of the shipped models in NumPy, for a few photos: importing torch takes longer than encoding some dozens.

Both are the forward passes of `vtsfind.learn.models.vit.PlainTransformer` and `vtsfind.learn.models.efficientnet.PlainEfficientNet`
on one picture, by the same names of weights. A convolution of one pixel is a matrix product; one of each channel by itself is a sum of
shifted pictures, which needs channels last. NumPy has no error function, so that of the GELU is an approximation (`_erf`).

Axis letters: h rows, w columns, c channels, t tokens with the class token first, d width, a attention heads, e width of one of them.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, Floats]

STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""Stride of the first block of each stage of an EfficientNet; that of the others is 1."""
HEAD_WIDTH = 64
"""Width of an attention head."""
NORM_EPS = 1e-6
"""What the transformer's layer normalisations add to a variance."""
_ERF_P = 0.3275911
_ERF_A = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
"""Formula 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions, 1964: wrong by 1.5e-7 at most."""


def transformer_features(weights: Weights, at: str, image: Floats) -> Floats:
    """The normalised tokens of a vision transformer.

    Parameters
    ----------
    weights
        As for `vtsfind.learn.models.vit.PlainTransformer`, float32.
    at
        What their names begin with.
    image
        (size, size, 3), normalised.

    Returns
    -------
    (t, d).
    """
    patches = _patches(weights, f"{at}patch_embed.proj", image)
    tokens = np.concatenate([weights[f"{at}cls_token"][0], patches]) + weights[f"{at}pos_embed"][0]
    for number in range(_count(weights, f"{at}blocks.")):
        tokens = _transformer_block(weights, f"{at}blocks.{number}.", tokens)
    return _layer_norm(weights, f"{at}norm", tokens)


def _count(weights: Weights, start: str) -> int:
    """How many numbered parts there are whose names begin so."""
    return len({name.removeprefix(start).partition(".")[0] for name in weights if name.startswith(start)})


def _patches(weights: Weights, name: str, image: Floats) -> Floats:
    kernel = weights[f"{name}.weight"]
    width, _, side, _ = kernel.shape
    rows = len(image) // side
    patches = image.reshape(rows, side, rows, side, 3).transpose(0, 2, 4, 1, 3).reshape(rows * rows, -1)
    return patches @ kernel.reshape(width, -1).T + weights[f"{name}.bias"]


def _transformer_block(weights: Weights, at: str, tokens: Floats) -> Floats:
    mixed = _attention(weights, f"{at}attn.", _layer_norm(weights, f"{at}norm1", tokens))
    tokens = tokens + mixed * weights.get(f"{at}ls1.gamma", np.float32(1))
    hidden = _gelu(linear(weights, f"{at}mlp.fc1", _layer_norm(weights, f"{at}norm2", tokens)))
    return tokens + linear(weights, f"{at}mlp.fc2", hidden) * weights.get(f"{at}ls2.gamma", np.float32(1))


def _attention(weights: Weights, at: str, tokens: Floats) -> Floats:
    t, d = tokens.shape
    query, key, value = (
        linear(weights, f"{at}qkv", tokens).reshape(t, 3, -1, HEAD_WIDTH).transpose(1, 2, 0, 3)
    )
    scores = query @ key.transpose(0, 2, 1) * np.float32(HEAD_WIDTH**-0.5)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    return linear(weights, f"{at}proj", (scores @ value).transpose(1, 0, 2).reshape(t, d))


def linear(weights: Weights, name: str, values: Floats) -> Floats:
    """A linear layer, (n, c) to (n, d)."""
    return values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _layer_norm(weights: Weights, name: str, values: Floats) -> Floats:
    centred = values - values.mean(-1, keepdims=True)
    centred /= np.sqrt(np.square(centred).mean(-1, keepdims=True) + np.float32(NORM_EPS))
    normalised: Floats = centred * weights[f"{name}.weight"] + weights[f"{name}.bias"]
    return normalised


def _gelu(values: Floats) -> Floats:
    return values * (np.float32(0.5) + np.float32(0.5) * _erf(values * np.float32(0.5**0.5)))


def _erf(values: Floats) -> Floats:
    size = np.abs(values)
    t = 1 / (1 + np.float32(_ERF_P) * size)
    polynomial = np.zeros_like(t)
    for coefficient in reversed(_ERF_A):
        polynomial += np.float32(coefficient)
        polynomial *= t
    result: Floats = np.copysign(1 - polynomial * np.exp(-size * size), values)
    return result


def efficientnet_features(weights: Weights, at: str, image: Floats) -> Floats:
    """The pooled features of an EfficientNet-lite.

    Parameters
    ----------
    weights
        As for `vtsfind.learn.models.efficientnet.PlainEfficientNet`, float32.
    at
        What their names begin with.
    image
        (h, w, 3), normalised.

    Returns
    -------
    (d,).
    """
    x = _relu6(_full_convolution(weights, f"{at}conv_stem", image))
    for stage, first_stride in enumerate(STAGE_STRIDES):
        for number in range(_count(weights, f"{at}blocks.{stage}.")):
            stride = 1 if number else first_stride
            x = _inverted_residual(weights, f"{at}blocks.{stage}.{number}.", x, stride)
    pooled: Floats = _relu6(_pointwise(weights, f"{at}conv_head", x)).mean((0, 1))
    return pooled


def _inverted_residual(weights: Weights, at: str, x: Floats, stride: int) -> Floats:
    widens = f"{at}conv_pwl.weight" in weights
    wide = _relu6(_pointwise(weights, f"{at}conv_pw", x)) if widens else x
    filtered = _relu6(_depthwise(weights, f"{at}conv_dw", wide, stride))
    narrow = _pointwise(weights, f"{at}conv_pwl" if widens else f"{at}conv_pw", filtered)
    return x + narrow if narrow.shape == x.shape else narrow


def _relu6(x: Floats) -> Floats:
    np.maximum(x, 0, out=x)
    return np.minimum(x, 6, out=x)


def _pointwise(weights: Weights, name: str, x: Floats) -> Floats:
    kernel = weights[f"{name}.weight"]
    result = x.reshape(-1, x.shape[2]) @ kernel.reshape(len(kernel), -1).T
    result += weights[f"{name}.bias"]
    return result.reshape(*x.shape[:2], -1)


def _full_convolution(weights: Weights, name: str, x: Floats) -> Floats:
    """A convolution of stride 2 over all channels."""
    kernel = weights[f"{name}.weight"]
    padded, (h, w) = _padded(x, kernel.shape[2], 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], (0, 1))[::2, ::2]
    result: Floats = windows[:h, :w].reshape(h * w, -1) @ kernel.reshape(len(kernel), -1).T
    result += weights[f"{name}.bias"]
    return result.reshape(h, w, -1)


def _depthwise(weights: Weights, name: str, x: Floats, stride: int) -> Floats:
    """A convolution of each channel by itself: the sum of shifted pictures, each by its own weight."""
    kernel = weights[f"{name}.weight"][:, 0].transpose(1, 2, 0).copy()  # (side, side, c)
    padded, (h, w) = _padded(x, len(kernel), stride)
    result = np.empty((h, w, x.shape[2]), np.float32)
    result[...] = weights[f"{name}.bias"]
    product = np.empty_like(result)
    for top, row in enumerate(kernel):
        for left, weight in enumerate(row):
            shifted = padded[top : top + stride * h : stride, left : left + stride * w : stride]
            result += np.multiply(shifted[:h, :w], weight, out=product)
    return result


def _padded(x: Floats, side: int, stride: int) -> tuple[Floats, tuple[int, int]]:
    """Zeros around a picture, so that the convolution gives 1 / `stride` of its size, rounded up; an odd one after it."""
    out = [-(-size // stride) for size in x.shape[:2]]
    more = [max((n - 1) * stride + side - size, 0) for n, size in zip(out, x.shape[:2], strict=True)]
    padded = np.zeros((x.shape[0] + more[0], x.shape[1] + more[1], x.shape[2]), np.float32)
    padded[more[0] // 2 : more[0] // 2 + x.shape[0], more[1] // 2 : more[1] // 2 + x.shape[1]] = x
    return padded, (out[0], out[1])
