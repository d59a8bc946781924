"""Curves as PNG files. Matplotlib is loaded only here, and only when a drawing is wanted."""

import io
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from vtsfind.base.errors import package_missing
from vtsfind.engine.library.outputs import PNG_SOFTWARE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vtsfind.engine.library.curve import Curve
    from vtsfind.learn.paper.results import Result

_PANEL_INCHES = 4.5
_CALIBRATION_INCHES = (8, 6)
_DOTS_PER_INCH = 120


def precision_recall_png(results: "Sequence[Result]", titles: dict[str, str]) -> bytes:
    """Draw precision against recall, a panel for each data set and backbone, a line for each method and length.

    Parameters
    ----------
    results
        At least one.
    titles
        Framework to the name shown.

    Returns
    -------
    A PNG file.

    Raises
    ------
    UsageError
        If Matplotlib is not installed.
    """
    panels = [(key, list(group)) for key, group in groupby(sorted(results, key=_panel), key=_panel)]
    figure = _figure(_PANEL_INCHES * len(panels), _PANEL_INCHES)
    for place, ((dataset, backbone, how), group) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        for result in sorted(group, key=lambda r: (r.bits, -r.map)):
            points = result.curve
            label = f"{titles[result.framework]}, {result.bits} bits: {100 * result.map:.1f}"
            axes.plot([p.recall for p in points], [p.precision for p in points], label=label, linewidth=1)
        axes.set(
            xlabel="recall",
            ylabel="precision",
            xlim=(0, 1),
            ylim=(0, 1.02),
            title=f"{dataset}\n{backbone}, {how}",
        )
        axes.legend(fontsize="x-small", loc="lower left")
    return _png(figure)


def _panel(result: "Result") -> tuple[str, str, str]:
    return result.dataset, result.backbone, result.how


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
        ylim=(0, 1.02), ylabel="found within the radius", title=f"{curve.photos:,} photos, {curve.made[:10]}"
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
