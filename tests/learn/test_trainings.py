"""A table filled by one command: tiny data in the layouts of the paper's four data sets, and a tiny network."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_layouts import write_cifar10, write_lists
from support.tiny_models import draw_classes
from typer.testing import CliRunner, Result

from vtsfind.cli import tables as command
from vtsfind.cli.app import make_app
from vtsfind.learn.data.formats import cifar10
from vtsfind.learn.data.layouts import SplitSampling
from vtsfind.learn.data.protocol_table import PROTOCOLS
from vtsfind.learn.paper import trainings
from vtsfind.learn.paper.results import read_results

TINY = (
    "--backbone", "vitti16", "--start", "none", "--epochs", 1, "--batch", 4, "--bits", 16, "--select", "last", "--method", "csq,dsh",
    "--set", "network.size=32", "--set", "network.depth=1", "--set", "schedule.precision=float32",
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The five protocols of Table 1, on four data sets."""
    torch.set_num_threads(1)
    monkeypatch.setattr(command, "default_workers", lambda: 0)
    monkeypatch.setattr(cifar10, "PICTURES_PER_FILE", 10)
    for name, database in (("cifar10@54000", ("rest",)), ("cifar10@all", ("train", "rest"))):
        sampling = SplitSampling(query=1, train=2, database=database)
        monkeypatch.setitem(PROTOCOLS, name, replace(PROTOCOLS[name], sampling=sampling))
    write_cifar10(tmp_path / "data", 6)
    write_lists(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def fill(tmp_path: Path, data: Path) -> Callable[..., Result]:
    def call(*arguments: object) -> Result:
        places = ("--data", data, "--results", tmp_path / "results", "--runs", tmp_path / "runs")
        given = ["eval", "--train", "--device", "cpu", *TINY, *places, *arguments]
        return CliRunner().invoke(make_app(), [str(each) for each in given], prog_name="vtsfind")

    return call


def test_one_command_plans_trains_and_fills_table_1(fill: Callable[..., Result], tmp_path: Path) -> None:
    planned = fill("--table", 1, "--dry-run")
    assert planned.exit_code == 0, planned.stderr
    assert "Plan: 8 trainings, 10 results." in planned.stdout
    assert "vitti16@32d1.csq.cifar10@54000.16, 5 steps: cifar10@54000, cifar10@all" in planned.stdout
    assert "Estimated time: " in planned.stdout
    assert not (tmp_path / "runs").exists()
    made = fill("--table", 1)
    assert made.exit_code == 0, made.stderr
    results = read_results(tmp_path / "results").entries
    assert {(one.framework, one.dataset) for one in results} == {
        (method, name)
        for method in ("csq", "dsh")
        for name in ("cifar10@54000", "cifar10@all", "imagenet-100@1000", "nuswide-21@5000", "coco@5000")
    }
    assert {(one.train, one.queries, one.database) for one in results} == {
        (20, 10, 30),
        (20, 10, 50),
        (8, 2, 12),
    }
    assert len(list((tmp_path / "runs").iterdir())) == 8
    assert not list((tmp_path / "runs").rglob("checkpoint.pt"))
    shown = [line.split() for line in made.stdout.splitlines()]
    values = [line[-1] for line in shown if line[:2] in (["CSQ", "16"], ["DSH", "16"])]
    # Each stands beside the paper's, with its difference and the mark of incomplete data.
    assert len(values) == 10
    assert all(value.endswith(")*") for value in values)
    for one in results:
        assert any(f"{100 * one.map:.1f}" in line for line in shown)


def test_the_same_command_goes_on_where_it_was_stopped(
    fill: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = trainings._measured
    calls: list[Any] = []

    def dying(cell: Any, *rest: Any) -> Any:
        calls.append(cell.name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return measured(cell, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(trainings, "_measured", dying)
        assert fill("--table", 1).exit_code == 130
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    assert len(before) == 2
    again = fill("--table", 1)
    assert again.exit_code == 0, again.stderr
    assert "Missing: " in again.stderr
    assert "2 there already" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list((tmp_path / "results").iterdir())) == 10
    assert "Missing: 0 trainings, 0 results; 10 there already" in " ".join(fill("--table", 1).stderr.split())


def test_table_3_has_both_features_and_several_seeds_give_mean_and_deviation(
    fill: Callable[..., Result], tmp_path: Path
) -> None:
    made = fill("--table", 3, "--seeds", 2, "--dataset", "cifar10@all", "--method", "csq")
    assert made.exit_code == 0, made.stderr
    results = read_results(tmp_path / "results").entries
    assert {(one.feature, one.seed) for one in results} == {("cls", 1), ("cls", 2), ("all", 1), ("all", 2)}
    assert len({one.split_sha256 for one in results}) == 2  # each seed draws its own queries
    (csq,) = [
        line for line in made.stdout.splitlines() if line.startswith("CSQ") and "\N{PLUS-MINUS SIGN}" in line
    ]
    for feature in ("cls", "all"):
        values = [one.map for one in results if one.feature == feature]
        mean = sum(values) / 2
        deviation = abs(values[0] - values[1]) / 2**0.5
        assert f"{100 * mean:.1f}\N{PLUS-MINUS SIGN}{100 * deviation:.1f}" in csq


def test_figure_2_and_table_2_are_filled_likewise(fill: Callable[..., Result], tmp_path: Path) -> None:
    figure = fill("--figure", 2, "--dataset", "coco", "--png", tmp_path / "curves.png")
    assert figure.exit_code == 0, figure.stderr
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    table = fill("--table", 2, "--dataset", "coco", "--method", "csq,dch", "--only", "*.dch.*")
    assert table.exit_code == 0, table.stderr
    assert {one.framework for one in read_results(tmp_path / "results").entries} == {"csq", "dsh", "dch"}


def test_several_processes_share_the_trainings(tmp_path: Path) -> None:
    data = draw_classes(tmp_path / "data", train=4, val=1)
    places = ("--data", data, "--results", tmp_path / "results", "--runs", tmp_path / "runs")
    given = ["eval", "--table", 1, "--train", "--device", "cpu", "--dataset", "folder", *TINY, *places]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    made = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--", "vtsfind",
         *map(str, given)],
        env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert {one.framework for one in read_results(tmp_path / "results").entries} == {"csq", "dsh"}
    made_by = [
        (tmp_path / "runs" / f"vitti16@32d1.{name}.folder.16" / "made.json") for name in ("csq", "dsh")
    ]
    assert all('"processes": 1' in file.read_text() for file in made_by)
    assert made.stdout.count("Table 1 of the paper") == 1
