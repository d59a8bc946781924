"""Figure 2: which panels there are, and which lines in them."""

from dataclasses import replace
from typing import Any

import pytest

from vtsfind.learn.paper.results import CurvePoint, Result, framework_title
from vtsfind.report import plots

ONE = Result(
    backbone="vts16", feature="all", framework="csq", dataset="cifar10@54000", bits=64, how="end to end", mode="fixed",
    map=0.8, map_best_case=0.9, map_worst_case=0.7, radius_precision=0.5, radius_recall=0.4, radius_map=0.6, top=None,
    train=5000, queries=1000, database=54000, split_sha256="0" * 64, data="drawn", findings=(), seed=1, fingerprint="1" * 64,
    training={}, versions={}, command="vtsfind eval", date="2026-01-01", machine={}, seconds=1.0,
    curve=(CurvePoint(1, 0.9, 0.1), CurvePoint(100, 0.8, 0.5)),
)  # fmt: skip


def drawn(monkeypatch: pytest.MonkeyPatch, *results: Result) -> list[list[Any]]:
    """The panels of the figure, row by row."""
    pytest.importorskip("matplotlib")
    figures: list[Any] = []
    make = plots._figure

    def kept(width: float, height: float) -> Any:
        figures.append(make(width, height))
        return figures[-1]

    monkeypatch.setattr(plots, "_figure", kept)
    assert plots.precision_recall_png(results, framework_title).startswith(b"\x89PNG")
    axes = figures[0].axes
    columns = len({result.framework for result in results})
    return [axes[start : start + columns] for start in range(0, len(axes), columns)]


def test_rows_are_data_sets_columns_are_methods_and_lines_are_backbones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results = [
        replace(ONE, dataset=dataset, framework=method, backbone=backbone)
        for dataset in ("cifar10@54000", "coco@5000")
        for method in ("csq", "dpn", "dsh")
        for backbone in ("vts16", "vts32", "resnet50", "alexnet")
    ]
    panels = drawn(monkeypatch, *results)
    assert [[axes.get_title() for axes in row] for row in panels] == [
        [f"{dataset}, {method}" for method in ("CSQ", "DPN", "DSH")]
        for dataset in ("cifar10@54000", "coco@5000")
    ]
    for axes in (axes for row in panels for axes in row):
        assert sorted(line.get_label().split()[0] for line in axes.get_lines()) == [
            "alexnet",
            "resnet50",
            "vts16",
            "vts32",
        ]


def test_a_line_is_the_mean_over_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(
        ONE,
        seed=2,
        map=0.6,
        curve=(CurvePoint(1, 0.7, 0.3), CurvePoint(50, 0.1, 0.1), CurvePoint(100, 0.4, 0.7)),
    )
    ((axes,),) = drawn(monkeypatch, ONE, other)
    (line,) = axes.get_lines()
    assert list(line.get_xdata()) == pytest.approx([0.2, 0.6])
    assert list(line.get_ydata()) == pytest.approx([0.8, 0.6])
    assert line.get_label() == "vts16 all, end to end, 64 bits: 70.0"
