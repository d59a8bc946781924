"""Pictures to codes: a model on a device, in batches."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vtsfind.base import bits
from vtsfind.base.errors import ModelDamaged, UsageError
from vtsfind.base.machine import keep_freed_memory, return_freed_memory
from vtsfind.base.settings import DEVICES
from vtsfind.base.words import either
from vtsfind.learn.models.backbones import BACKBONES
from vtsfind.learn.models.efficientnet import PlainEfficientNet
from vtsfind.learn.models.network import HashNetwork, normalise
from vtsfind.learn.models.registry import ModelCard
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.models.vit import PlainTransformer

_MIN_PICTURES_PER_THREAD = 4
"""Smallest share of a batch that is worth a thread."""
_MAX_PICTURES_PER_THREAD = 8
"""Pictures that a thread of the processor encodes at once. More are no faster, and each takes up to 10 MB while it is encoded."""

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Encoder:
    """A loaded model that makes codes.

    Codes of one picture can differ in a bit or two between devices, precisions and batch sizes, because an output may be
    almost zero.

    Parameters
    ----------
    card
        The model.
    device
        `auto` (a GPU if there is one), `cuda`, `mps` or `cpu`.
    precision
        See `chosen_precision`.

    Raises
    ------
    ModelDamaged
        When the weights are not what the card promises or do not fit the network.
    UsageError
        When there is no such device or precision.
    """

    def __init__(self, card: ModelCard, *, device: str = "auto", precision: str = "auto") -> None:
        self.signature = card.signature
        self.preprocessing = card.preprocessing
        self.device = choose_device(device)
        self.precision = chosen_precision(precision, self.device)
        try:
            network = load_network(card.network, card.load())
        except (KeyError, RuntimeError) as error:
            raise ModelDamaged(
                f"The weights of '{card.name}' in {card.path} do not fit its network.",
                "Install vtsfind again.",
            ) from error
        self._network = network.eval().to(self.device)
        for module in self._network.modules():
            if isinstance(module, (nn.Linear, nn.Conv2d)):  # autocast would do it again for each batch
                module.to(self.precision)
        return_freed_memory()
        keep_freed_memory()
        self._threads = torch.get_num_threads() if self.device.type == "cpu" else 1
        self._pool = ThreadPoolExecutor(self._threads, initializer=torch.set_num_threads, initargs=(1,))

    def load(self, heads: Iterable[str]) -> None:
        """Do nothing: the network is there from the first."""

    def encode(self, pixels: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.uint8]]:
        """Make the codes of a batch of prepared pictures.

        Parameters
        ----------
        pixels
            (n, size, size, 3) uint8, as `vtsfind.media.decode.prepare` gives them for `preprocessing`.

        Returns
        -------
        Head name to packed codes, (n, b) uint8.
        """
        return {name: bits.pack(values) for name, values in self.outputs(pixels).items()}

    def outputs(
        self, pixels: npt.NDArray[np.uint8], heads: Iterable[str] | None = None
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Give the real outputs whose signs are the codes.

        Parameters
        ----------
        pixels
            As for `encode`.
        heads
            Names of the heads that are wanted; all by default.

        Returns
        -------
        Head name to (n, k) float32.
        """
        wanted = list(heads or (head.name for head in self.signature.heads))
        images = torch.from_numpy(np.ascontiguousarray(pixels))
        # Each processor encodes a share of the batch on its own, which is faster than synchronising after every layer,
        # above all beside decoding processes.
        shares = (
            images.tensor_split(max(self._threads, -(-len(images) // _MAX_PICTURES_PER_THREAD)))
            if self.device.type == "cpu" and len(images) >= _MIN_PICTURES_PER_THREAD * self._threads
            else (images,)
        )
        work = partial(self._outputs, wanted)
        parts = list(self._pool.map(work, shares)) if len(shares) > 1 else self._within_memory(wanted, images)
        return {name: torch.cat([part[name] for part in parts]).numpy() for name in wanted}

    def _within_memory(self, heads: Iterable[str], images: Tensor) -> list[dict[str, Tensor]]:
        """The outputs of pictures in one part, or in as many halves as the memory of a GPU makes necessary."""
        try:
            return [self._outputs(heads, images)]
        except torch.OutOfMemoryError:
            if len(images) == 1:
                raise UsageError(
                    "The GPU has too little free memory for one picture.", "Use --device cpu."
                ) from None
        torch.cuda.empty_cache()
        half = len(images) // 2
        return [*self._within_memory(heads, images[:half]), *self._within_memory(heads, images[half:])]

    @torch.inference_mode()
    def _outputs(self, heads: Iterable[str], images: Tensor) -> dict[str, Tensor]:
        if self.device.type == "cuda":  # what is in pinned memory is copied without a detour
            images = images.pin_memory()
        on_device = images.to(self.device, non_blocking=True)
        inputs = normalise(on_device, self.preprocessing.mean, self.preprocessing.std)
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            outputs = self._network(inputs, heads)
        return {name: values.float().cpu() for name, values in outputs.items()}


def load_network(spec: NetworkSpec, weights: dict[str, Tensor], *, strict: bool = True) -> HashNetwork:
    """The network of a model with its weights, without timm if possible.

    Raises
    ------
    KeyError, RuntimeError
        When weights do not fit; unless it is `strict`, some may be missing, which are random then.
    """
    known = BACKBONES.get(spec.backbone)
    plain = None
    if known is not None and known.plain and not spec.dual:
        plain = PlainTransformer(_below("backbone.", weights))
    if plain is not None and spec.depth not in {None, len(plain.blocks)}:
        raise RuntimeError(f"the weights have {len(plain.blocks)} blocks, not {spec.depth}")
    second = PlainEfficientNet(_below("second.", weights)) if spec.second else None
    network = HashNetwork(spec, plain, second)
    network.load_state_dict(weights, strict=strict)
    if second is not None:
        second.to(memory_format=torch.channels_last)
    return network


def _below(start: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights whose names begin so, by the rest of their names."""
    return {name.removeprefix(start): w for name, w in weights.items() if name.startswith(start)}


def choose_device(name: str) -> torch.device:
    """The torch device for a device setting.

    Raises
    ------
    UsageError
        For an unknown name, or a device that this machine does not have.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, is_there in available.items() if is_there))
    if name not in available:
        raise UsageError(f"There is no kind of device '{name}'.", f"Use {either(DEVICES)}.")
    if not available[name]:
        raise UsageError(
            f"This machine has no '{name}' device that torch can use.", "Use --device auto or cpu."
        )
    return torch.device(name)


def chosen_precision(name: str, device: torch.device) -> torch.dtype:
    """Turn a setting, `auto` or a name in `PRECISIONS`, into an arithmetic; `auto` is that of `precision`.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    if name == "auto":
        return precision(device)
    if name not in PRECISIONS:
        raise UsageError(f"There is no precision '{name}'.", f"Use auto, {', '.join(PRECISIONS)}.")
    return PRECISIONS[name]


def precision(device: torch.device) -> torch.dtype:
    """The fastest precision that the device supports in hardware and that is accurate enough: bfloat16, float16 or float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16", False):
        return torch.bfloat16
    return torch.float32
