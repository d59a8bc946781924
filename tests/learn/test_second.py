"""A second, frozen backbone beside the first: its values, its heads, and how models share weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.textures import photograph

from vtsfind.base.errors import ModelDamaged, UsageError
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.base.records import Head, Preprocessing
from vtsfind.learn.models.backbones import IMAGENET_MEAN, IMAGENET_STD, backbone
from vtsfind.learn.models.efficientnet import PlainEfficientNet, fold
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.network import HashNetwork, make_backbone, make_second, normalise, renormalise
from vtsfind.learn.models.register import register_model, write_model
from vtsfind.learn.models.registry import registered_models
from vtsfind.learn.models.spec import NetworkSpec, SecondBackbone
from vtsfind.learn.recipes import parse_recipe
from vtsfind.learn.training.loop import RunOptions, train
from vtsfind.learn.training.runs import RunFolder
from vtsfind.learn.training.second import fit_likeness

LITE2 = SecondBackbone("lite2", 64, ("scene",))
ALONE = NetworkSpec("vits14", 28, (Head("scene", 12), Head("copy", 16)), depth=1, centred=True)
BOTH = NetworkSpec("vits14", 28, (Head("scene", 24), Head("copy", 16)), depth=1, centred=True, second=LITE2)


def timm_lite2() -> torch.nn.Module:
    """A network with weights and statistics as after training, so that nothing folded is trivial."""
    torch.manual_seed(0)
    network: torch.nn.Module = make_backbone(NetworkSpec("lite2", 64, heads=()))
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias, std=0.3)
            assert layer.running_mean is not None
            assert layer.running_var is not None
            layer.running_mean.normal_(std=0.1)
            layer.running_var.uniform_(0.5, 2.0)
    return network.eval()


@pytest.mark.parametrize("side", [64, 65, 98, 160])
def test_the_efficientnet_without_timm_gives_the_values_of_timms(side: int) -> None:
    network = timm_lite2()
    weights = fold(network.state_dict())
    plain = PlainEfficientNet(weights).eval()
    plain.load_state_dict(weights)
    images = torch.randn(2, 3, side, side)
    with torch.inference_mode():
        assert torch.allclose(plain(images), network(images), rtol=1e-3, atol=1e-4)


def test_a_picture_normalised_anew_is_as_if_it_were_normalised_so() -> None:
    pixels = torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8)
    first, other = backbone("vits14"), backbone("lite2")
    once = normalise(pixels, other.mean, other.std)
    assert torch.allclose(
        renormalise(normalise(pixels, first.mean, first.std), first, other), once, atol=1e-5
    )


def test_each_head_reads_its_own_backbone() -> None:
    network = HashNetwork(BOTH).eval()
    images = torch.randn(3, 3, 64, 64)
    with torch.inference_mode():
        outputs = network(images)
        assert {name: values.shape for name, values in outputs.items()} == {"scene": (3, 24), "copy": (3, 16)}
        scene = network.heads["scene"](network.second_features(images))
        copy = network.heads["copy"](network.features(images))
        assert torch.allclose(outputs["scene"], scene, atol=1e-5)
        assert torch.allclose(outputs["copy"], copy, atol=1e-5)
        assert torch.allclose(network.second_features(images).norm(dim=1), torch.ones(3), atol=1e-5)


def test_the_first_backbone_sees_a_picture_reduced_to_its_size() -> None:
    network = HashNetwork(BOTH).eval()
    whole = np.asarray(photograph(1, 300, 200))
    look = (IMAGENET_MEAN, IMAGENET_STD)
    large, small = (
        normalise(
            torch.from_numpy(np.array(Image.fromarray(whole).resize((side,) * 2, Image.Resampling.BICUBIC)))[
                None
            ],
            *look,
        )
        for side in (64, 28)
    )
    with torch.inference_mode():
        angle = torch.cosine_similarity(network.features(large), network.features(small))
    assert float(angle) > 0.98


@pytest.fixture
def starts(tmp_path: Path) -> Path:
    """A trained model with one backbone, and the file of another backbone."""
    folder = tmp_path / "starts"
    folder.mkdir()
    torch.manual_seed(1)
    write_model(HashNetwork(ALONE), Preprocessing(size=28), folder, name="before", licence="Apache-2.0")
    torch.save(timm_lite2().state_dict(), folder / "lite2.pth")
    return folder


RECIPE = """
name = "both"
start = "before.safetensors"
network = { backbone = "vits14", size = 28, depth = 1, centred = true, heads = [
    { name = "scene", bits = 24 }, { name = "copy", bits = 16 } ], second = {
    backbone = "lite2", size = 64, heads = ["scene"] } }
