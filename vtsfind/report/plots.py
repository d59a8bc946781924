"""Curves as PNG files. Matplotlib is loaded only here, and only when a drawing is wanted."""

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from statistics import fmean
from typing import TYPE_CHECKING, Any

from vtsfind.base.errors import package_missing
from vtsfind.base.words import counted
from vtsfind.engine.library.outputs import PNG_SOFTWARE
from vtsfind.report.training import loss_series, validation_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vtsfind.engine.library.curve import Curve
    from vtsfind.learn.paper.results import Result

_PANEL_INCHES = 4.5
_CALIBRATION_INCHES = (8, 6)
_DOTS_PER_INCH = 120


def precision_recall_png(results: "Sequence[Result]", title: Callable[[str], str]) -> bytes:
    """Draw precision against recall as in Figure 2 of the paper.

    There is a row of panels for each data set and a column for each framework. A panel has a line for each backbone (what is
    read of it, how it was trained) and code length: the mean over seeds.

    Parameters
    ----------
    results
        At least one.
    title
        Framework to the name shown.

    Returns
    -------
    A PNG file.

    Raises
    ------
    UsageError
        If Matplotlib is not installed.
    """
    datasets = sorted({result.dataset for result in results})
    frameworks = list(dict.fromkeys(result.framework for result in results))
    figure = _figure(_PANEL_INCHES * len(frameworks), _PANEL_INCHES * len(datasets))
    panels = figure.subplots(len(datasets), len(frameworks), squeeze=False, sharex=True, sharey=True)
    for dataset, row in zip(datasets, panels, strict=True):
        for framework, axes in zip(frameworks, row, strict=True):
            own = [one for one in results if (one.dataset, one.framework) == (dataset, framework)]
            _draw_panel(axes, own)
            axes.set(xlim=(0, 1), ylim=(0, 1.02), title=f"{dataset}, {title(framework)}")
    figure.supxlabel("recall")
    figure.supylabel("precision")
    return _png(figure)


def _draw_panel(axes: "Axes", results: "Sequence[Result]") -> None:
    for name, group in groupby(sorted(results, key=_line), key=_line):
        own = list(group)
        curves = [{point.top: point for point in one.curve} for one in own]
        shared = [point.top for point in own[0].curve if all(point.top in curve for curve in curves)]
        recall = [fmean(curve[top].recall for curve in curves) for top in shared]
        precision = [fmean(curve[top].precision for curve in curves) for top in shared]
        axes.plot(recall, precision, label=f"{name}: {100 * fmean(one.map for one in own):.1f}", linewidth=1)
    if results:
        axes.legend(fontsize="x-small", loc="lower left")


def _line(result: "Result") -> str:
    """What a line is of: a backbone, what is read of it, how it was trained, and bits."""
    how = result.how if result.mode == "fixed" else f"{result.how}, {result.mode}"
    return f"{result.backbone} {result.feature}, {how}, {result.bits} bits"


def training_png(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw the terms of the loss, and mAP where there was a validation, by step.

    Parameters
    ----------
    lines
        Of a run's metrics, see `vtsfind.learn.training.runs`.

    Returns
    -------
    A PNG file.

    Raises
    ------
    UsageError
        If Matplotlib is not installed.
    """
    figure = _figure(2 * _PANEL_INCHES, _PANEL_INCHES)
    loss = figure.subplots()
    for name, points in loss_series(lines).items():
        loss.plot(*zip(*points, strict=True), label=name, linewidth=1)
    loss.set(xlabel="step", ylabel="loss")
    validation = validation_series(lines)
    if validation:
        quality = loss.twinx()
        quality.plot(*zip(*validation, strict=True), "k.--", label="validation mAP", linewidth=1)
        quality.set(ylabel="mAP", ylim=(0, 1))
    figure.legend(fontsize="x-small", loc="outside upper center", ncols=4)
    return _png(figure)


def calibration_png(curve: "Curve", radius: int | None) -> bytes:
    """Draw what each radius finds, and the share of unrelated pairs within it; `radius` is marked.

    Returns
    -------
    A PNG file.

    Raises
    ------
    UsageError
        If Matplotlib is not installed.
    """
    figure = _figure(*_CALIBRATION_INCHES)
    above, below = figure.subplots(2, 1, sharex=True)
    _draw_found(above, curve)
    _draw_rates(below, curve)
    for axes in (above, below):
        axes.grid(alpha=0.3)
        if radius is not None:
            axes.axvline(radius, color="black", linestyle=":", label=f"radius {radius}")
        axes.legend(loc="lower right")
    return _png(figure)


def _draw_found(axes: "Axes", curve: "Curve") -> None:
    radii = range(len(curve.rate))
    for name, share, least in (
        ("mild edits", curve.mild, curve.mild_at_least),
        ("hard edits", curve.hard, curve.hard_at_least),
    ):
        (line,) = axes.plot(radii, share, label=name)
        axes.fill_between(radii, least, share, alpha=0.2, color=line.get_color())
    axes.set(
        ylim=(0, 1.02),
        ylabel="found within the radius",
        title=f"{counted(curve.photos, 'photo')}, {curve.made[:10]}",
    )


def _draw_rates(axes: "Axes", curve: "Curve") -> None:
    radii = range(len(curve.rate))
    least = min(curve.at_most) / 10
    shown = [max(rate, least) for rate in curve.rate]
    (line,) = axes.plot(radii, shown, label="unrelated photos")
    axes.fill_between(radii, shown, curve.at_most, alpha=0.2, color=line.get_color())
    bursts = [max(rate, least) for rate in curve.bursts]
    axes.plot(radii, bursts, label="taken within an hour", linestyle="--")
    axes.set(yscale="log", xlabel=f"radius, in {curve.bits} bits", ylabel="share of pairs within")


def _figure(width: float, height: float) -> "Figure":
    """An empty figure; its sides are in inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise package_missing("Drawing curves", "matplotlib") from None
    return Figure(figsize=(width, height), layout="constrained")


def _png(figure: Any) -> bytes:
    content = io.BytesIO()
    # Without the version in it, the same curves are the same file.
    figure.savefig(content, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": PNG_SOFTWARE})
    return content.getvalue()
