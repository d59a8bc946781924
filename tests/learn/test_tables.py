"""The paper's tables with our cells beside them."""

from dataclasses import replace

import pytest

from vtsfind.base.errors import UsageError
from vtsfind.learn.paper.published import published_cells
from vtsfind.learn.paper.results import FRAMEWORKS, CurvePoint, Result, Results
from vtsfind.learn.paper.tables import Column, OwnCell, Row, Table, join_results

OURS = Result(
    backbone="lite2@160", feature="lite", framework="csq", dataset="cifar10@54000", bits=32, how="frozen",
    mode="fixed", map=0.8, map_best_case=0.9, map_worst_case=0.7, radius_precision=0.5, radius_recall=0.4,
    radius_map=0.6, top=None, train=5000, queries=1000, database=54000, split_sha256="0" * 64, data="drawn", findings=(),
    seed=1, fingerprint="1" * 64, training={}, versions={}, command="vtsfind eval", date="2026-01-01", machine={},
    seconds=1.0, curve=(CurvePoint(1, 0.9, 0.1), CurvePoint(100, 0.8, 0.5)),
)  # fmt: skip


def table(number: int, *results: Result, against: str = "alexnet") -> Table:
    return join_results(number, Results(results), against=against)


def row(made: Table, dataset: str, framework: str, bits: int) -> Row:
    (found,) = [r for r in made.rows if (r.dataset, r.framework, r.bits) == (dataset, framework, bits)]
    return found


def test_a_table_without_results_is_the_paper_s() -> None:
    made = table(1)
    assert [column.title for column in made.published] == ["AlexNet", "ResNet50", "VTS32", "VTS16"]
    assert (len(made.rows), made.own, made.filled) == (90, (), 0)
    assert row(made, "cifar10@54000", "CSQ", 32).published == (0.78, 0.828, 0.961, 0.979)
    assert [r.framework for r in made.rows[:18:3]] == ["DSH", "HashNet", "GreedyHash", "IDHN", "CSQ", "DPN"]


def test_a_cell_of_another_backbone_is_compared_with_the_one_asked_for() -> None:
    for against, name, theirs in (("alexnet", "AlexNet", 0.78), ("VTS16", "VTS16", 0.979)):
        made = table(1, OURS, against=against)
        (own,) = row(made, "cifar10@54000", "CSQ", 32).own
        assert own == OwnCell((OURS,), theirs, name)
        assert own.difference == pytest.approx(OURS.map - theirs)
        assert made.filled == 1


def test_a_cell_of_the_paper_s_backbone_is_compared_with_its_own() -> None:
    own = replace(OURS, backbone="vts32", feature="all", how="end to end")
    (cell,) = row(table(1, own), "cifar10@54000", "CSQ", 32).own
    assert cell == OwnCell((own,), 0.961, "VTS32")


def test_cells_not_run_stay_empty_and_ways_of_training_are_columns_of_their_own() -> None:
    tuned = replace(OURS, how="end to end", bits=16)
    made = table(1, OURS, tuned, replace(OURS, mode="paper"))
    assert made.own == (
        Column("lite2@160", "lite", "frozen", "fixed"),
        Column("lite2@160", "lite", "end to end", "fixed"),
        Column("lite2@160", "lite", "frozen", "paper"),
    )
    assert [cell is None for cell in row(made, "cifar10@54000", "CSQ", 32).own] == [False, True, False]
    assert [cell is None for cell in row(made, "cifar10@54000", "CSQ", 16).own] == [True, False, True]
    assert made.own[2].title == "lite2@160 paper"


def test_a_data_set_that_the_paper_has_not_gets_rows_without_a_difference() -> None:
    other = replace(OURS, dataset="imagenette")
    found = row(table(1, other), "imagenette", "CSQ", 32)
    assert found.published == (None,) * 4
    assert found.own == (OwnCell((other,), None, ""),)


def test_table_2_compares_with_nothing_of_the_literature() -> None:
    others = [
        replace(OURS, backbone="vts16", feature="all", how="end to end", framework=name)
        for name in FRAMEWORKS
    ]
    made = table(2, *others)
    assert row(made, "cifar10@54000", "TransHash", 32).published == (0.911,)
    compared = [own for r in made.rows for own in r.own if own and own.difference is not None]
    assert [own.results[0].framework for own in compared] == ["csq"]
    assert compared[0].against == "VTS16"


def test_class_tokens_alone_are_in_table_3_only() -> None:
    cls, whole = (replace(OURS, backbone="vts16", feature=kind, how="end to end") for kind in ("cls", "all"))
    assert [column.feature for column in table(1, cls, whole).own] == ["all"]
    assert [column.feature for column in table(2, cls, whole).own] == ["all"]
    (found,) = [r for r in table(3, cls, whole).rows if any(r.own)]
    values = {own.results[0].feature: own.reference for own in found.own if own}
    published = {cell.feature: cell.map for cell in published_cells() if (cell.table, cell.backbone) == (3, "VTS16")
                 and (cell.framework, cell.dataset, cell.bits) == ("CSQ", "cifar10@54000", 32)}  # fmt: skip
    assert values == published


def test_a_cell_is_the_mean_of_its_seeds_with_their_deviation() -> None:
    maps = (0.80, 0.83, 0.79)
    made = table(1, *(replace(OURS, seed=seed, map=value) for seed, value in enumerate(maps, start=1)))
    (own,) = row(made, "cifar10@54000", "CSQ", 32).own
    assert own is not None
    mean = sum(maps) / 3
    assert own.map == pytest.approx(mean)
    assert own.deviation == pytest.approx((sum((value - mean) ** 2 for value in maps) / 2) ** 0.5)
    assert own.difference == pytest.approx(mean - 0.78)
    (alone,) = row(table(1, OURS), "cifar10@54000", "CSQ", 32).own
    assert alone is not None
    assert alone.deviation is None


@pytest.mark.parametrize("change", [{"database": 53_000}, {"queries": 999}, {"train": 4_500}])
def test_a_cell_of_other_pictures_than_the_protocol_s_is_marked(change: dict[str, int]) -> None:
    for result, complete in ((OURS, True), (replace(OURS, **change), False)):  # type: ignore[arg-type]
        (own,) = row(table(1, result), "cifar10@54000", "CSQ", 32).own
        assert own is not None
        assert own.complete is complete


def test_a_method_of_another_package_has_a_row() -> None:
    other = replace(OURS, framework="myhash")
    assert row(table(2, other), "cifar10@54000", "myhash", 32).own[0] == OwnCell((other,), None, "")


def test_table_3_takes_only_networks_whose_tokens_are_read() -> None:
    tokens = replace(OURS, backbone="vts16", feature="cls", how="end to end")
    made = table(3, OURS, tokens)
    assert [column.title for column in made.published] == ["VTS32 cls", "VTS32 all", "VTS16 cls", "VTS16 all"]
    (cell,) = row(made, "cifar10@54000", "CSQ", 32).own
    assert cell is not None
    assert cell.against == "VTS16"
    assert cell.difference == pytest.approx(
        tokens.map - (row(made, "cifar10@54000", "CSQ", 32).published[2] or 0)
    )


def test_a_table_or_backbone_that_the_paper_has_not_is_refused() -> None:
    with pytest.raises(UsageError, match="no table 4"):
        table(4)
    with pytest.raises(UsageError, match="no backbone 'swin'"):
        table(1, against="swin")
