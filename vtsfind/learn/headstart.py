"""Closed-form hash heads, from features of a backbone that already knows something: to start from, and to end with.

A random head on features of very uneven variance gives bits that follow a few directions, and takes long to leave them;
training lets bits become alike again. These two fits need one pass over some views and no gradient.

``identity``
    For telling photos apart. With total covariance S and within-photo covariance W of the features of edited views, the
    eigenvectors of S^-1 W with the smallest values are the directions that edits leave alone (Fisher's discriminant).
    Each is scaled to unit variance, weighted by the share of its variance that edits do not explain, and all are turned
    by a random rotation, so that every bit carries the same.
``targets``
    For learning given codes: the ridge regression from features to codes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Preprocessing
from vtsfind.learn.batches import Batch, Batches
from vtsfind.learn.network import HashNetwork, normalise
from vtsfind.learn.recipes import Goal, Recipe

_CENTRING_PICTURES = 1536
_CENTRING_BATCH = 64

Matrix = npt.NDArray[np.float64]
START_RIDGE = 1e-2
"""Share of the mean variance that is added to every direction at the start, so that no bit hangs on a faint one."""
REFIT_RIDGE = 1e-3
"""The same at the end, when the features have become what the heads need."""


@torch.no_grad()
def start_heads(
    network: HashNetwork,
    goals: Mapping[int, Goal],
    targets: Mapping[int, Tensor],
    batches: Iterable[Batch],
    *,
    preprocessing: Preprocessing,
    seed: int,
    ridge: float = START_RIDGE,
) -> None:
    """Give the heads of some goals their closed-form start.

    Parameters
    ----------
    network
        Changed in place; a head that is started must be one linear layer, with or without centring.
    goals
        The goals of one task by number, those with a random start included.
    targets
        (n, k) codes of the goals that have a teacher, by number.
    batches
        Views of the task's pictures; some thousands.
    preprocessing
        Of the network.
    seed
        Of the rotations.
    ridge
        Share of the mean variance that is added to every direction.

    Raises
    ------
    UsageError
        When a head has hidden layers.
    """
    started = {number: goal for number, goal in goals.items() if goal.start != "random"}
    if not started:
        return
    device = next(network.parameters()).device
    network.eval()
    parts, rows = [], []
    for batch in batches:
        inputs = normalise(batch.pixels.to(device), preprocessing.mean, preprocessing.std)
        parts.append(network.features(inputs).float().cpu().numpy().astype(np.float64))
        rows.append(batch.rows.numpy())
    features, photo = np.concatenate(parts), np.concatenate(rows)
    for number, goal in started.items():
        head = network.heads[goal.head]
        linear = [layer for layer in head.modules() if isinstance(layer, nn.Linear)]
        if len(linear) != 1:
            raise UsageError(f"The head '{goal.head}' has hidden layers.", "Start it at random.")
        bits = linear[0].out_features
        if goal.start == "identity":
            weights = identity_head(features, photo, bits, seed, ridge)
        else:
            weights = targets_head(features, targets[number].numpy()[photo], ridge)
        linear[0].weight.copy_(torch.from_numpy(weights))
        linear[0].bias.copy_(torch.from_numpy(-weights @ features.mean(0)))


def fit_heads(
    network: HashNetwork,
    recipe: Recipe,
    sources: Sequence[Batches],
    targets: Mapping[tuple[int, int], Tensor],
    *,
    count: int,
    ridge: float,
) -> None:
    """Fit the heads whose goals ask for a closed form to the backbone as it is.

    Parameters
    ----------
    network
        Changed in place.
    recipe
        Its tasks say which heads are fitted, and how.
    sources
        Of each task.
    targets
        (number of task, number of goal) to the (n, k) codes of goals that have a teacher.
    count
        Views of each task that are looked at.
    ridge
        See `start_heads`.
    """
    for number, (task, source) in enumerate(zip(recipe.tasks, sources, strict=True)):
        steps = math.ceil(count / (task.pictures * task.views_each))
        views = source.others(steps=steps, seed=-source.seed % 2**32)
        start_heads(
            network,
            dict(enumerate(task.goals)),
            {place: codes for (owner, place), codes in targets.items() if owner == number},
            (views[step] for step in range(steps)),
            preprocessing=source.preprocessing,
            seed=recipe.seed,
            ridge=ridge,
        )


@torch.no_grad()
def centre_heads(network: HashNetwork, source: Batches) -> None:
    """Set the heads' normalisation to the statistics of unedited pictures, so that each bit is balanced on those."""
    task = replace(source.task, views="plain", views_each=1, pictures=_CENTRING_BATCH)
    steps = math.ceil(min(_CENTRING_PICTURES, len(source.pictures)) / _CENTRING_BATCH)
    plain = source.others(steps=steps, seed=source.seed, task=task)
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
    """The weights of a head that tells photos apart whatever was done to them.

    Parameters
    ----------
    features
        (n, d), of several views of each photo.
    rows
        (n,) the photo of each view.
    bits
        k.
    seed
        Of the rotation.
    ridge
        Share of the mean variance that is added to every direction.

    Returns
    -------
    (k, d); outputs have unit variance.
    """
    covariance = np.cov(features.T)
    total = _steadied(covariance, ridge)
    inverse = np.linalg.inv(np.linalg.cholesky(total))
    within = inverse @ _within(features, rows) @ inverse.T
    noise, directions = np.linalg.eigh(within)
    weights = (1 - noise).clip(0)[:, None] * (directions.T @ inverse)
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(max(bits, len(weights)),) * 2))[0][:bits, : len(weights)]
    return _unit(rotation @ weights, covariance)


def targets_head(features: Matrix, codes: Matrix, ridge: float = START_RIDGE) -> Matrix:
    """The weights of a head that gives the codes as nearly as a linear one can.

    Parameters
    ----------
    features
        (n, d).
    codes
        (n, k) of -1 and 1.
    ridge
        Share of the mean variance that is added to every direction.

    Returns
    -------
    (k, d); outputs have unit variance.
    """
    centred = features - features.mean(0)
    covariance = np.cov(features.T)
    outputs = np.linalg.solve(_steadied(covariance, ridge), centred.T @ codes / len(codes)).T
    return _unit(outputs, covariance)


def _within(features: Matrix, rows: npt.NDArray[np.int64]) -> Matrix:
    """Covariance of the views of one photo around their mean."""
    _, photo, counts = np.unique(rows, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), features.shape[1]))
    np.add.at(means, photo, features)
    centred = features - (means / counts[:, None])[photo]
    return centred.T @ centred / max(1, len(rows) - len(counts))


def _steadied(covariance: Matrix, ridge: float) -> Matrix:
    steadied: Matrix = covariance + ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return steadied


def _unit(outputs: Matrix, covariance: Matrix) -> Matrix:
    variance = np.einsum("kd,de,ke->k", outputs, covariance, outputs)
    scaled: Matrix = outputs / np.sqrt(variance.clip(1e-12))[:, None]
    return scaled
