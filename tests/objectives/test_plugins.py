"""Objectives of other packages: found by entry point, used as vtsfind's own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from vtsfind.base.errors import UsageError
from vtsfind.learn.objectives import OBJECTIVES, create, names, options

SOURCE = '''
from vtsfind.learn.objectives.base import Objective


class Pull(Objective):
    """Outputs to a given size."""

    def __init__(self, *, mode="fixed", size: float = 1.0):
        super().__init__(mode=mode)
        self.size = size

    def _bind(self, random, *, multilabel):
        pass

    def forward(self, outputs, labels, rows):
        return {"pull": (outputs.abs() - self.size).square().mean()}


class Stranger:
    pass
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package that brings an objective, something else, something that is not there, and `csq` again."""
    (tmp_path / "otherhash.py").write_text(SOURCE)
    about = tmp_path / "otherhash-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: otherhash\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[vtsfind.objectives]\npull = otherhash:Pull\nstranger = otherhash:Stranger\ngone = otherhash:Gone\n"
        "csq = otherhash:Pull\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("otherhash", None)


@pytest.mark.usefixtures("package")
def test_an_objective_of_another_package_is_made_by_its_name_and_options() -> None:
    assert {"pull", "csq"} <= set(names())
    assert options("pull") == {"size": 1.0}
    objective = create("pull", size=3)
    objective.bind(bits=4, classes=2, rows=2, seed=0)
    terms = objective(torch.full((2, 4), 5.0), torch.eye(2), torch.arange(2))
    assert float(terms["pull"]) == 4
    assert isinstance(create("csq"), OBJECTIVES["csq"])  # vtsfind's own names cannot be taken


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stranger", "no subclass"),
        ("gone", "cannot be imported from otherhash:Gone"),
        ("nowhere", "Known objectives: .*pull"),
    ],
)
def test_what_is_no_objective_is_refused_by_name(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        create(name)


def test_without_other_packages_there_are_vtsfind_s_own() -> None:
    assert set(OBJECTIVES) <= set(names())
