"""The networks: their shapes and names, what the heads read, and that every weight learns."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head
from vtsfind.learn.models.backbones import BACKBONES, backbone
from vtsfind.learn.models.network import HashNetwork, normalise
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.models.vit import PlainTransformer

SMALL = NetworkSpec("vitti16", 32, (Head("a", 16), Head("b", 24)), depth=2)
CODE = (Head("code", 48),)

# The default model's tensors: what stands in the files and checkpoints of every version.
DEFAULT = NetworkSpec(
    "vits14",
    98,
    (Head("scene", 128), Head("copy", 256)),
    "lite",
    depth=8,
    centred=True,
    hidden={"scene": 512},
)
OUTSIDE_BLOCKS = {
    "cls_token": (1, 1, 384),
    "pos_embed": (1, 50, 384),
    "patch_embed.proj.weight": (384, 3, 14, 14),
    "patch_embed.proj.bias": (384,),
    "norm.weight": (384,),
    "norm.bias": (384,),
}
IN_A_BLOCK = {
    "norm1.weight": (384,),
    "norm1.bias": (384,),
    "attn.qkv.weight": (1152, 384),
    "attn.qkv.bias": (1152,),
    "attn.proj.weight": (384, 384),
    "attn.proj.bias": (384,),
    "ls1.gamma": (384,),
    "norm2.weight": (384,),
    "norm2.bias": (384,),
    "mlp.fc1.weight": (1536, 384),
    "mlp.fc1.bias": (1536,),
    "mlp.fc2.weight": (384, 1536),
    "mlp.fc2.bias": (384,),
    "ls2.gamma": (384,),
}


def first_hash_layer(network: HashNetwork) -> nn.Linear:
    return next(layer for layer in network.heads.modules() if isinstance(layer, nn.Linear))


def default_shapes() -> dict[str, tuple[int, ...]]:
    shapes = {f"backbone.{name}": shape for name, shape in OUTSIDE_BLOCKS.items()}
    for block in range(8):
        shapes |= {f"backbone.blocks.{block}.{name}": shape for name, shape in IN_A_BLOCK.items()}
    layers = {"scene.0": (512, 768), "scene.3": (128, 512), "copy.0": (256, 768)}
    for place, shape in layers.items():
        shapes |= {f"heads.{place}.weight": shape, f"heads.{place}.bias": shape[:1]}
    for place, bits in (("scene.4", 128), ("copy.1", 256)):
        shapes |= {f"heads.{place}.{name}": (bits,) for name in ("running_mean", "running_var")}
        shapes |= {f"heads.{place}.num_batches_tracked": ()}
    return shapes


def weights_of(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("name", "in_backbone", "in_head"),
    [("vts16", 85_798_656, 154_993_728), ("vts32", 87_455_232, 39_388_224)],
)
def test_the_paper_s_main_models_have_the_paper_s_number_of_weights(
    name: str, in_backbone: int, in_head: int
) -> None:
    with torch.device("meta"):
        network = HashNetwork(NetworkSpec(name, 224, (Head("code", 64),), features="all"))
    assert weights_of(network.backbone) == in_backbone
    assert weights_of(network.heads) == in_head


def test_a_checkpoint_with_the_default_model_s_names_and_shapes_loads() -> None:
    state = {name: torch.ones(shape) for name, shape in default_shapes().items()}
    network = HashNetwork(DEFAULT)
    network.load_state_dict(state)
    assert all(value.eq(1).all() for value in network.state_dict().values())
    assert {name: tuple(value.shape) for name, value in network.state_dict().items()} == default_shapes()


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_of_the_table_gives_codes_of_the_wanted_length(name: str) -> None:
    known = BACKBONES[name]
    with torch.device("meta"):
        network = HashNetwork(NetworkSpec(name, known.size, (Head("code", 48),)))
        outputs = network(torch.zeros(2, 3, known.size, known.size))
    assert {head: tuple(values.shape) for head, values in outputs.items()} == {"code": (2, 48)}


@pytest.mark.parametrize(
    "name",
    [
        "convnext_atto",  # convolutions
        "swin_tiny_patch4_window7_224",  # a grid of features
        "mixer_s32_224",  # tokens without a class token
        "deit_tiny_distilled_patch16_224",  # two leading tokens
        "vit_medium_patch16_reg4_gap_256",  # registers, but no class token
        "eva02_tiny_patch14_224",  # another class of transformer
        "mobilenetv3_small_100",  # a layer between pooling and classifier
    ],
)
def test_any_kind_of_timm_model_gives_codes(name: str) -> None:
    size = backbone(name).size
    with torch.device("meta"):
        outputs = HashNetwork(NetworkSpec(name, size, CODE)).eval()(torch.zeros(2, 3, size, size))
    assert outputs["code"].shape == (2, 48)


@pytest.mark.parametrize(("features", "width"), [("all", 5 * 192), ("cls", 192), ("lite", 2 * 192)])
def test_heads_read_all_tokens_or_the_class_token_or_it_beside_the_mean(features: str, width: int) -> None:
    network = HashNetwork(NetworkSpec("vitti16", 32, (Head("a", 8),), features=features, depth=1))  # type: ignore[arg-type]
    assert network.features(torch.zeros(3, 3, 32, 32)).shape == (3, width)


def test_a_centred_head_gives_bits_of_mean_zero_over_a_batch() -> None:
    torch.manual_seed(0)
    spec = NetworkSpec("vitti16", 32, (Head("a", 16),), depth=1, centred=True)
    outputs = HashNetwork(spec).train()(torch.randn(64, 3, 32, 32))["a"]
    assert torch.allclose(outputs.mean(0), torch.zeros(16), atol=1e-5)


def test_a_head_may_have_a_hidden_layer_and_the_others_none() -> None:
    torch.manual_seed(0)
    heads = Head("a", 8), Head("b", 8)
    spec = NetworkSpec("vitti16", 32, heads, depth=1, centred=True, hidden={"a": 64})
    network = HashNetwork(spec)
    assert weights_of(network.heads["a"]) == 384 * 64 + 64 + 64 * 8 + 8
    assert weights_of(network.heads["b"]) == 384 * 8 + 8
    assert network(torch.zeros(2, 3, 32, 32))["a"].shape == (2, 8)


def test_only_the_heads_that_are_asked_for_are_computed() -> None:
    assert set(HashNetwork(SMALL)(torch.zeros(1, 3, 32, 32), {"b"})) == {"b"}


def test_every_weight_gets_a_gradient() -> None:
    torch.manual_seed(0)
    network = HashNetwork(SMALL)
    outputs = network(torch.randn(4, 3, 32, 32))
    torch.autograd.backward(torch.stack([v.square().sum() for v in outputs.values()]).sum())
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_alexnet_gives_its_second_hidden_layer_in_torchvision_s_names() -> None:
    torch.manual_seed(0)
    network = HashNetwork(NetworkSpec("alexnet", 64, CODE, paper_init=True)).eval()
    hidden = network.backbone.classifier
    assert [type(layer).__name__ for layer in hidden] == ["Dropout", "Linear", "ReLU"] * 2
    assert [(hidden[n].in_features, hidden[n].out_features) for n in (1, 4)] == [(9216, 4096), (4096, 4096)]
    with torch.device("meta"):
        from torchvision.models import alexnet

        whole = {name: tuple(value.shape) for name, value in alexnet().state_dict().items()}
    ours = {name: tuple(value.shape) for name, value in network.backbone.state_dict().items()}
    assert whole.items() - ours.items() == {
        ("classifier.6.weight", (1000, 4096)),
        ("classifier.6.bias", (1000,)),
    }
    features = network.features(torch.randn(2, 3, 64, 64))
    assert features.shape == (2, 4096)
    assert features.min() == 0 < features.max()
    # As published, the hash layer starts as torch starts a linear layer.
    assert float(first_hash_layer(network).weight.detach().std()) == pytest.approx(
        (3 * 4096) ** -0.5, rel=0.03
    )


def test_the_hash_layer_of_resnet50_starts_small_as_published() -> None:
    torch.manual_seed(0)
    layer = first_hash_layer(HashNetwork(NetworkSpec("resnet50", 64, CODE, paper_init=True)))
    assert layer.in_features == 2048
    assert float(layer.weight.detach().std()) == pytest.approx(0.01, rel=0.03)
    assert not layer.bias.any()


@pytest.mark.parametrize(("features", "outputs"), [("all", 1024), ("cls", 48)])
def test_the_first_hash_layer_of_a_transformer_starts_as_published(features: str, outputs: int) -> None:
    torch.manual_seed(0)
    spec = NetworkSpec("vitti16", 32, CODE, features, depth=1, paper_init=True)  # type: ignore[arg-type]
    first = first_hash_layer(HashNetwork(spec))
    assert float(first.weight.detach().abs().max()) == pytest.approx((6 / outputs) ** 0.5, rel=1e-3)
    assert float(first.bias.detach().std()) == pytest.approx(1, rel=0.3)


def test_dropout_stands_where_the_published_code_has_it_and_nowhere_else() -> None:
    network = HashNetwork(replace(SMALL, dropout=0.1))
    active = {name for name, m in network.named_modules() if isinstance(m, nn.Dropout) and m.p > 0}
    blocks = {f"backbone.blocks.{n}.mlp.drop{m}" for n in range(2) for m in (1, 2)}
    assert active == {"backbone.pos_drop", *blocks}
    torch.manual_seed(0)
    images = torch.randn(1, 3, 32, 32)
    assert not torch.equal(network(images)["a"], network(images)["a"])
    network.eval()
    assert torch.equal(network(images)["a"], network(images)["a"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depth": 3}, "cannot be cut to a depth"),
        ({"dropout": 0.1}, "no plain vision transformer"),
        ({"features": "cls"}, "no tokens"),
        ({"features": "dual"}, "no tokens"),
    ],
)
@pytest.mark.parametrize("name", ["resnet50", "alexnet", "mobilenetv3_small_100"])
def test_a_convolutional_backbone_is_not_asked_for_what_only_transformers_have(
    name: str, change: dict[str, str | int | float], message: str
) -> None:
    with torch.device("meta"), pytest.raises(UsageError, match=message):
        HashNetwork(replace(NetworkSpec(name, 64, CODE), **change))  # type: ignore[arg-type]


def test_a_backbone_without_a_class_token_is_not_asked_for_it() -> None:
    spec = NetworkSpec("vit_medium_patch16_reg4_gap_256", 256, CODE, "cls")
    with torch.device("meta"), pytest.raises(UsageError, match="no class token"):
        HashNetwork(spec)


def test_an_unknown_backbone_is_refused_with_its_nearest_names() -> None:
    with pytest.raises(UsageError, match=r"no backbone 'vit_smal_patch16_224'.*vit_small_patch16_224"):
        backbone("vit_smal_patch16_224")


def test_any_name_of_timm_brings_its_own_input_statistics() -> None:
    known = backbone("vit_small_patch16_224")
    assert (known.architecture, known.size, known.mean) == ("vit_small_patch16_224", 224, (0.5, 0.5, 0.5))


def test_normalising_subtracts_the_mean_and_divides_by_the_deviation_of_each_channel() -> None:
    pixels = torch.tensor([[[[0, 128, 255]]]], dtype=torch.uint8)
    result = normalise(pixels, (0.0, 0.5, 0.5), (1.0, 0.5, 0.25))
    expected = torch.tensor([0.0, 2 * (128 / 255 - 0.5), 2.0]).reshape(1, 3, 1, 1)
    assert torch.allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["vitti16", "vits14"])
def test_the_transformer_without_timm_gives_the_values_of_timms(name: str) -> None:
    torch.manual_seed(0)
    spec = NetworkSpec(name, 56 if name == "vits14" else 224, (Head("copy", 16),), depth=2)
    ours = HashNetwork(spec).eval()
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    plain = HashNetwork(spec, PlainTransformer(ours.backbone.state_dict())).eval()
    plain.load_state_dict(ours.state_dict())
    images = torch.randn(2, 3, spec.size, spec.size)
    assert torch.allclose(plain(images)["copy"], ours(images)["copy"], rtol=1e-4, atol=1e-4)
