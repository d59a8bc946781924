"""Fitting linear heads to a second, frozen backbone, on its features of unedited pictures, in minutes.

The head starts as the whitened principal components of the features, rotated so that signs lose least (ITQ: Gong, Lazebnik,
"Iterative Quantization", CVPR 2011). Then it learns likeness: of the pictures of a batch, each should be as similar to the
others by its bits as by its features, where those of a labelled picture are moved towards the mean of its class
(Passalis and Tefas, "Learning Deep Representations with Probabilistic Knowledge Transfer", ECCV 2018, equations 3 to 6,
with another kernel). So bits follow kinds where there are labels, and the backbone's own likeness everywhere else.

Axis letters: n pictures, d features, k bits.
"""

import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.formats import Pictures, load
from vtsfind.learn.models.backbones import backbone
from vtsfind.learn.models.encoder import choose_device, precision
from vtsfind.learn.models.network import HashNetwork, make_backbone, make_second, normalise
from vtsfind.learn.models.register import write_model
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.pretrained.load import load_start
from vtsfind.learn.recipes import Recipe
from vtsfind.learn.training.distillation import itq, pull_to_class
from vtsfind.learn.training.finetune_heads import log_similarity
from vtsfind.learn.training.runs import RunFolder, RunOptions
from vtsfind.media.decode import prepare
from vtsfind.store.atomic import replace_file

Features = npt.NDArray[np.float32]

_BATCH = 512
"""Pictures whose likeness is compared."""
_RATE = 2e-3
"""Highest learning rate, of standardised features; it falls linearly to zero."""
_PICTURES_PER_CALL = 32


