"""Pictures to codes without torch, for a few photos: importing torch takes as long as encoding some dozens here.

It gives the outputs of `vtsfind.learn.models.encoder.Encoder` in float32, up to rounding: a bit differs only where the output is
almost zero (`python -m benchmarks.cold` measures the share). Weights are read when a head first needs them.

Axis letters: n pictures, s side of the prepared picture, r side that the first backbone sees, d features, k bits.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property, partial

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from vtsfind.base import bits
from vtsfind.base.errors import ModelDamaged
from vtsfind.base.machine import processors
from vtsfind.learn.models.backbones import BACKBONES
from vtsfind.learn.models.numpy_network import (
    Floats,
    Weights,
    efficientnet_features,
    linear,
    transformer_features,
)
from vtsfind.learn.models.registry import ModelCard
from vtsfind.learn.models.spec import NetworkSpec

_HEAD_NORM_EPS = np.float32(1e-5)
_CUBIC_A = -0.5
"""Of the cubic convolution that reduces pictures (Keys, 1981): what torch and Pillow take."""
_CUBIC_RADIUS = 2.0


def runs_in_numpy(spec: NetworkSpec) -> bool:
    """Whether a network is one that this module has: a plain transformer with heads of one or two layers on pooled features."""
    known = BACKBONES.get(spec.backbone)
    return known is not None and known.plain and not spec.dual and spec.features in {"lite", "cls"}


class NumpyEncoder:
    """A model that makes codes, in NumPy; as `vtsfind.learn.models.encoder.Encoder` on a processor in float32.

    Parameters
    ----------
    card
        The model, one that `runs_in_numpy`.
    """

    def __init__(self, card: ModelCard) -> None:
        self.signature = card.signature
        self.preprocessing = card.preprocessing
        self._card = card
        self._spec = card.network

    def load(self, heads: Iterable[str]) -> None:
        """Read the weights that some heads need, which are read at the first picture otherwise.

        Raises
        ------
        ModelDamaged
            When they are not what the card promises.
        """
        seconds = {self._spec.reads_second(name) for name in heads}
        with ThreadPoolExecutor(len(seconds) or 1) as threads:
            list(threads.map(lambda second: self._second_weights if second else self._weights, seconds))

    def encode(self, pixels: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.uint8]]:
        """Make the codes of prepared pictures, (n, s, s, 3) uint8: head name to packed codes, (n, b) uint8."""
        return {name: bits.pack(values) for name, values in self.outputs(pixels).items()}

    def outputs(self, pixels: npt.NDArray[np.uint8], heads: Iterable[str] | None = None) -> dict[str, Floats]:
        """Give the real outputs whose signs are the codes.

        Parameters
        ----------
        pixels
            (n, s, s, 3) uint8, as `vtsfind.media.decode.prepare` gives them for `preprocessing`.
        heads
            Names of the heads that are wanted; all by default.

        Returns
        -------
        Head name to (n, k) float32.

        Raises
        ------
        ModelDamaged
            When the weights are not what the card promises or do not fit the network.
        """
        names = list(heads or (head.name for head in self.signature.heads))
        try:
            self.load(names)
            # Pictures and networks are what is spread over processors: products of matrices this small do not share them well.
            with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(processors()) as threads:
                made = [
                    threads.map(partial(self._by_network, second=second, names=names), pixels)
                    for second in (False, True)
                ]
                by_picture = [first | second for first, second in zip(*made, strict=True)]
        except (KeyError, ValueError) as error:
            raise ModelDamaged(
                f"The weights of '{self._card.name}' in {self._card.path} do not fit its network.",
                "Install vtsfind again.",
            ) from error
        return {name: np.stack([outputs[name] for outputs in by_picture]) for name in names}

    def _by_network(
        self, picture: npt.NDArray[np.uint8], *, second: bool, names: list[str]
    ) -> dict[str, Floats]:
        """The outputs for a picture of those heads that read one of the networks."""
        wanted = [name for name in names if self._spec.reads_second(name) == second]
        if not wanted:
            return {}
        weights, features = (
            (self._second_weights, self._second_features(picture))
            if second
            else (self._weights, self._features(picture))
        )
        return {name: _head(weights, name, features) for name in wanted}

    def _features(self, picture: npt.NDArray[np.uint8]) -> Floats:
        image = _normalise(picture, self.preprocessing.mean, self.preprocessing.std)
        if self._spec.second and len(image) != self._spec.size:
            image = _reduced(image, self._spec.size)
        tokens = transformer_features(self._weights, "backbone.", image)
        return tokens[0] if self._spec.features == "cls" else np.concatenate([tokens[0], tokens[1:].mean(0)])

    def _second_features(self, picture: npt.NDArray[np.uint8]) -> Floats:
        assert self._spec.second
        look = BACKBONES[self._spec.second.backbone]
        features = efficientnet_features(
            self._second_weights, "second.", _normalise(picture, look.mean, look.std)
        )
        return features / np.linalg.norm(features)

    @cached_property
    def _weights(self) -> Weights:
        return self._card.load_arrays(second=False)

    @cached_property
    def _second_weights(self) -> Weights:
        return self._card.load_arrays(second=True)


def _head(weights: Weights, head: str, features: Floats) -> Floats:
    """What a head gives for the features of a picture, (d,) to (k,): linear layers with a ReLU between, and a normalisation."""
    start = f"heads.{head}."
    layers = sorted({int(name.split(".")[2]) for name in weights if name.startswith(start)})
    values = features
    for layer in layers:
        at = f"{start}{layer}"
        if f"{at}.running_mean" in weights:
            scale = np.sqrt(weights[f"{at}.running_var"] + _HEAD_NORM_EPS)
            values = (values - weights[f"{at}.running_mean"]) / scale
        else:
            values = linear(weights, at, values if layer == layers[0] else np.maximum(values, 0))
    return values


def _normalise(picture: npt.NDArray[np.uint8], mean: Iterable[float], std: Iterable[float]) -> Floats:
    centre, scale = np.array(tuple(mean), np.float32), np.array(tuple(std), np.float32)
    return (picture.astype(np.float32) / np.float32(255) - centre) / scale


def _reduced(image: Floats, side: int) -> Floats:
    """A square picture (s, s, 3) at a smaller size (r, r, 3), by cubic convolution over the pixels that each new one covers."""
    matrix = _reducing(len(image), side)
    rows = np.tensordot(matrix, image, (1, 0))
    return np.ascontiguousarray(np.tensordot(matrix, rows, (1, 1)).transpose(1, 0, 2))


@cache
def _reducing(before: int, after: int) -> Floats:
    """The weights (after, before) of the old pixels of a row for each new one."""
    scale = before / after
    centres = (np.arange(after)[:, None] + 0.5) * scale
    x = np.abs(np.arange(before) + 0.5 - centres) / max(scale, 1.0)
    a = _CUBIC_A
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * a - 4 * a
    weights = np.where(x < 1, near, np.where(x < _CUBIC_RADIUS, far, 0.0))
    normalised: Floats = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return normalised
