"""Fitting a head with a hidden layer to given codes, on features of a frozen backbone, in about a minute.

It takes the place of the closed form of a linear head (`vtsfind.learn.training.closed_form`), and trains as
`vtsfind.learn.evaluation.heads` does, with every view as a picture of its own, by the loss of CSQ and a similarity loss:
pictures of a batch should be as similar as their codes are. With CSQ alone, all pictures of which the head is unsure get nearly
the same code.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vtsfind.learn.evaluation.heads import FeatureHead, Hyperparameters, train_head
from vtsfind.learn.models.network import HIDDEN_DROPOUT
from vtsfind.learn.objectives.csq import CSQ

Matrix = npt.NDArray[np.float64]

_EPOCHS = 24
_BATCH = 512
_LEARNING_RATE = 2e-3
_TEMPERATURE = 0.1
_SIMILARITY_WEIGHT = 0.3


class CodesAndSimilarity(CSQ):
    """CSQ on given codes, and the cross-entropy between the similarities of outputs and those of their codes.

    With codes t and tanh(u) as unit vectors, the similarity of picture i to the others j of the batch is the softmax over j
    of their cosine / 0.1; its cross-entropy is added (Passalis and Tefas, "Learning Deep Representations with
    Probabilistic Knowledge Transfer", ECCV 2018, equations 3 to 6, with another kernel).
    """

    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """See `vtsfind.learn.objectives.base.Objective.forward`; CSQ's terms and `similarity`."""
        terms = super().forward(outputs, labels, rows)
        wanted = log_similarity(self.targets(labels, rows)).exp()
        similarity = -(wanted * log_similarity(torch.tanh(outputs))).sum(1).mean()
        return {**terms, "likeness": _SIMILARITY_WEIGHT * similarity}


def log_similarity(codes: Tensor) -> Tensor:
    """Logarithm of the similarity of each of b codes or features, (b, k), to each other one, (b, b); almost minus infinity to itself."""
    directions = F.normalize(codes)
    itself = torch.eye(len(codes), dtype=torch.bool)
    near: Tensor = (directions @ directions.T / _TEMPERATURE).masked_fill(itself, -1e4)
    return torch.log_softmax(near, 1)


def finetune_head(head: nn.Module, features: Matrix, codes: Matrix, *, seed: int) -> None:
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
    objective = CodesAndSimilarity()
    objective.bind_targets(torch.from_numpy(codes.astype(np.float32)))
    hyperparameters = Hyperparameters(
        epochs=_EPOCHS,
        batch=_BATCH,
        rate=_LEARNING_RATE,
        hidden=first.out_features,
        hidden_dropout=HIDDEN_DROPOUT,
    )
    no_labels = np.zeros((len(codes), 1), np.float32)
    _copy(
        train_head(objective, [features.astype(np.float16)], no_labels, hyperparameters, seed=seed),
        first,
        last,
    )


@torch.no_grad()
def _copy(trained: FeatureHead, first: nn.Linear, last: nn.Linear) -> None:
    """Copy the weights of a trained head; its standardisation of the features becomes part of the first layer."""
    begin, end = (layer for layer in trained.layers if isinstance(layer, nn.Linear))
    centring = next(layer for layer in trained.layers if isinstance(layer, nn.BatchNorm1d))
    first.weight.copy_(begin.weight * trained.scale)
    first.bias.copy_(begin.bias - begin.weight @ (trained.mean * trained.scale))
    assert centring.running_mean is not None
    last.weight.copy_(end.weight)
    last.bias.copy_(end.bias - centring.running_mean)
