"""How a training run went, as lines of text: its loss and its validation, by step."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from vtsfind.report.columns import table
from vtsfind.report.streams import Output

_WIDTH = 60
_BARS, _ASCII_BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588", "_.-=+*#%"
Points = list[tuple[int, float]]
"""Steps and values."""


def loss_series(lines: Sequence[Mapping[str, Any]]) -> dict[str, Points]:
    """Each term of the loss in a run's metrics, by its name; the names of terms are the ones with dots."""
    names = dict.fromkeys(name for line in lines for name in line if "." in name)
    return {name: [(line["step"], line[name]) for line in lines if name in line] for name in names}


def validation_series(lines: Sequence[Mapping[str, Any]]) -> Points:
    """Mean average precision in a run's metrics, in 0..1."""
    return [(line["step"], line["validation_map"]) for line in lines if "validation_map" in line]


def write_curves(output: Output, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write a line for each term of the loss and for the validation: a curve of bars, and its first and last value."""
    series = loss_series(lines)
    validation = validation_series(lines)
    if validation:
        series["validation mAP"] = validation
    bars = _BARS if output.is_unicode else _ASCII_BARS
    rows = [
        [name, f"{points[0][1]:.4f}", curve([value for _, value in points], bars), f"{points[-1][1]:.4f}"]
        for name, points in series.items()
    ]
    for line in table([["", "first", f"steps {lines[0]['step']:,} to {lines[-1]['step']:,}", "last"], *rows]):
        output.line(line)


def curve(values: Sequence[float], bars: str = _BARS) -> str:
    """Values as a line of bars, at most `_WIDTH` of them, each the mean of its share of the values.

    >>> curve([0.0, 1.0, 2.0, 7.0])
    '\u2581\u2582\u2583\u2588'
    """
    count = min(len(values), _WIDTH)
    edges = [len(values) * place // count for place in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    scale = (len(bars) - 1) / (high - low) if high > low else 0.0
    return "".join(bars[round((mean - low) * scale)] for mean in means)
