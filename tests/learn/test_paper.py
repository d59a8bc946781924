"""The published figures: all are there, they agree with each other, and only like is compared with like."""

from collections import Counter
from dataclasses import replace

import pytest

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head
from vtsfind.learn.data.protocols import PROTOCOLS
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.paper.published import (
    LITERATURE,
    PublishedCell,
    published,
    published_cells,
    published_counterpart,
)

DATASETS = ("cifar10@54000", "cifar10@all", "imagenet-100@1000", "nuswide-21@5000", "coco@5000")
PAPERS = NetworkSpec("vts16", 224, (Head("code", 32),), features="all")


def key(cell: PublishedCell) -> tuple[object, ...]:
    return (cell.table, cell.backbone, cell.feature, cell.framework, cell.dataset, cell.bits)


def mean(**of: object) -> float:
    found = [cell.map for cell in published(table=1) if all(getattr(cell, k) == v for k, v in of.items())]
    assert len(found) == 18
    return 100 * sum(found) / len(found)


def test_every_figure_of_the_three_tables_is_there_once() -> None:
    assert Counter(cell.table for cell in published_cells()) == {1: 360, 2: 87, 3: 360}
    assert len({key(cell) for cell in published_cells()}) == 807
    assert {cell.bits for cell in published_cells()} == {16, 32, 64}
    assert all(0 < cell.map < 1 for cell in published_cells())


def test_every_data_set_is_a_protocol() -> None:
    assert {cell.dataset for cell in published_cells()} == set(DATASETS) <= set(PROTOCOLS)


def test_table_3_repeats_table_1_where_heads_read_all_tokens() -> None:
    first = {key(cell)[1:]: cell.map for cell in published(table=1)}
    again = {key(cell)[1:]: cell.map for cell in published(table=3, feature="all")}
    assert len(again) == 180
    assert again == {cell: first[cell] for cell in again}


def test_table_2_repeats_csq_of_table_1() -> None:
    (first, again) = (
        {
            (cell.dataset, cell.bits): cell.map
            for cell in published(table=t, backbone="VTS16", framework="CSQ")
        }
        for t in (1, 2)
    )
    assert len(again) == 15
    assert again == first


@pytest.mark.parametrize(
    ("backbone", "means"),
    [
        ("AlexNet", (76.5, 77.7, 56.0, 79.8, 68.7)),
        ("ResNet50", (78.7, 79.2, 65.9, 80.2, 73.4)),
        ("VTS32", (95.4, 95.6, 80.1, 82.2, 79.0)),
        ("VTS16", (97.6, 97.7, 86.7, 82.3, 82.8)),
    ],
)
def test_means_over_methods_and_bits_are_as_summed_up_by_hand(
    backbone: str, means: tuple[float, ...]
) -> None:
    assert [mean(backbone=backbone, dataset=dataset) for dataset in DATASETS] == pytest.approx(
        means, abs=0.05
    )


def test_figures_are_found_by_vtsfind_s_names_and_the_tables_own() -> None:
    (ours,) = published(table=1, backbone="vts16", framework="hashnet", dataset="nuswide-21", bits=32)
    (theirs,) = published(table=1, backbone="VTS16", framework="HashNet", dataset="nuswide21@5000", bits=32)
    assert ours == theirs
    assert published(framework="dhn", backbone=LITERATURE)
    assert published(framework="dhn", backbone="VTS16") == ()
    with pytest.raises(UsageError, match="no data set 'svhn'"):
        published(dataset="svhn")


def test_a_network_of_the_paper_has_a_counterpart() -> None:
    found = published_counterpart(PAPERS, framework="csq", dataset="cifar10@54000", bits=32)
    assert found is not None
    assert (found.backbone, found.feature, found.framework, found.map) == ("VTS16", "all", "CSQ", 0.979)
    cls = published_counterpart(
        replace(PAPERS, features="cls"), framework="csq", dataset="imagenet-100@1000", bits=64
    )
    assert cls is not None
    assert (cls.table, cls.feature) == (3, "cls")
    alexnet = published_counterpart(
        NetworkSpec("alexnet", 224, PAPERS.heads), framework="dsh", dataset="cifar10@54000", bits=16
    )
    assert alexnet is not None
    assert alexnet.map == 0.735


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"backbone": "vits16"}, {}),
        ({"backbone": "transhash"}, {}),
        ({"features": "lite"}, {}),
        ({"features": "dual"}, {}),
        ({"depth": 6}, {}),
        ({"size": 112}, {}),
        ({}, {"framework": "dhn"}),
        ({}, {"dataset": "cifar10-2"}),
        ({}, {"bits": 48}),
    ],
)
def test_another_network_method_data_set_or_length_has_none(
    change: dict[str, object], asked: dict[str, object]
) -> None:
    wanted = {"framework": "csq", "dataset": "cifar10@54000", "bits": 32} | asked
    assert published_counterpart(replace(PAPERS, **change), **wanted) is None  # type: ignore[arg-type]
