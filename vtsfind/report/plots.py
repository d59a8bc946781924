"""Curves of results as a picture. Matplotlib, of the extra `plots`, is loaded only here and only when asked for."""

import io
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from vtsfind.base.errors import UsageError

if TYPE_CHECKING:
    from vtsfind.learn.paper.results import Result

_PANEL_INCHES = 4.5


def curves_png(results: "Sequence[Result]", titles: dict[str, str]) -> bytes:
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
        When Matplotlib is not installed.
    """
    figure_of = _matplotlib()
    panels = [(key, list(group)) for key, group in groupby(sorted(results, key=_panel), key=_panel)]
    figure = figure_of(figsize=(_PANEL_INCHES * len(panels), _PANEL_INCHES), layout="constrained")
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
    content = io.BytesIO()
    # Without the version in it, the same curves are the same file.
    figure.savefig(content, format="png", dpi=120, metadata={"Software": None})
    return content.getvalue()


def _panel(result: "Result") -> tuple[str, str, str]:
    return result.dataset, result.backbone, result.how


def _matplotlib() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "Curves are drawn with Matplotlib, which is not installed.",
            "Install it: pip install 'vtsfind[plots]'.",
        ) from None
    return Figure
