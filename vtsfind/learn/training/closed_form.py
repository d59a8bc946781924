"""Closed-form hash heads on the features of a pre-trained backbone: to initialise heads, and to refit them after training.

The features have very uneven variance, so the bits of a random head follow a few directions and train slowly; and training
makes bits correlated again. These two fits need one pass over some views and no gradient.

``identity``
    For telling photos apart. With total covariance S and within-photo covariance W of the features of edited views, the
    eigenvectors of S^-1 W with the smallest eigenvalues are the directions that edits change least (Fisher's discriminant).
    As many of them as there are bits are used, each scaled to the variance that edits do not explain, and all are turned by
    a random rotation, so that every bit has the same information.
``targets``
    For learning given codes: the ridge regression from features to codes; for a head with a hidden layer, a short training on
    the features (`vtsfind.learn.training.finetune_heads`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Preprocessing
from vtsfind.learn.models.network import HashNetwork, normalise
from vtsfind.learn.recipes import Recipe, TrainingTask
from vtsfind.learn.training.batches import Batch, Batches
from vtsfind.learn.training.finetune_heads import finetune_head
from vtsfind.learn.training.grad_cache import BackboneFeatures
from vtsfind.learn.training.loading import load_batches

_CENTRING_PICTURES = 1536
_CENTRING_BATCH = 64

Matrix = npt.NDArray[np.float64]
START_RIDGE = 1e-2
"""Ridge of the initial fit, as a share of the mean variance, so that no bit depends on a direction of little variance."""
REFIT_RIDGE = 1e-3
"""Ridge of the final fit, to trained features."""


@dataclass(frozen=True, slots=True)
class TaskFeatures:
    """Features of some views of one task's pictures."""

    features: Matrix
    """(n, d)."""
    rows: npt.NDArray[np.int64]
    """(n,) the row of the picture of each view."""


@torch.no_grad()
def extract_features(
    network: HashNetwork,
    batches: Iterable[Batch],
    preprocessing: Preprocessing,
    precision: torch.dtype = torch.float32,
) -> TaskFeatures:
    """Compute the features of views with the current backbone, in a precision."""
    device = next(network.parameters()).device
    extract = BackboneFeatures(network, device.type, precision)
    network.eval()
    parts, rows = [], []
    for batch in batches:
        inputs = normalise(batch.pixels.to(device), preprocessing.mean, preprocessing.std)
        parts.append(extract(inputs).float().cpu().numpy().astype(np.float64))
        rows.append(batch.rows.numpy())
    return TaskFeatures(np.concatenate(parts), np.concatenate(rows))


@torch.no_grad()
def fit_head(
    head: nn.Module,
    views: Sequence[TaskFeatures],
    targets: Sequence[Matrix] | None,
    *,
    seed: int,
    ridge: float,
) -> None:
    """Fit one head.

    Parameters
    ----------
    head
        Changed in place: one linear layer, with or without centring; for ``targets`` also two.
    views
        Of one or more tasks with different pictures.
    targets
        The codes, (rows, k) of -1 and 1, of each task's pictures, for ``targets``; None for ``identity``.
    seed
        Of the rotation, or of the training.
    ridge
        As a share of the mean variance.

    Raises
    ------
    UsageError
        When a head with a hidden layer is fitted to ``identity``.
    """
    linear = [layer for layer in head.modules() if isinstance(layer, nn.Linear)]
    if len(linear) != 1 and targets is None:
        raise UsageError("A head with hidden layers has no closed form.", "Use the start 'random'.")
    features = np.concatenate([part.features for part in views])
    if targets is None:
        firsts = np.cumsum([0, *(part.rows.max() + 1 for part in views)])
        photo = np.concatenate([part.rows + first for part, first in zip(views, firsts, strict=False)])
        weights = identity_head(features, photo, linear[0].out_features, seed, ridge)
    else:
        codes = np.concatenate([code[part.rows] for part, code in zip(views, targets, strict=True)])
        if len(linear) > 1:
            with torch.enable_grad():
                finetune_head(head, features, codes, seed=seed)
            return
        weights = targets_head(features, codes, ridge)
    linear[0].weight.copy_(torch.from_numpy(weights))
    linear[0].bias.copy_(torch.from_numpy(-weights @ features.mean(0)))


def fit_heads(
    network: HashNetwork,
    recipe: Recipe,
    sources: Sequence[Batches],
    targets: Mapping[tuple[int, int], Tensor],
    *,
    when: Literal["start", "end"],
    count: int,
    ridge: float,
    workers: int = 0,
    precision: torch.dtype = torch.float32,
) -> None:
    """Fit the heads whose goals ask for a closed form to the current backbone, each from the views of all its tasks.

    Parameters
    ----------
    network
        Changed in place.
    recipe
        Its goals name the heads to fit, and the form.
    sources
        Of each task.
    targets
        (number of task, number of goal) to the (n, k) codes of goals that have a teacher.
    when
        Whether to use the `start` or the `end` of the goals.
    count
        Number of views, shared among the tasks like those of a step.
    ridge
        See `fit_head`.
    workers
        Processes that make views; 0 for this process.
    precision
        Of the backbone.
    """
    forms = closed_forms(recipe, when)
    steps = math.ceil(count / sum(task.pictures * task.views_each for task in recipe.tasks))
    tasks = {(number, place): _task_at(recipe, number, place, when) for number, place in forms}
    views: dict[tuple[int, str], TaskFeatures] = {}
    for (number, _), task in tasks.items():
        if (number, task.views) not in views:
            views[number, task.views] = _extract_task_features(
                network, sources[number], task, steps, workers=workers, precision=precision
            )
    heads: dict[str, list[tuple[int, int]]] = {}
    for number, place in forms:
        heads.setdefault(recipe.tasks[number].goals[place].head, []).append((number, place))
    for name, keys in heads.items():
        taught = [targets[key].numpy() for key in keys if forms[key] == "targets"]
        shown = [views[key[0], tasks[key].views] for key in keys]
        fit_head(network.heads[name], shown, taught or None, seed=recipe.seed, ridge=ridge)


