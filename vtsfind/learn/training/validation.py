"""Validation during training, and the choice of the best state.

Validation pictures are never trained on. If they are held out of the training set, each of them is a query and all the others
are its database; so the model has seen neither, and the queries of the protocol are not used.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vtsfind.base import bits as code_bits
from vtsfind.base.records import Head, Preprocessing
from vtsfind.learn.data.formats.pictures import Pictures
from vtsfind.learn.evaluation import metrics
from vtsfind.learn.evaluation.codes import PreparedPictures, prepared_batches
from vtsfind.learn.models.network import HashNetwork, normalise
from vtsfind.learn.training.training_data import ValidationSet

_BATCH = 64
StateDict = Mapping[str, Tensor]


def mean_average_precision(
    network: HashNetwork, head: Head, validation_set: ValidationSet, preprocessing: Preprocessing
) -> float:
    """Mean average precision of one head, the expectation over the order of ties, in 0..1.

    Parameters
    ----------
    network
        Put into evaluation mode.
    head
        The head.
    validation_set
        The pictures.
    preprocessing
        Of the network.
    """
    network.eval()
    queries = _collection(network, head, validation_set.queries, preprocessing)
    if validation_set.database is not None:
        database = _collection(network, head, validation_set.database, preprocessing)
        return metrics.map_hash(metrics.histograms(queries, database), validation_set.top)[0]
    counts = metrics.histograms(queries, queries)
    # A query is not a result of itself. A query without a label is not relevant to itself either.
    labelled = validation_set.queries.labels.any(axis=1)
    items, relevant = counts.items.copy(), counts.relevant.copy()
    items[:, 0] -= 1
    relevant[:, 0] -= labelled
    return metrics.map_hash(metrics.Histograms(items, relevant))[0]


@torch.inference_mode()
def _collection(
    network: HashNetwork, head: Head, pictures: Pictures, preprocessing: Preprocessing
) -> metrics.LabelledCodes:
    device = next(network.parameters()).device
    rows = np.arange(len(pictures))
    parts = []
    with closing(prepared_batches(PreparedPictures(pictures, preprocessing), rows, _BATCH, 0)) as batches:
        for pixels in batches:
            inputs = normalise(torch.from_numpy(pixels).to(device), preprocessing.mean, preprocessing.std)
            parts.append(network(inputs, (head.name,))[head.name].float().cpu().numpy())
    packed = code_bits.pack(np.concatenate(parts))
    return metrics.labelled_codes(packed, pictures.labels, bits=head.bits)


@dataclass(slots=True)
class BestState:
    """The best state of a run so far."""

    value: float = -1.0
    """Its mean average precision; negative before the first validation."""
    step: int = 0
    """Number of steps before it."""
    validations_since: int = 0
    """Number of validations after it."""
    weights: dict[str, Tensor] = field(default_factory=dict)

    def update(self, value: float, step: int, weights: StateDict) -> None:
        """Record a validation; on equal results the earlier state is kept."""
        if value > self.value:
            self.value, self.step, self.validations_since = value, step, 0
            self.weights = {name: tensor.clone() for name, tensor in weights.items()}
        else:
            self.validations_since += 1

    def state_dict(self) -> dict[str, Any]:
        """All values, for a checkpoint."""
        return {
            "value": self.value,
            "step": self.step,
            "since": self.validations_since,
            "weights": self.weights,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the values from `state_dict`."""
        self.value, self.step, self.validations_since = state["value"], state["step"], state["since"]
        self.weights = dict(state["weights"])