second = { start = "lite2.pth", pull = 0.5, epochs = 2 }
schedule = { steps = 1 }
tasks = [{ goals = [], data = [{ kind = "classes", path = "kinds" }] }]
""".replace("\n    ", " ").replace("[ {", "[{")


@pytest.fixture
def trained(starts: Path, tmp_path: Path) -> Path:
    """The run folder of a model with both backbones."""
    for number in range(30):
        path = tmp_path / "data" / "kinds" / f"kind {number % 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(number, 80, 80).save(path)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    run = RunOptions(tmp_path / "run", tmp_path / "data", starts, device="cpu", workers=0)
    return train(recipe, run, SilentProgress(), CancelToken())


def test_a_fitted_model_has_the_copies_of_the_one_before_and_scenes_of_its_own(
    trained: Path, starts: Path
) -> None:
    (before,), (after,) = (registered_models((folder,)).values() for folder in (starts, trained))
    old, new = HashNetwork(before.network), HashNetwork(after.network)
    old.load_state_dict(before.load())
    new.load_state_dict(after.load())
    pixels = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 3), np.uint8)
    images = normalise(torch.from_numpy(pixels), IMAGENET_MEAN, IMAGENET_STD)
    with torch.inference_mode():
        expected = old.eval()(images)["copy"]
        assert torch.equal(new.eval()(images, ["copy"])["copy"], expected)
    assert {"steps", "views_per_s", "waiting_share", "notes"} <= RunFolder(trained, b"").result().keys()
    codes = Encoder(after, device="cpu").encode(np.zeros((2, 64, 64, 3), np.uint8))
    assert {head: code.shape for head, code in codes.items()} == {"scene": (2, 3), "copy": (2, 2)}


def test_the_file_of_a_fitted_model_has_only_what_the_one_before_has_not(trained: Path) -> None:
    (card,) = registered_models((trained,)).values()
    assert [part.file for part in card.shared] == ["before.safetensors"]
    assert card.path.stat().st_size < 14_000_000
    (trained / "before.safetensors").write_bytes(b"other")
    with pytest.raises(ModelDamaged, match=r"before\.safetensors"):
        card.verify()


def test_a_registered_model_brings_the_weights_that_it_shares(trained: Path, tmp_path: Path) -> None:
    card = register_model(trained, tmp_path / "models")
    card.verify()
    assert (tmp_path / "models" / "before.safetensors").is_file()


def test_bits_of_a_fitted_head_are_balanced_and_keep_likeness() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(6, 40)).astype(np.float32)
    kind = rng.integers(0, 6, 600)
    features = kinds[kind] + 0.5 * rng.normal(size=(600, 40)).astype(np.float32)
    head = torch.nn.Sequential(torch.nn.Linear(40, 16), torch.nn.BatchNorm1d(16, affine=False)).eval()
    fit_likeness(head, features, features, epochs=3, seed=1, cancel=CancelToken())
    with torch.inference_mode():
        outputs = head(torch.from_numpy(features)).numpy()
    ones = (outputs > 0).mean(0)
    assert 0.15 < ones.min() <= ones.max() < 0.85
    assert np.allclose(outputs.mean(0), 0, atol=0.05)
    apart = ((outputs > 0)[:, None] != (outputs > 0)[None]).mean(2)
    same = kind[:, None] == kind[None]
    assert apart[same].mean() < apart[~same].mean() - 0.15


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"second.epochs": 0}, "epochs is 0"),
        ({"network.second.heads": ["colour"]}, "Name some of: copy, scene"),
        ({"network.heads": [{"name": "copy", "bits": 8}]}, "Name some of: copy"),
        ({"tasks.0.goals": [{"head": "copy", "objective": "dsh"}]}, "Leave the goals out"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_recipe(RECIPE.encode(), "recipe", wrong)
    assert said in str(refused.value) + refused.value.remedy


def test_a_second_backbone_is_frozen() -> None:
    assert not any(weight.requires_grad for weight in make_second(LITE2).parameters())
