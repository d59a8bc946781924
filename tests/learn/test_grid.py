"""The grid of cells: what is run, what is left alone, what is kept of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.tiny_models import draw_classes

from vtsfind.base.errors import DiskFull, UsageError
from vtsfind.learn.evaluation.codes import EncodingOptions
from vtsfind.learn.evaluation.features import FeatureStore, frozen
from vtsfind.learn.evaluation.heads import Hyperparameters
from vtsfind.learn.models.network import make_backbone
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.paper import grid
from vtsfind.learn.paper.grid import GridOptions, run_grid
from vtsfind.learn.paper.results import read_results, write_result

ENCODING = EncodingOptions("cpu", 8, 1)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        grid, "HYPERPARAMETERS", dict.fromkeys(grid.HYPERPARAMETERS, Hyperparameters(epochs=1, batch=8))
    )


@pytest.fixture
def grid_options(tmp_path: Path) -> GridOptions:
    torch.manual_seed(0)
    network = make_backbone(NetworkSpec("vitti16", 32, heads=()))
    save_file(network.state_dict(), tmp_path / "tiny.safetensors")
    return GridOptions(
        backbone=frozen("vitti16@32=tiny.safetensors", tmp_path),
        datasets=("folder",),
        data=draw_classes(tmp_path / "data", train=4, val=1),
        results=tmp_path / "results",
        cache=tmp_path / "cache",
        frameworks=("csq", "dch"),
        bits=(16, 32),
        views=2,
    )


def test_a_grid_has_a_file_for_each_cell_with_what_it_takes_to_believe_it(grid_options: GridOptions) -> None:
    made = list(run_grid(grid_options, ENCODING))
    assert [(one.framework, one.bits) for one in made] == [("csq", 16), ("dch", 16), ("csq", 32), ("dch", 32)]
    assert read_results(grid_options.results).entries == tuple(sorted(made, key=lambda one: one.file))
    file = grid_options.results / "vitti16@32.lite.csq.folder.16.frozen.seed1.json"
    content = json.loads(file.read_bytes())
    assert (content["how"], content["mode"], content["train"], content["queries"]) == (
        "frozen",
        "fixed",
        12,
        3,
    )
    assert content["training"]["views"] == 2
    assert content["training"]["features"] == 2 * 192
    assert 0 < content["map_worst_case"] <= content["map"] <= content["map_best_case"] <= 1
    assert content["versions"]["torch"]
    assert content["command"]


def test_cells_that_have_a_result_are_left_alone_unless_asked_for_again(grid_options: GridOptions) -> None:
    first = list(run_grid(replace(grid_options, bits=(16,)), ENCODING))
    assert [one.bits for one in run_grid(grid_options, ENCODING)] == [32, 32]
    assert list(run_grid(grid_options, ENCODING)) == []
    rerun = list(run_grid(replace(grid_options, bits=(16,), rerun=True), ENCODING))
    assert [one.map for one in rerun] == [one.map for one in first]


def test_features_of_training_pictures_are_made_in_every_view_and_others_once(
    grid_options: GridOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    view_features = FeatureStore.view_features

    def watched(self: FeatureStore, rows: list[int], view: int = 0) -> object:
        asked.append((len(rows), view))
        return view_features(self, rows, view)

    monkeypatch.setattr(FeatureStore, "view_features", watched)
    list(run_grid(grid_options, ENCODING))
    assert asked == [(15, 0), (12, 1)]


def test_a_head_serves_all_data_sets_of_the_same_training_pictures(
    grid_options: GridOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    train = grid.train_named_head

    def counted(framework: str, *arguments: object, **options: object) -> object:
        calls.append(framework)
        return train(framework, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(grid, "train_named_head", counted)
    made = list(
        run_grid(
            replace(grid_options, datasets=("folder", "imagenette"), frameworks=("csq",), bits=(16,)),
            ENCODING,
        )
    )
    assert calls == ["csq"]
    assert [one.dataset for one in made] == ["folder", "imagenette"]
    assert made[0].map == made[1].map


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frameworks": ("softmax",)}, "no objective 'softmax'"),
        ({"datasets": ("svhn",)}, "no data set 'svhn'"),
        ({"frameworks": ("transhash",), "bits": (12,)}, "The nearest possible number is 16 bits"),
    ],
)
def test_cells_that_cannot_be_are_refused(
    grid_options: GridOptions, change: dict[str, tuple[str, ...]], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        list(run_grid(replace(grid_options, **change), ENCODING))  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_a_file_that_is_no_result_is_named(grid_options: GridOptions) -> None:
    (result,) = run_grid(replace(grid_options, frameworks=("csq",), bits=(16,)), ENCODING)
    for content in ("{", "[]", "{}", json.dumps({"curve": []})):
        (grid_options.results / "other.json").write_text(content)
        with pytest.raises(UsageError, match=r"other\.json"):
            read_results(grid_options.results)
    (grid_options.results / "other.json").unlink()
    assert read_results(grid_options.results).select(framework="csq", bits=16) == (result,)
    assert read_results(grid_options.results).select(framework="dsh") == ()


def test_no_two_cells_share_a_file(grid_options: GridOptions) -> None:
    several = replace(
        grid_options, features=("cls", "all", "lite"), seeds=(1, 2), frameworks=("csq",), bits=(16,)
    )
    made = [*run_grid(several, ENCODING), *run_grid(replace(several, mode="paper", seeds=(1,)), ENCODING)]
    assert len(made) == len({one.file for one in made}) == len(list(grid_options.results.iterdir())) == 9
    assert {(one.feature, one.seed, one.mode) for one in made} == {
        *((feature, seed, "fixed") for feature in ("cls", "all", "lite") for seed in (1, 2)),
        *((feature, 1, "paper") for feature in ("cls", "all", "lite")),
    }
    assert read_results(grid_options.results).entries == tuple(sorted(made, key=lambda one: one.file))
    assert list(run_grid(several, ENCODING)) == []


def test_features_out_of_all_tokens_are_those_of_the_network(grid_options: GridOptions) -> None:
    """Made by themselves, and cut out of all tokens: the same but for the rounding of a mean of rounded numbers."""
    from vtsfind.learn.data.protocols import open_protocol

    pictures, _ = open_protocol("folder", grid_options.data, seed=1, shortest=32)
    rows = list(range(6))
    stores = {
        kind: FeatureStore(grid_options.backbone.reading(kind), pictures, grid_options.cache, ENCODING)
        for kind in ("all", "cls", "lite")
    }
    tokens = stores["all"].view_features(rows)
    width = stores["all"].token_width
    assert tokens.values.shape == (6, 5 * width)  # four patches and the class token
    for kind in ("cls", "lite"):
        own = stores[kind].view_features(rows).values.astype(float)
        cut = tokens.of_tokens(kind, width).values.astype(float)
        assert cut.shape == own.shape
        assert abs(cut - own).max() < 2e-2


def test_results_of_the_older_form_are_read_and_yield_to_newer_ones(grid_options: GridOptions) -> None:
    (result,) = run_grid(replace(grid_options, frameworks=("csq",), bits=(16,)), ENCODING)
    new = grid_options.results / result.file
    old = grid_options.results / "vitti16@32.csq.folder.16.frozen.json"
    content = json.loads(new.read_bytes())
    del content["map_published"]  # not known then
    old.write_text(json.dumps({**content, "map": 0.25}))
    assert read_results(grid_options.results).entries == (result,)
    new.unlink()
    (read,) = read_results(grid_options.results).entries
    assert read == replace(result, map=0.25)


def test_a_folder_that_cannot_be_written_is_said(grid_options: GridOptions, tmp_path: Path) -> None:
    (result,) = run_grid(replace(grid_options, frameworks=("csq",), bits=(16,)), ENCODING)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DiskFull, match="could not be written"):
        write_result(tmp_path / "file", result)
