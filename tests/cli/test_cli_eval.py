"""`vtsfind eval`: a registered model, a folder of classes, and what is written about them."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import torch
from support.output import records
from support.tiny_models import NAME, draw_classes, make_model, recipe_text
from typer.testing import CliRunner, Result

from vtsfind.base.settings import places
from vtsfind.cli.app import make_app
from vtsfind.learn.paper.published import PublishedCell


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> str:
    """Register a tiny model, which is meant where none is named."""
    torch.set_num_threads(1)
    make_model(places().models, recipe=recipe_text("csq"))
    monkeypatch.setenv("VTSFIND_MODEL", NAME)
    monkeypatch.setenv("VTSFIND_WORKERS", "1")
    return NAME


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return draw_classes(tmp_path / "data", train=4, val=2)


def measure(data: Path, *arguments: object, dataset: str = "folder") -> Result:
    given = ["eval", "--dataset", dataset, "--data", data, "--device", "cpu", *arguments]
    return CliRunner().invoke(make_app(), [str(each) for each in given], prog_name="vtsfind")


def one_result(data: Path, *arguments: object) -> dict[str, Any]:
    (record,) = records(measure(data, "--json", *arguments), "result")
    return record


def test_the_figures_are_shown_with_what_they_were_measured_on(data: Path, model: str) -> None:
    result = measure(data)
    assert result.exit_code == 0, result.stderr
    for said in (
        model,
        "head scene, 12 bits",
        "csq",
        "mAP ",
        "by the order of ties",
        "within radius 2",
        str(data),
    ):
        assert said in result.stdout
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    assert ["queries", "6"] in lines
    assert ["database", "12"] in lines
    assert "in the paper" not in result.stdout
    assert result.stderr == ""


def test_findings_about_the_data_are_shown(data: Path) -> None:
    for path in (data / "train" / "fox").iterdir():
        path.unlink()
    said = "Found nothing relevant in the database for 2 queries; each counts as zero."
    assert said in measure(data).stdout
    assert one_result(data)["findings"] == [said]


def test_records_say_the_same_for_programs(data: Path, model: str) -> None:
    result = measure(data, "--json")
    every = records(result)
    assert [record["type"] for record in every] == ["header", "result", *["point"] * 5, "footer"]
    (record,) = records(result, "result")
    assert list(record)[:8] == [
        "type", "dataset", "method", "bits", "map", "map_best_case", "map_worst_case", "paper",
    ]  # fmt: skip
    assert (record["dataset"], record["method"], record["bits"]) == ("folder", "csq", 12)
    assert record["paper"] is None
    assert 0 < record["map_worst_case"] <= record["map"] <= record["map_best_case"] <= 1
    assert record["map"] == record["textbook_map"]
    assert (record["model"], record["head"]) == (model, "scene")
    assert (record["queries"], record["database"], record["seed"]) == (6, 12, None)
    assert len(record["split_sha256"]) == len(record["sha256"]) == 64
    assert str(data) in record["data"]
    assert every[0]["versions"]["torch"]
    assert every[-2]["top"] == 12
    assert every[-1] == {"type": "footer", "results": 1, "points": 5, "encoded": 18}


def test_csv_has_the_same_values_in_one_line(data: Path) -> None:
    record = one_result(data)
    (row,) = csv.DictReader(io.StringIO(measure(data, "--csv").stdout))
    assert float(row["map"]) == record["map"]
    assert row["paper"] == ""
    assert row["split_sha256"] == record["split_sha256"]
    assert row["input_size"] == "32"
    assert measure(data, "--csv", "--json").exit_code == 2


def test_the_paper_s_figure_stands_beside_ours_where_there_is_one(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = PublishedCell(3, "VTS16", "cls", "CSQ", "coco@5000", 12, 0.815)
    monkeypatch.setattr("vtsfind.learn.evaluation.evaluator._paper_cell", lambda *_: cell)
    assert one_result(data)["paper"] == 0.815
    assert "0.815  (Table 3: VTS16 (cls), CSQ, 12 bits)" in measure(data).stdout


def test_the_second_time_nothing_is_encoded(data: Path) -> None:
    first = one_result(data)
    again = measure(data, "--json", "--head", "copy", "-v")
    assert records(again)[-1]["encoded"] == 0
    assert "Encoded 0 pictures; 18 codes came from the cache" in again.stderr
    assert records(again, "result")[0]["bits"] == 16
    assert one_result(data) == first


def test_a_cache_that_cannot_be_written_is_said(data: Path) -> None:
    places().cache.parent.mkdir(exist_ok=True)
    places().cache.write_bytes(b"a file")
    result = measure(data)
    assert result.exit_code == 0
    assert "could not be cached" in result.stderr
    assert "mAP" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "tiny.csq.drawn.61"], f"Did you mean '{NAME}'?"),
        (["--head", "face"], "has no head 'face'. It has: copy, scene."),
        (["--device", "tpu"], "has 'tpu' for 'device'. Use auto, cuda, mps or cpu."),
        (["--seed", "-1"], "should not be negative"),
        (["--data", "nowhere"], "There is no data folder nowhere."),
        (["--dataset", "svhn"], "There is no data set 'svhn'. Known: cifar10@54000"),
    ],
)
def test_wrong_use_is_refused_with_what_to_do(data: Path, arguments: list[str], message: str) -> None:
    result = measure(data, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""


@pytest.mark.parametrize("dataset", ["folder", "imagenette", "coco"])
def test_data_that_are_not_there_are_named_with_where_to_put_them(tmp_path: Path, dataset: str) -> None:
    (tmp_path / "empty").mkdir()
    result = measure(tmp_path / "empty", dataset=dataset)
    assert result.exit_code == 2
    assert "is not there" in result.stderr
    assert str(tmp_path / "empty") in result.stderr


def test_a_damaged_model_is_a_matter_of_storage(data: Path) -> None:
    file = places().models / f"{NAME}.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    result = measure(data)
    assert result.exit_code == 4
    assert "damaged" in result.stderr


def test_a_picture_that_cannot_be_used_stops_the_measurement(data: Path) -> None:
    (data / "val" / "fox" / "1.png").write_bytes(b"no picture")
    result = measure(data)
    assert result.exit_code == 2
    assert "1.png cannot be used" in " ".join(result.stderr.split())
