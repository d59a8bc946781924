"""`vtsfind models import`: models of other machines and start weights come in whole, or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from support.output import records
from typer.testing import CliRunner, Result

from vtsfind.base.records import Head, Preprocessing
from vtsfind.base.settings import places
from vtsfind.cli.app import make_app
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.network import HashNetwork, make_backbone
from vtsfind.learn.models.register import write_model
from vtsfind.learn.models.registry import find_card, registered_models
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.pretrained.load import load_start

SPEC = NetworkSpec("vitti16", 32, (Head("code", 16),), depth=1)
NAME = "vitti16.csq.drawn.16"


def bring(*arguments: object) -> Result:
    return CliRunner().invoke(
        make_app(), ["models", "import", *(str(each) for each in arguments)], prog_name="vtsfind"
    )


def run_folder(folder: Path, seed: int = 0, name: str = NAME) -> Path:
    """What a training leaves behind."""
    torch.manual_seed(seed)
    folder.mkdir()
    (folder / "recipe.toml").write_text(f"seed = {seed}\n")
    write_model(HashNetwork(SPEC), Preprocessing(size=32), folder, name=name, licence="Apache-2.0")
    return folder


def start_file(folder: Path, seed: int = 0, depth: int = 12) -> Path:
    torch.manual_seed(seed)
    file = folder / "tiny.safetensors"
    save_file(timm.create_model("vit_tiny_patch16_224", depth=depth).state_dict(), file)
    return file


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_model_of_a_run_folder_becomes_one_of_the_user_s_own(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    result = bring(run)
    assert result.exit_code == 0, result.stderr
    assert NAME in result.stdout
    card = find_card(NAME)
    assert card.path.parent == places().models
    assert (card.folder / card.recipe).read_text() == "seed = 0\n"
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    (there,) = registered_models((run,)).values()
    here, before = (Encoder(each, device="cpu").encode(pixels)["code"] for each in (card, there))
    assert np.array_equal(here, before)


def test_a_model_can_be_given_another_name(tmp_path: Path) -> None:
    result = bring(run_folder(tmp_path / "run"), "--name", "mine.csq.drawn.16", "--json")
    (model,) = records(result, "model")
    assert json.loads(result.stdout.splitlines()[0])["command"] == "models import"
    assert model["name"] == "mine.csq.drawn.16"
    assert Path(model["file"]) == places().models / "mine.csq.drawn.16.safetensors"
    assert NAME not in registered_models()
    find_card("mine.csq.drawn.16").verify()


def test_several_models_come_in_beside_each_other(tmp_path: Path) -> None:
    assert bring(run_folder(tmp_path / "a", 1)).exit_code == 0
    assert bring(run_folder(tmp_path / "b", 2), "--name", "other").exit_code == 0
    for card in (find_card(NAME), find_card("other")):
        card.verify()


def test_another_model_of_the_same_name_is_refused_and_the_first_kept(tmp_path: Path) -> None:
    bring(run_folder(tmp_path / "a", 1))
    before = tree(places().data)
    again = bring(tmp_path / "a")
    assert again.exit_code == 0
    other = bring(run_folder(tmp_path / "b", 2))
    assert other.exit_code == 2
    assert f"another model '{NAME}'" in other.stderr
    assert "--name" in other.stderr
    assert tree(places().data) == before


def test_a_name_of_a_shipped_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = run_folder(tmp_path / "shipped", 1)
    monkeypatch.setattr("vtsfind.learn.models.registry.shipped_folder", lambda: shipped)
    result = bring(run_folder(tmp_path / "run", 2))
    assert result.exit_code == 2
    assert f"another model '{NAME}' in {shipped}" in " ".join(result.stderr.split())
    assert not places().models.exists()


def test_a_file_that_no_registry_knows_is_not_overwritten(tmp_path: Path) -> None:
    places().models.mkdir(parents=True)
    stranger = places().models / f"{NAME}.safetensors"
    stranger.write_bytes(b"precious")
    result = bring(run_folder(tmp_path / "run"))
    assert result.exit_code == 2
    assert str(stranger) in result.stderr
    assert stranger.read_bytes() == b"precious"


def cut(run: Path) -> None:
    file = run / f"{NAME}.safetensors"
    file.write_bytes(file.read_bytes()[:-7])


def rewritten(old: str, new: str) -> Callable[[Path], None]:
    def rewrite(run: Path) -> None:
        text = (run / "registry.toml").read_text()
        assert old in text
        (run / "registry.toml").write_text(text.replace(old, new))

    return rewrite


@pytest.mark.parametrize(
    ("harm", "code", "message"),
    [
        (cut, 4, "are damaged"),
        (lambda run: (run / f"{NAME}.safetensors").unlink(), 4, "cannot be read"),
        (lambda run: (run / "registry.toml").unlink(), 2, "no registry.toml"),
        (lambda run: (run / "registry.toml").write_text("[models]"), 2, "no finished model"),
        (rewritten("depth = 1", "depth = 2"), 4, "blocks.1.attn.proj.bias' differs"),
        (rewritten("bits = 16", "bits = 24"), 4, "heads.code.0.bias' differs"),
        (rewritten('backbone = "vitti16', 'backbone = "vitty16'), 2, "no backbone 'vitty16'"),
        (rewritten(f'file = "{NAME}', 'file = "../elsewhere'), 2, "is not a path below that folder"),
        (rewritten(f'models."{NAME}"', 'models."../../x"'), 2, "cannot be a name"),
    ],
)
def test_a_run_folder_that_is_wrong_is_refused_whole(
    tmp_path: Path, harm: Callable[[Path], Any], code: int, message: str
) -> None:
    run = run_folder(tmp_path / "run")
    harm(run)
    result = bring(run)
    assert result.exit_code == code, result.stderr
    assert message in " ".join(result.stderr.split())
    assert not places().models.exists()


def test_start_weights_are_found_by_a_recipe_under_their_name(tmp_path: Path) -> None:
    file = start_file(tmp_path, depth=2)
    result = bring(file, "--backbone", "vitti16", "--depth", 2, "--name", "tiny21k")
    assert result.exit_code == 0, result.stderr
    assert 'start = "tiny21k.safetensors"' in result.stdout
    network = make_backbone(NetworkSpec("vitti16", 224, (), depth=2))
    load_start(network, tmp_path / "nowhere" / "tiny21k.safetensors")
    expected = load_file(file)
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())


def test_what_was_brought_in_says_where_it_came_from_and_has_no_classifier(tmp_path: Path) -> None:
    result = bring(start_file(tmp_path, depth=1), "--backbone", "vitti16", "--depth", 1, "--json")
    (record,) = records(result, "start")
    path = places().data / "starts" / "tiny.safetensors"
    assert Path(record["file"]) == path
    assert record["size"] == path.stat().st_size
    assert record["backbone"] == "vitti16"
    with safe_open(path, framework="pt") as written:
        assert written.metadata() == {"source": "tiny.safetensors, for vitti16"}
        assert not [name for name in written.keys() if name.startswith("head")]  # noqa: SIM118 - no dict
        assert record["weights"] == sum(written.get_tensor(name).numel() for name in written.keys())  # noqa: SIM118


def test_the_original_npz_comes_in_with_its_own_grid(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    d, m, place = 192, 768, "Transformer/encoderblock_0"
    attention = f"{place}/MultiHeadDotProductAttention_1"
    shapes: dict[str, tuple[int, ...]] = {
        "cls": (1, 1, d),
        "embedding/kernel": (16, 16, 3, d),
        "embedding/bias": (d,),
        "Transformer/posembed_input/pos_embedding": (1, 17, d),
        **{f"Transformer/encoder_norm/{part}": (d,) for part in ("scale", "bias")},
        **{
            f"{place}/{norm}/{part}": (d,)
            for norm in ("LayerNorm_0", "LayerNorm_2")
            for part in ("scale", "bias")
        },
        **{f"{attention}/{part}/kernel": (d, 3, 64) for part in ("query", "key", "value")},
        **{f"{attention}/{part}/bias": (3, 64) for part in ("query", "key", "value")},
        f"{attention}/out/kernel": (3, 64, d),
        f"{attention}/out/bias": (d,),
        f"{place}/MlpBlock_3/Dense_0/kernel": (d, m),
        f"{place}/MlpBlock_3/Dense_0/bias": (m,),
        f"{place}/MlpBlock_3/Dense_1/kernel": (m, d),
        f"{place}/MlpBlock_3/Dense_1/bias": (d,),
    }
    arrays: Any = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    np.savez(tmp_path / "ViT-Ti_16.npz", **arrays)
    result = bring(tmp_path / "ViT-Ti_16.npz", "--backbone", "vitti16", "--depth", 1)
    assert result.exit_code == 0, result.stderr
    written = load_file(places().data / "starts" / "ViT-Ti_16.safetensors")
    positions = arrays["Transformer/posembed_input/pos_embedding"]
    assert np.array_equal(written["pos_embed"].numpy(), positions)
    assert np.array_equal(
        written["blocks.0.attn.proj.weight"].numpy(), arrays[f"{attention}/out/kernel"].reshape(d, d).T
    )


def test_other_start_weights_of_the_same_name_are_refused_and_the_first_kept(tmp_path: Path) -> None:
    assert bring(start_file(tmp_path, 1, depth=1), "--backbone", "vitti16", "--depth", 1).exit_code == 0
    before = tree(places().data)
    assert bring(tmp_path / "tiny.safetensors", "--backbone", "vitti16", "--depth", 1).exit_code == 0
    result = bring(start_file(tmp_path, 2, depth=1), "--backbone", "vitti16", "--depth", 1)
    assert result.exit_code == 2
    assert "other start weights 'tiny'" in result.stderr
    assert "--name" in result.stderr
    assert tree(places().data) == before


def test_start_weights_of_another_backbone_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    result = bring(start_file(tmp_path, depth=1), "--backbone", "vits16")
    assert result.exit_code == 2
    assert "does not fit the backbone: 'cls_token' has the shape (1, 1, 192), not (1, 1, 384)" in " ".join(
        result.stderr.split()
    )
    assert tree(places().data) == {}


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    file = start_file(tmp_path, depth=1)
    state = load_file(file)
    state["blocks.0.mlp.fc1.weight"][3, 5] = torch.nan
    save_file(state, file)
    result = bring(file, "--backbone", "vitti16", "--depth", 1)
    assert result.exit_code == 2
    assert "'blocks.0.mlp.fc1.weight' that is not finite" in " ".join(result.stderr.split())
    assert tree(places().data) == {}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    places().data.mkdir(parents=True)
    (places().data / "starts").write_bytes(b"a file")
    result = bring(start_file(tmp_path, depth=1), "--backbone", "vitti16", "--depth", 1)
    assert result.exit_code == 4
    assert str(places().data / "starts") in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.npz", "--backbone", "vts16"], "There is no nowhere.npz"),
        (["{file}"], "--backbone"),
        (["{file}", "--backbone", "vts17"], "no backbone 'vts17'"),
        (["{file}", "--backbone", "vitti16", "--name", "../x"], "'../x' cannot be a name"),
        (["{run}", "--backbone", "vitti16"], "Leave out --backbone and --depth"),
    ],
)
def test_wrong_use_is_refused_with_what_to_do(tmp_path: Path, arguments: list[str], message: str) -> None:
    values = {"file": start_file(tmp_path, depth=1), "run": run_folder(tmp_path / "run")}
    result = bring(*(argument.format(**values) for argument in arguments))
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert tree(places().data) == {}


def test_a_model_named_for_its_protocol_comes_in_under_that_name(tmp_path: Path) -> None:
    name = "vitti16@32d1-cls.csq.cifar10@54000.16.seed2"
    result = bring(run_folder(tmp_path / "run", name=name))
    assert result.exit_code == 0, result.stderr
    assert find_card(name).name == name
