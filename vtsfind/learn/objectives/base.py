"""The contract between the training loop and an objective (a loss).

The trainer does the same for every objective and never asks for its name::

    objective = create("csq", mode="fixed")
    objective.bind(bits=32, classes=10, rows=len(train), seed=0, multilabel=False)
    optimiser = AdamW([*network.parameters(), *objective.parameters()])
    for epoch in range(epochs):
        objective.start_epoch(epoch)
        for images, labels, rows in batches:
            terms = objective(network(images), labels, rows)
            sum(terms.values()).backward()

What depends on chance (centres, a classifier's start) is drawn in `bind` from the given seed alone, and everything
that an objective remembers is a buffer or a parameter: a state dict, loaded after the same `bind`, resumes exactly.
`bind` works on the CPU; move the module afterwards. Outputs are float32 or float64, so call objectives outside
autocast. With several processes an objective sees the gathered batch, so that its buffers stay the same everywhere.

Axis letters: b images of a batch, k bits, c classes, n rows of the training set.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, get_args

import numpy as np
from torch import Tensor, nn

from vtsfind.base.errors import UsageError

Mode = Literal["fixed", "paper"]
"""`fixed` is the correct form; `paper` computes what the published code does, errors included."""


class Objective(nn.Module, ABC):
    """A loss: a function of outputs and labels whose named terms are minimised.

    Parameters
    ----------
    mode
        `fixed` or `paper`, see `Mode`.

    Raises
    ------
    UsageError
        For an unknown mode.
    """

    zero_gradient_terms: ClassVar[Mapping[Mode, frozenset[str]]] = {}
    """Mode to the terms that have no gradient on the outputs, because the published code has none there."""

    def __init__(self, *, mode: Mode = "fixed") -> None:
        super().__init__()
        if mode not in get_args(Mode):
            raise UsageError(f"There is no mode '{mode}'.", f"Known modes: {', '.join(get_args(Mode))}.")
        self.mode: Mode = mode
        self.bits = 0
        self.classes = 0
        self.rows = 0

    def bind(self, *, bits: int, classes: int, rows: int, seed: int, multilabel: bool = False) -> None:
        """Fit the objective to a code length and a training set; called once, before training or loading.

        Parameters
        ----------
        bits
            Length of the codes.
        classes
            Columns of the labels; at least 2.
        rows
            Images of the training set.
        seed
            Seed of everything that is drawn at random.
        multilabel
            Whether some image has more than one label.

        Raises
        ------
        UsageError
            When the objective is not possible for these numbers, saying why and naming the nearest possible.
        """
        if bits < 1 or rows < 1:
            raise UsageError(
                f"Codes of {bits} bits for {rows} images cannot be learnt.", "Give at least one."
            )
        if classes < 2:
            raise UsageError(
                f"The labels have {classes} class: there is nothing to tell apart.",
                "Use training data of at least 2 classes.",
            )
        self.bits, self.classes, self.rows = bits, classes, rows
        self._bind(np.random.default_rng(seed), multilabel=multilabel)

    def bind_targets(self, codes: Tensor) -> None:
        """Fit the objective to a given code for each row of the training set, in place of `bind`.

        Labels then do not matter. Only objectives that pull images to codes can do it.

        Parameters
        ----------
        codes
            (n, k) of -1 and +1: a teacher's codes, or one code for each photo.

        Raises
        ------
        UsageError
            When this objective takes no codes, or they are not a table of -1 and +1.
        """
        del codes
        raise UsageError(
            f"The objective {type(self).__name__} cannot learn given codes.", "Use CSQ or DPN for that."
        )

    @abstractmethod
    def _bind(self, random: np.random.Generator, *, multilabel: bool) -> None:
        """Make the buffers and parameters, for the sizes that `bind` has set; `random` is the only source of chance."""

    def start_epoch(self, n: int) -> None:
        """Called when epoch `n` begins, counted from 0, for objectives that follow a schedule."""

    @abstractmethod
    def forward(self, outputs: Tensor, labels: Tensor, rows: Tensor) -> dict[str, Tensor]:
        """Compute the terms of one batch, already weighted; their sum is to be minimised.

        Parameters
        ----------
        outputs
            (b, k) float: what the network gives, without an activation.
        labels
            (b, c) float: 1 where the image is of the class and 0 elsewhere; rows of several or no labels may occur.
        rows
            (b,) int64: where each image stands in the training set. In evaluation mode nothing is remembered.

        Returns
        -------
        Name to scalar, the same names every time.
        """
