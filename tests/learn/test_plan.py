"""The plan of a table: every cell that the paper has, once, each with the network that fills it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vtsfind.base.errors import UsageError
from vtsfind.learn.paper.plan import PlannedDataset, PlannedTraining, PlanOptions, make_plan, table_datasets
from vtsfind.learn.paper.published import PublishedCell, published_cells
from vtsfind.learn.paper.results import FRAMEWORKS

SIZES = {
    "cifar10@54000": PlannedDataset(5_000, 1_000, 54_000),
    "cifar10@all": PlannedDataset(5_000, 1_000, 59_000),
    "imagenet-100@1000": PlannedDataset(13_000, 5_000, 128_503),
    "nuswide-21@5000": PlannedDataset(10_500, 2_100, 193_734),
    "coco@5000": PlannedDataset(10_000, 5_000, 117_218),
}
TITLES = {"alexnet": "AlexNet", "resnet50": "ResNet50", "vts32": "VTS32", "vts16": "VTS16"}


def plan(table: int, **chosen: Any) -> list[PlannedTraining]:
    return make_plan(PlanOptions(table=table, data=Path("data"), **chosen), SIZES)


def cells(made: list[PlannedTraining]) -> list[str]:
    return [cell.name for training in made for cell in training.cells]


def name_of(cell: PublishedCell, feature: str) -> str:
    backbone = next(short for short, title in TITLES.items() if title == cell.backbone)
    method = next(short for short, title in FRAMEWORKS.items() if title == cell.framework)
    return f"{backbone}.{feature}.{method}.{cell.dataset}.{cell.bits}.end-to-end.seed1"


def test_the_plan_of_table_1_is_its_360_cells_by_288_networks() -> None:
    made = plan(1)
    features = {"AlexNet": "lite", "ResNet50": "lite", "VTS32": "all", "VTS16": "all"}
    wanted = [name_of(cell, features[cell.backbone]) for cell in published_cells() if cell.table == 1]
    assert Counter(cells(made)) == Counter(wanted)
    assert (len(wanted), len(made)) == (360, 288)
    assert len({training.recipe.name for training in made}) == 288


def test_the_plan_of_table_3_is_its_360_cells() -> None:
    wanted = [name_of(cell, cell.feature) for cell in published_cells() if cell.table == 3]
    assert Counter(cells(plan(3))) == Counter(wanted)


def test_the_plan_of_table_2_has_the_paper_s_own_row_and_the_methods_of_no_other_table() -> None:
    made = plan(2, bits=(32,), datasets=("cifar10",))
    assert [(one.recipe.network.backbone, one.recipe.tasks[0].goals[0].objective) for one in made] == [
        ("vts16", "csq"), ("vts16", "dhn"), ("vts16", "dch"), ("vts16", "dfh"), ("transhash", "transhash"),
    ]  # fmt: skip


def test_two_protocols_of_the_same_training_pictures_share_a_network() -> None:
    (one,) = plan(
        1, backbones=("vts16",), methods=("csq",), bits=(32,), datasets=("cifar10@all", "cifar10@54000")
    )
    assert one.recipe.name == "vts16.csq.cifar10@54000.32"
    assert [cell.dataset for cell in one.cells] == ["cifar10@all", "cifar10@54000"]


def test_seeds_draw_other_splits_and_have_networks_and_cells_of_their_own() -> None:
    made = plan(1, backbones=("vts16",), methods=("csq",), bits=(32,), datasets=("coco",), seeds=(1, 2, 3))
    assert [(one.recipe.seed, one.recipe.tasks[0].split_seed) for one in made] == [(1, 1), (2, 2), (3, 3)]
    assert len(set(cells(made))) == len({one.recipe.name for one in made}) == 3


def test_patterns_leave_cells_out() -> None:
    made = plan(1, only=("vts16.*.csq.cifar10@all.64.*", "*resnet50*.dpn.*.16.*"))
    assert sorted(cells(made)) == sorted(
        name for name in cells(plan(1))
        if name.startswith("vts16.all.csq.cifar10@all.64.") or ("resnet50" in name and ".dpn." in name and ".16." in name)
    )  # fmt: skip
    assert len(cells(made)) == 6


def test_changes_go_into_every_recipe_and_into_its_name() -> None:
    made = plan(
        3, backbones=("vits14",), features=("cls",), methods=("csq",), bits=(32,), datasets=("cifar10",), epochs=2,
        start="own.safetensors", changes={"network.size": 56, "network.depth": 8},
    )  # fmt: skip
    (one,) = made
    assert one.recipe.name == "vits14@56d8-cls.csq.cifar10@54000.32"
    assert cells(made) == ["vits14@56d8.cls.csq.cifar10@54000.32.end-to-end.seed1"]
    assert (one.recipe.network.size, one.recipe.network.depth, one.recipe.start) == (56, 8, "own.safetensors")
    assert one.recipe.schedule.steps == -(-2 * 4500 // 32)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"table": 4}, "no table 4"),
        ({"table": 1, "methods": ("softmax",)}, "no objective 'softmax'"),
        ({"table": 1, "backbones": ("vts61",)}, "no backbone 'vts61'"),
        ({"table": 1, "only": ("nothing",)}, "no cell"),
        ({"table": 1, "mode": "paper", "select": "validation"}, "all training pictures"),
    ],
)
def test_plans_that_cannot_be_are_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(**chosen)


def test_a_table_has_the_paper_s_five_protocols() -> None:
    assert table_datasets(PlanOptions(table=1, data=Path())) == tuple(SIZES)
