"""Where an objective follows its authors or the published code to the letter: loops written from their formulas."""

from math import exp, log1p, sqrt, tanh
from typing import Any

import pytest
import torch

from vtsfind.learn.objectives import create

CLASSES = 3


def softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))


def bound(name: str, bits: int, **chosen: Any) -> Any:
    objective = create(name, **chosen)
    objective.bind(bits=bits, classes=CLASSES, rows=8, seed=1, multilabel=True)
    return objective.double()


def batch(bits: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Six images, two of them of two classes and the last of none."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.eye(CLASSES, dtype=torch.float64)[[0, 1, 2, 1, 0, 0]]
    labels[1, 2] = labels[3, 0] = 1
    labels[5] = 0
    return torch.randn(6, bits, generator=random, dtype=torch.float64), labels, torch.arange(6)


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_dsh_is_the_loss_of_its_authors_at_every_length(bits: int) -> None:
    """Sums over pairs i < j, halved margins, and 0.01 of the sum over bits, as hashing_loss_layer.cpp adds them up."""
    u, y, rows = batch(bits)
    n, pairs = len(u), 0.0
    for i in range(n):
        for j in range(i + 1, n):
            distance = float((u[i] - u[j]).square().sum())
            alike = bool((y[i] * y[j]).sum() > 0)
            pairs += distance if alike else max(2 * bits - distance, 0.0)
    terms = bound("dsh", bits)(u, y, rows)
    assert float(terms["pairs"]) == pytest.approx(pairs / (n * (n - 1)), rel=1e-12)
    pull = 0.01 * sum(abs(abs(float(x)) - 1) for row in u for x in row) / n
    assert float(terms["quantisation"]) == pytest.approx(pull, rel=1e-12)


def test_hashnet_sharpens_with_the_batches_as_its_authors_do() -> None:
    """Their scale is sqrt(1 + 0.005 i), looked at anew whenever the number i of batches is a multiple of 200."""
    objective = bound("hashnet", 16)
    u, y, rows = (part[:2] for part in batch(16))
    scale = 1.0
    for i in range(1, 602):
        objective.start_epoch(i // 10)
        (value,) = objective(u, y, rows).values()
        if i % 200 == 0:
            scale = sqrt(1 + 0.005 * i)
        if i in {1, 199, 200, 201, 399, 400, 600, 601}:
            a, b = ([tanh(scale * float(x)) for x in row] for row in u)
            theta = 10 / 16 * sum(p * q for p, q in zip(a, b, strict=True))
            assert float(value) == pytest.approx(softplus(theta), rel=1e-9)
    objective.eval()
    before = int(objective.batches)
    objective(u, y, rows)
    assert int(objective.batches) == before


def test_hashnet_in_paper_mode_is_never_sharper() -> None:
    objective = bound("hashnet", 16, mode="paper")
    values = {float(objective(*batch(16))["pairs"]) for _ in range(450)}
    assert len(values) == 1


@pytest.mark.parametrize("name", ["csq", "dpn"])
def test_the_first_class_alone_counts_where_the_published_code_takes_the_argmax(name: str) -> None:
    objective = bound(name, 16, mode="paper", several="first")
    u, y, rows = batch(16)
    centres, losses = objective.targets.centres.tolist(), []
    for a, labels in zip(u.tolist(), y.tolist(), strict=True):
        first = max(range(CLASSES), key=lambda c: labels[c])  # the first of the largest, as argmax
        for x, t in zip(a, centres[first], strict=True):
            losses.append(softplus(-2 * t * x) if name == "csq" else max(1 - t * x, 0.0))
    value = next(iter(objective(u, y, rows).values()))
    assert float(value) == pytest.approx(sum(losses) / len(losses), rel=1e-9)
    voting = bound(name, 16, mode="paper")
    assert float(next(iter(voting(u, y, rows).values()))) != pytest.approx(float(value))
