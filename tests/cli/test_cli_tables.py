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
from vtsfind.cli.app import make_app
from vtsfind.learn.evaluation.heads import Hyperparameters
from vtsfind.learn.models.network import make_backbone
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.paper import grid

RUN = ("--run", "--backbone", "vitti16@32=tiny.safetensors", "--dataset", "folder")


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(make_app(), ["eval", *map(str, arguments)], prog_name="vtsfind")


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
    assert "CSQ, 16 bits, folder, vitti16@32 lite, seed 1: mAP" in made.stderr
    return folder


def test_a_table_has_the_paper_s_figures_where_nothing_was_run() -> None:
    lines = evaluate("--table", 1).stdout.splitlines()
    (csq,) = [line for line in lines[:20] if line.split()[:2] == ["CSQ", "32"]]
    assert csq.split() == ["CSQ", "32", "78.0", "82.8", "96.1", "97.9"]
    assert (
        lines[-1]
        == "There are no results of our own yet. Use --run (frozen features) or --train (whole networks)."
    )


def test_cells_that_were_run_stand_in_the_table_with_how_and_on_what(cells: Path, data: Path) -> None:
    out = evaluate("--table", 1, "--results", cells).stdout
    (csq,) = [line.split() for line in out.splitlines() if line.startswith("CSQ") and len(line.split()) == 3]
    assert csq[:2] == ["CSQ", "16"]
    said = " ".join(out.split())
    assert "[A] vitti16@32, reading lite, heads on frozen features, mode fixed; 2 cells, 1 seed" in said
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
        "vitti16@32d1.lite.csq.folder.12.end-to-end.seed1.json"
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
        (["--train"], "--train needs --table or --figure"),
        (["--table", "1", "--train"], "--train needs --data"),
        (["--table", "1", "--train", "--run"], "cannot be combined"),
        (["--table", "1", "--dry-run"], "--dry-run needs --train"),
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


def test_table_3_is_filled_from_frozen_tokens_and_has_mean_and_deviation_of_seeds(
    data: Path, starts: Path, tmp_path: Path
) -> None:
    made = evaluate(
        "--table", 3, *RUN, "--data", data, "--starts", starts, "--results", tmp_path / "cells", "--method", "csq",
        "--bits", 16, "--seeds", 2, "--views", 1,
    )  # fmt: skip
    assert made.exit_code == 0, made.stderr
    (csq,) = [
        line.split() for line in made.stdout.splitlines() if line.startswith("CSQ") and len(line.split()) == 4
    ]
    assert [value.count("\N{PLUS-MINUS SIGN}") for value in csq[2:]] == [1, 1]
    assert "2 seeds" in " ".join(made.stdout.split())
    assert len(list((tmp_path / "cells").iterdir())) == 4


def test_the_published_map_and_other_numbers_of_answers_can_be_asked_for(data: Path) -> None:
    card = make_model(places().models, recipe=recipe_text("csq"))
    asked = ("--dataset", "folder", "--data", data, "--model", card.name, "--json")
    (plain,) = records(evaluate(*asked), "result")
    (record,) = records(evaluate(*asked, "--ties", "numpy", "--top", 3), "result")
    assert plain["map_published"] is None
    assert record["top"] == 3
    assert 0 <= record["map_worst_case"] <= record["map_published"] <= record["map_best_case"] <= 1
    assert "as published" in evaluate(*asked[:-1], "--ties", "numpy").stdout


def test_a_run_folder_is_evaluated_as_a_model(data: Path, tmp_path: Path) -> None:
    card = make_model(tmp_path / "run", recipe=recipe_text("csq"))
    (record,) = records(
        evaluate("--dataset", "folder", "--data", data, "--model", tmp_path / "run", "--json"), "result"
    )
    assert (record["model"], record["sha256"]) == (card.name, card.sha256)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_precision_of_an_evaluation_is_what_was_asked_for(data: Path, precision: str) -> None:
    card = make_model(places().models, recipe=recipe_text("csq"))
    asked = ("--dataset", "folder", "--data", data, "--model", card.name, "--device", "cpu", "--json")
    evaluate(*asked, "--precision", "float32" if precision == "bfloat16" else "bfloat16")
    (record,) = records(evaluate(*asked, "--precision", precision), "result")
    assert record["made_on"] == f"cpu, {precision}"
    assert evaluate(*asked, "--precision", "float8").exit_code == 2
