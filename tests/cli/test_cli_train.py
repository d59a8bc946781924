"""`vtsfind train`: from a data set, a method and bits to a registered model, and what is refused."""

import tomllib
from pathlib import Path

import pytest
import torch
from support.output import records
from support.tiny_models import draw_classes
from typer.testing import CliRunner, Result

from vtsfind.base.settings import places
from vtsfind.cli.app import make_app
from vtsfind.learn.models.registry import registered_models

TINY = ["--backbone", "vitti16", "--start", "none", "--epochs", "1", "--batch", "8", "--workers", "0"]
SMALL = ["--set", "network.size=32", "--set", "network.depth=1"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    torch.set_num_threads(1)
    return draw_classes(tmp_path / "data")


def train(*arguments: object) -> Result:
    given = ["train", "--device", "cpu", *(str(each) for each in arguments)]
    return CliRunner().invoke(make_app(), given, prog_name="vtsfind")


def test_a_data_set_a_method_and_bits_give_a_model_that_can_be_evaluated(tmp_path: Path, data: Path) -> None:
    asked = [
        "--dataset",
        "folder",
        "--method",
        "dpn",
        "--bits",
        16,
        "--data",
        data,
        "--run",
        tmp_path / "run",
    ]
    result = train(*asked, *TINY, *SMALL, "--json", "--register")
    assert result.exit_code == 0, result.stderr
    (record,) = records(result, "model")
    assert record["name"] == "vitti16.dpn.folder.16"
    assert registered_models((places().models,))["vitti16.dpn.folder.16"].metrics["selected on"]
    measured = CliRunner().invoke(
        make_app(),
        [
            "eval",
            "--dataset",
            "folder",
            "--data",
            str(data),
            "--model",
            record["name"],
            "--json",
            "--device",
            "cpu",
        ],
    )
    (figures,) = records(measured, "result")
    assert figures["method"] == "dpn"
    assert figures["trained_by"] == "the training set of this split"
    again = train(*asked, *TINY, *SMALL, "--json", "--register")
    assert again.exit_code == 0, again.stderr
    assert records(again, "model") != []


def test_a_recipe_is_shown_and_can_be_changed_and_trains_nothing(tmp_path: Path) -> None:
    result = train(
        *[
            "--dataset",
            "cifar10@all",
            "--method",
            "csq",
            "--bits",
            64,
            "--backbone",
            "vts32",
            "--show-recipe",
        ],
        *["--set", "schedule.steps=5", "--set", "note=My own", "--run", tmp_path / "run"],
    )
    assert result.exit_code == 0, result.stderr
    recipe = tomllib.loads(result.stdout)
    assert recipe["name"] == "vts32.csq.cifar10@all.64"
    assert (recipe["schedule"]["steps"], recipe["note"]) == (5, "My own")
    assert recipe["network"]["features"] == "all"
    file = tmp_path / "own.toml"
    file.write_text(result.stdout)
    shown = train("--recipe", file, "--set", "tasks.0.pictures=4", "--show-recipe")
    assert tomllib.loads(shown.stdout)["tasks"][0]["pictures"] == 4
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "folder"], "not clear what to train"),
        (["--recipe", "x.toml", "--bits", "8"], "not clear what to train"),
        (["--recipe", "x.toml"], "no recipe x.toml"),
        (["--dataset", "folder", "--method", "cqs", "--bits", "8"], "no objective 'cqs'"),
        (["--dataset", "mnist", "--method", "csq", "--bits", "8"], "no data set 'mnist'"),
        (["--dataset", "folder", "--method", "csq", "--bits", "1"], "Use at least 2 bits"),
        (
            ["--dataset", "folder", "--method", "csq", "--bits", "8", "--mode", "own"],
            "--mode cannot be 'own'",
        ),
        (
            ["--dataset", "folder", "--method", "csq", "--bits", "8", "--select", "x"],
            "--select cannot be 'x'",
        ),
        (["--dataset", "folder", "--method", "csq", "--bits", "8", "--set", "x"], "--set cannot be 'x'"),
    ],
)
def test_what_cannot_be_trained_is_a_usage_error_and_leaves_nothing(
    tmp_path: Path, data: Path, arguments: list[str], message: str
) -> None:
    result = train(*arguments, "--data", data, "--run", tmp_path / "run", *TINY, *SMALL)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not (tmp_path / "run").exists()


def test_where_views_are_made_and_for_how_long_can_be_said(tmp_path: Path, data: Path) -> None:
    del tmp_path
    asked = ["--dataset", "folder", "--method", "dpn", "--bits", 16, "--data", data, *TINY]
    shown = tomllib.loads(train(*asked, "--augment", "device", "--minutes", 5, "--show-recipe").output)
    assert (shown["schedule"]["augment"], shown["schedule"]["minutes"]) == ("device", 5)
    refused = train(*asked, "--augment", "elsewhere")
    assert refused.exit_code == 2
    assert "--augment" in refused.output


def test_the_pictures_of_a_recipe_are_packed_and_nothing_is_trained(tmp_path: Path, data: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        """
name = "r"
network = { backbone = "vitti16", size = 32, heads = [{ name = "copy", bits = 8 }] }
schedule = { steps = 1 }
tasks = [{ data = [{ kind = "photos", path = "FOLDER" }], goals = [{ head = "copy", objective = "instance" }] }]
""".replace("FOLDER", data.name)
    )
    result = train("--recipe", recipe, "--data", data.parent, "--pack", tmp_path / "pack")
    assert result.exit_code == 0, result.stderr
    assert "Saved 1 archives" in result.stderr
    assert sorted(path.name for path in (tmp_path / "pack").iterdir()) == ["data-00.tar", "pack.json"]
    assert not Path("runs").exists()