def fit_second_backbone(
    recipe: Recipe, run: RunOptions, folder: RunFolder, progress: Progress, cancel: CancelToken
) -> None:
    """Put a second backbone beside a finished model, fit its heads, and write the model.

    Features are kept in the run folder, so that a stopped run continues.

    Raises
    ------
    UsageError
        When the starts or pictures are missing or do not fit.
    StorageError
        When the run folder cannot be written.
    Cancelled
        When it is cancelled.
    """
    assert recipe.second is not None
    assert recipe.network.second is not None
    network = _start_network(recipe, run.starts)
    pictures = [load(task.data, run.data, shortest=task.shortest) for task in recipe.tasks]
    folder.claim({"model": recipe.name, "seed": recipe.seed, "pictures": [len(each) for each in pictures]})
    features = [
        cached_features(network, each, run.folder / f"features-{number}.npy", progress, cancel)
        for number, each in enumerate(pictures)
    ]
    pulled = [
        pull_to_class(own, each.labels, recipe.second.pull)
        for own, each in zip(features, pictures, strict=True)
    ]
    began, shown = time.monotonic(), 0
    for name in recipe.network.second.heads:
        head: nn.Module = network.heads[name]
        shown += fit_likeness(
            head,
            np.concatenate(features),
            np.concatenate(pulled),
            epochs=recipe.second.epochs,
            seed=recipe.seed,
            cancel=cancel,
        )
    rate = shown / (time.monotonic() - began)
    with folder.written():
        write_model(
            network,
            _preprocessing(recipe.network),
            run.folder,
            name=recipe.name,
            licence=recipe.licence,
            note=recipe.note,
            shared=[run.starts / recipe.start],
            is_own=network.spec.is_second,
        )
    folder.save_result(
        {"steps": shown // _BATCH, "views_per_s": round(rate, 2), "waiting_share": 0.0, "notes": []}
    )


def _start_network(recipe: Recipe, starts: Path) -> HashNetwork:
    """The network with the weights of the model that it starts from, and the second backbone's."""
    assert recipe.second is not None
    spec = recipe.network.second
    assert spec is not None
    timm_network = make_backbone(NetworkSpec(spec.backbone, spec.size, heads=()))
    load_start(timm_network, starts / recipe.second.start)
    network = HashNetwork(recipe.network, second=make_second(spec, timm_network.state_dict()))
    wanted = {
        name: values
        for name, values in load_file(starts / recipe.start).items()
        if not any(name.startswith(f"heads.{head}.") for head in spec.heads)
    }
    try:
        missing, unexpected = network.load_state_dict(wanted, strict=False)
    except RuntimeError as error:
        raise UsageError(f"{recipe.start} does not fit the network: {error}.") from error
    own = [name for name in missing if not name.startswith(("second.", *(f"heads.{h}." for h in spec.heads)))]
    if own or unexpected:
        raise UsageError(f"{recipe.start} does not fit the network: '{(own + unexpected)[0]}' differs.")
    return network.eval()


def cached_features(
    network: HashNetwork, pictures: Pictures, file: Path, progress: Progress, cancel: CancelToken
) -> Features:
    """The features of the second backbone of all pictures, (n, d), from `file` if it is there."""
    return cached(file, lambda: _second_features(network, pictures, progress, cancel))


def cached(file: Path, make: Callable[[], Features]) -> Features:
    """What `make` gives, from `file` if it is there, else kept there in half precision."""
    if not file.is_file():
        buffer = io.BytesIO()
        np.save(buffer, make().astype(np.float16))
        replace_file(file, buffer.getvalue())
    stored: Features = np.load(file).astype(np.float32)
    return stored


def _preprocessing(spec: NetworkSpec) -> Preprocessing:
    """At the size of the second backbone, with the statistics of the first."""
    assert spec.second is not None
    return backbone(spec.backbone).preprocessing(spec.second.size)


@torch.inference_mode()
def _second_features(
    network: HashNetwork, pictures: Pictures, progress: Progress, cancel: CancelToken
) -> Features:
    progress.start(Phase.TRAIN, len(pictures))
    look = _preprocessing(network.spec)
    device = choose_device("cpu")
    parts = []
    for first in range(0, len(pictures), _PICTURES_PER_CALL):
        cancel.check()
        rows = range(first, min(first + _PICTURES_PER_CALL, len(pictures)))
        pixels = torch.from_numpy(np.stack([prepare(pictures.picture(row), look) for row in rows]))
        kind = precision(device)
        with torch.autocast(device.type, kind, enabled=kind != torch.float32):
            parts.append(network.second_features(normalise(pixels, look.mean, look.std)).float().numpy())
        progress.advance(len(rows), "second backbone")
    features: Features = np.concatenate(parts)
    return features


def fit_likeness(
    head: nn.Module,
    features: Features,
    pulled: Features,
    *,
    epochs: int,
    seed: int,
    cancel: CancelToken,
) -> int:
    """Fit one linear head to the likeness of features.

    Parameters
    ----------
    head
        Changed in place: a linear layer and its centring.
    features
        (n, d).
    pulled
        (n, d), the features whose likeness is learned.
    epochs
        How often every picture is shown.
    seed
        Of the rotation at the start and the order of the pictures.
    cancel
        Checked after every epoch.

    Returns
    -------
    How many pictures were shown.
    """
    linear, centring = (layer for layer in head.modules() if isinstance(layer, (nn.Linear, nn.BatchNorm1d)))
    assert isinstance(linear, nn.Linear)
    assert isinstance(centring, nn.BatchNorm1d)
    mean, deviation = features.mean(0), features.std(0) + 1e-4
    start = itq(features, linear.out_features, linear.out_features, seed)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(start.T * deviation))
        linear.bias.zero_()
    inputs = torch.from_numpy((features - mean) / deviation)
    likeness = torch.from_numpy(pulled - pulled.mean(0))
    _train(linear, centring, inputs, likeness, epochs=epochs, seed=seed, cancel=cancel)
    centring.reset_running_stats()
    with torch.no_grad():
        scale = 1 / linear(inputs).std(0, correction=0)
        linear.weight.copy_(linear.weight / torch.from_numpy(deviation) * scale[:, None])
        linear.bias.copy_(-linear.weight @ torch.from_numpy(mean))
    return epochs * (len(inputs) // min(_BATCH, len(inputs))) * min(_BATCH, len(inputs))


def _train(
    linear: nn.Linear,
    centring: nn.BatchNorm1d,
    inputs: Tensor,
    likeness: Tensor,
    *,
    epochs: int,
    seed: int,
    cancel: CancelToken,
) -> None:
    """Train a linear layer behind standardised features, (n, d), for the likeness of others, (n, d)."""
    order = torch.Generator().manual_seed(seed)
    batch = min(_BATCH, len(inputs))
    steps = epochs * (len(inputs) // batch)
    optimiser = torch.optim.AdamW([linear.weight], lr=_RATE, weight_decay=0)
    falling = torch.optim.lr_scheduler.LinearLR(optimiser, 1, 0, total_iters=steps)
    centring.train()
    for _ in range(epochs):
        cancel.check()
        shuffled = torch.randperm(len(inputs), generator=order)
        for first in range(0, len(inputs) - batch + 1, batch):
            rows = shuffled[first : first + batch]
            wanted = log_similarity(likeness[rows]).exp()
            found = log_similarity(torch.tanh(centring(linear(inputs[rows]))))
            optimiser.zero_grad()
            (-(wanted * found).sum(1).mean()).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            falling.step()
    centring.eval()
