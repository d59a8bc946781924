"""`vtsfind eval --table` and `--figure`: cells are run, kept, and shown beside the paper's."""

import csv
import io
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.output import records
from support.tiny_models import draw_classes, make_model, recipe_text
from typer.testing import CliRunner, Result

from vtsfind.base.settings import places
from vtsfind.cli.app import app
from vtsfind.learn.evaluation.heads import Hyperparameters
from vtsfind.learn.models.network import make_backbone
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.paper import grid

RUN = ("--run", "--backbone", "vitti16@32=tiny.safetensors", "--dataset", "folder")


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["eval", *map(str, arguments)], prog_name="vtsfind")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        grid, "HYPERPARAMETERS", dict.fromkeys(grid.HYPERPARAMETERS, Hyperparameters(epochs=1, batch=8))
    )
    monkeypatch.setenv("VTSFIND_WORKERS", "1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_classes(tmp_path_factory.mktemp("grid"), train=4, val=1)


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("starts")
    torch.manual_seed(0)
    save_file(make_backbone(NetworkSpec("vitti16", 32, heads=())).state_dict(), folder / "tiny.safetensors")
    return folder


@pytest.fixture
def cells(data: Path, starts: Path, tmp_path: Path) -> Path:
    """A folder of results with CSQ and DSH at 16 bits."""
    folder = tmp_path / "cells"
    made = evaluate(
        "--table", 1, *RUN, "--data", data, "--starts", starts, "--results", folder, "--method", "csq,dsh", "--bits", 16
    )  # fmt: skip
    assert made.exit_code == 0, made.stderr
    assert "CSQ, 16 bits, folder: mAP" in made.stderr
    return folder


def test_a_table_has_the_paper_s_figures_where_nothing_was_run() -> None:
    lines = evaluate("--table", 1).stdout.splitlines()
    (csq,) = [line for line in lines[:20] if line.split()[:2] == ["CSQ", "32"]]
    assert csq.split() == ["CSQ", "32", "78.0", "82.8", "96.1", "97.9"]
    assert lines[-1] == "There are no results of our own yet; --run computes them."


def test_cells_that_were_run_stand_in_the_table_with_how_and_on_what(cells: Path, data: Path) -> None:
    out = evaluate("--table", 1, "--results", cells).stdout
    (csq,) = [line.split() for line in out.splitlines() if line.startswith("CSQ") and len(line.split()) == 3]
    assert csq[:2] == ["CSQ", "16"]
    said = " ".join(out.split())
    assert "[A] vitti16@32, reading lite, heads on frozen features, mode fixed; 2 cells" in said
    assert f"folder: the class folders in {data}" in said


def test_a_table_as_csv_and_as_records_says_the_same(cells: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(evaluate("--table", 1, "--results", cells, "--csv").stdout)))
    own = [row for row in rows if row["source"] == "vtsfind"]
    assert len(rows) == 360 + 2
    assert [(row["framework"], row["how"], row["mode"]) for row in own] == [
        ("DSH", "frozen", "fixed"),
        ("CSQ", "frozen", "fixed"),
    ]
    said = evaluate("--table", 1, "--results", cells, "--json")
    told = [record for record in records(said, "cell") if record["source"] == "vtsfind"]
    assert [str(record["map"]) for record in told] == [row["map"] for row in own]
    assert told[0]["training"]["epochs"] == 1
    assert records(said, "footer") == [{"type": "footer", "rows": 92, "cells": 2}]


def test_a_second_run_makes_what_is_lacking_only(cells: Path, data: Path, starts: Path) -> None:
    again = evaluate(
        "--table", 1, *RUN, "--data", data, "--starts", starts, "--results", cells, "--method", "csq,dpn", "--bits", 16
    )  # fmt: skip
    assert "CSQ" not in again.stderr
    assert "DPN, 16 bits" in again.stderr
    assert len(list(cells.iterdir())) == 3


def test_curves_are_shown_and_drawn(cells: Path, tmp_path: Path) -> None:
    drawn = tmp_path / "curves.png"
    pytest.importorskip("matplotlib")
    result = evaluate("--figure", 2, "--results", cells, "--png", drawn)
    assert result.exit_code == 0, result.stderr
    assert drawn.read_bytes().startswith(b"\x89PNG")
    assert [line.split()[:3] for line in result.stdout.splitlines()[2:]] == [
        ["folder", "CSQ", "16"],
        ["folder", "DSH", "16"],
    ]
    points = records(evaluate("--figure", 2, "--results", cells, "--json"), "point")
    rows = list(csv.DictReader(io.StringIO(evaluate("--figure", 2, "--results", cells, "--csv").stdout)))
    assert [(p["framework"], p["top"]) for p in points] == [(r["framework"], int(r["top"])) for r in rows]
    assert points[-1]["recall"] == 1


def test_curves_without_matplotlib_say_what_to_install(
    cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = evaluate("--figure", 2, "--results", cells, "--png", tmp_path / "curves.png")
    assert result.exit_code == 2
    assert "pip install matplotlib" in result.stderr
    assert not (tmp_path / "curves.png").exists()


def test_a_trained_model_becomes_a_cell(data: Path, tmp_path: Path) -> None:
    card = make_model(places().models, recipe=recipe_text("csq"))
    result = evaluate(
        "--dataset", "folder", "--data", data, "--model", card.name, "--results", tmp_path / "cells"
    )
    assert result.exit_code == 0, result.stderr
    assert [path.name for path in (tmp_path / "cells").iterdir()] == [
        "vitti16@32d1.csq.folder.12.end-to-end.json"
    ]
    assert "trained end to end" in evaluate("--table", 1, "--results", tmp_path / "cells").stdout


def test_a_model_that_was_chosen_on_the_test_queries_says_so_in_the_table(data: Path, tmp_path: Path) -> None:
    card = make_model(places().models, recipe=recipe_text("csq"))
    registry = places().models / "registry.toml"
    said = "test queries, so good for reproducing only"
    registry.write_text(f'{registry.read_text()}\n[models."{card.name}".metrics]\n"selected on" = "{said}"\n')
    evaluate("--dataset", "folder", "--data", data, "--model", card.name, "--results", tmp_path / "cells")
    shown = evaluate("--table", 1, "--results", tmp_path / "cells").stdout
    assert f"The state that was kept was chosen on {said}." in shown


def test_a_model_of_no_known_method_is_no_cell(data: Path, tmp_path: Path) -> None:
    card = make_model(places().models)
    result = evaluate(
        "--dataset", "folder", "--data", data, "--model", card.name, "--results", tmp_path / "cells"
    )
    assert result.exit_code == 2
    assert "no cell of a table" in " ".join(result.stderr.split())
    assert not (tmp_path / "cells").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to evaluate"),
        (["--table", "7"], "no table 7"),
        (["--figure", "1"], "--figure cannot be 1"),
        (["--table", "1", "--figure", "2"], "cannot be combined"),
        (["--table", "1", "--png", "x.png"], "--png needs --figure"),
        (["--figure", "2"], "No results with curves"),
        (["--run"], "--run needs --table"),
        (["--table", "3", "--run"], "trained end to end"),
        (["--table", "1", "--run"], "--run needs --backbone"),
        (["--table", "1", "--against", "swin"], "no backbone 'swin'"),
        (["--figure", "2", "--bits", "many"], "Give numbers separated by commas"),
        (["--table", "1", "--json", "--csv"], "cannot be combined"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], message: str) -> None:
    result = evaluate(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""