def closed_forms(recipe: Recipe, when: Literal["start", "end"]) -> dict[tuple[int, int], str]:
    """The goals, by (number of task, number of goal), that ask for a closed form of their head, and for which."""
    forms = {
        (number, place): goal.start if when == "start" else goal.end or goal.start
        for number, task in enumerate(recipe.tasks)
        for place, goal in enumerate(task.goals)
    }
    return {key: form for key, form in forms.items() if form != "random"}


def _task_at(recipe: Recipe, number: int, place: int, when: Literal["start", "end"]) -> TrainingTask:
    """A task with the views that one of its goals asks for."""
    task = recipe.tasks[number]
    wanted = task.goals[place].end_views if when == "end" else None
    return replace(task, views=wanted or task.views)


def _extract_task_features(
    network: HashNetwork,
    source: Batches,
    task: TrainingTask,
    steps: int,
    *,
    workers: int,
    precision: torch.dtype,
) -> TaskFeatures:
    batches = source.derive(steps=steps, seed=-source.seed % 2**32, task=task)
    loaded = (batch for (batch,) in load_batches([batches], range(steps), workers, pin=False))
    return extract_features(network, loaded, source.preprocessing, precision)


@torch.no_grad()
def centre_heads(network: HashNetwork, source: Batches) -> None:
    """Set the normalisation of the heads to the statistics of unedited pictures, so that each bit is balanced on these."""
    task = replace(source.task, views="plain", views_each=1, pictures=_CENTRING_BATCH)
    steps = math.ceil(min(_CENTRING_PICTURES, len(source.pictures)) / _CENTRING_BATCH)
    plain = source.derive(steps=steps, seed=source.seed, task=task)
    device = next(network.parameters()).device
    norms = [layer for layer in network.heads.modules() if isinstance(layer, nn.BatchNorm1d)]
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None
    network.eval()
    for layer in norms:
        layer.train()
    for step in range(steps):
        pixels = plain[step].pixels.to(device)
        network(normalise(pixels, source.preprocessing.mean, source.preprocessing.std))
    network.eval()


def identity_head(
    features: Matrix, rows: npt.NDArray[np.int64], bits: int, seed: int, ridge: float = START_RIDGE
) -> Matrix:
    """The weights of a head that distinguishes photos but not the edits of one photo.

    Parameters
    ----------
    features
        (n, d), of several views of each photo.
    rows
        (n,) the row of the photo of each view.
    bits
        k.
    seed
        Of the rotation.
    ridge
        As a share of the mean variance.

    Returns
    -------
    (k, d); outputs have unit variance.
    """
    covariance = np.cov(features.T)
    total = _regularised(covariance, ridge)
    inverse = np.linalg.inv(np.linalg.cholesky(total))
    within = inverse @ _within_covariance(features, rows) @ inverse.T
    noise, directions = np.linalg.eigh(within)
    weights = (np.sqrt((1 - noise).clip(0))[:, None] * (directions.T @ inverse))[:bits]
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(max(bits, len(weights)),) * 2))[0][:bits, : len(weights)]
    return _unit_variance(rotation @ weights, covariance)


def targets_head(features: Matrix, codes: Matrix, ridge: float = START_RIDGE) -> Matrix:
    """The weights of the linear head with the least squared error to the codes.

    Parameters
    ----------
    features
        (n, d).
    codes
        (n, k) of -1 and 1.
    ridge
        As a share of the mean variance.

    Returns
    -------
    (k, d); outputs have unit variance.
    """
    centred = features - features.mean(0)
    covariance = np.cov(features.T)
    outputs = np.linalg.solve(_regularised(covariance, ridge), centred.T @ codes / len(codes)).T
    return _unit_variance(outputs, covariance)


def _within_covariance(features: Matrix, rows: npt.NDArray[np.int64]) -> Matrix:
    """Covariance of the views of one photo around their mean."""
    _, photo, counts = np.unique(rows, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), features.shape[1]))
    np.add.at(means, photo, features)
    centred = features - (means / counts[:, None])[photo]
    return centred.T @ centred / max(1, len(rows) - len(counts))


def _regularised(covariance: Matrix, ridge: float) -> Matrix:
    regularised: Matrix = covariance + ridge * np.trace(covariance) / len(covariance) * np.eye(
        len(covariance)
    )
    return regularised


def _unit_variance(outputs: Matrix, covariance: Matrix) -> Matrix:
    variance = np.einsum("kd,de,ke->k", outputs, covariance, outputs)
    scaled: Matrix = outputs / np.sqrt(variance.clip(1e-12))[:, None]
    return scaled
