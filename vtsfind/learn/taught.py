"""A head with a hidden layer, fitted to given codes on features that stay as they are: a minute, where a network takes hours.

What a closed form is for a linear head (`vtsfind.learn.headstart`), a short training by CSQ's loss is here. It is that of
the grid's heads (`vtsfind.learn.heads`), with every view as a picture of its own.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from vtsfind.learn.heads import FeatureHead, Knobs, train_head
from vtsfind.learn.network import HIDDEN_DROPOUT
from vtsfind.learn.objectives import create

Floats = npt.NDArray[np.float64]

_EPOCHS = 12
_BATCH = 256
_RATE = 2e-3


def teach_head(head: nn.Module, features: Floats, codes: Floats, *, seed: int) -> None:
    """Fit a head to codes.

    Parameters
    ----------
    head
        Changed in place: linear, ReLU, linear, with or without dropout and centring.
    features
        (n, d), of n views.
    codes
        (n, k) of -1 and 1, of each view's picture.
    seed
        Of the training.
    """
    first, last = (layer for layer in head.modules() if isinstance(layer, nn.Linear))
    objective = create("csq")
    objective.bind_targets(torch.from_numpy(codes.astype(np.float32)))
    knobs = Knobs(
        epochs=_EPOCHS, batch=_BATCH, rate=_RATE, hidden=first.out_features, hidden_dropout=HIDDEN_DROPOUT
    )
    no_labels = np.zeros((len(codes), 1), np.float32)
    _copy(train_head(objective, [features.astype(np.float16)], no_labels, knobs, seed=seed), first, last)


@torch.no_grad()
def _copy(trained: FeatureHead, first: nn.Linear, last: nn.Linear) -> None:
    """Copy a trained head's weights; what it does to its features beforehand becomes part of the first layer."""
    begin, end = (layer for layer in trained.layers if isinstance(layer, nn.Linear))
    centring = next(layer for layer in trained.layers if isinstance(layer, nn.BatchNorm1d))
    first.weight.copy_(begin.weight * trained.scale)
    first.bias.copy_(begin.bias - begin.weight @ (trained.mean * trained.scale))
    assert centring.running_mean is not None
    last.weight.copy_(end.weight)
    last.bias.copy_(end.bias - centring.running_mean)
