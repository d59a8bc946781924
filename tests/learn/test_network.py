"""The networks: their shapes, what the heads read, and that every weight learns."""

import pytest
import torch

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head
from vtsfind.learn.backbones import BACKBONES, backbone
from vtsfind.learn.network import HashNetwork, normalise
from vtsfind.learn.spec import NetworkSpec

SMALL = NetworkSpec("vitti16", 32, (Head("a", 16), Head("b", 24)), depth=2)


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


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_of_the_table_gives_codes_of_the_wanted_length(name: str) -> None:
    known = BACKBONES[name]
    with torch.device("meta"):
        network = HashNetwork(NetworkSpec(name, known.size, (Head("code", 48),)))
        outputs = network(torch.zeros(2, 3, known.size, known.size))
    assert {head: tuple(values.shape) for head, values in outputs.items()} == {"code": (2, 48)}


@pytest.mark.parametrize(("features", "width"), [("all", 5 * 192), ("cls", 192), ("lite", 2 * 192)])
def test_heads_read_all_tokens_or_the_class_token_or_it_beside_the_mean(features: str, width: int) -> None:
    network = HashNetwork(NetworkSpec("vitti16", 32, (Head("a", 8),), features=features, depth=1))  # type: ignore[arg-type]
    assert network.features(torch.zeros(3, 3, 32, 32)).shape == (3, width)


def test_a_centred_head_gives_bits_of_mean_zero_over_a_batch() -> None:
    torch.manual_seed(0)
    spec = NetworkSpec("vitti16", 32, (Head("a", 16),), depth=1, centred=True)
    outputs = HashNetwork(spec).train()(torch.randn(64, 3, 32, 32))["a"]
    assert torch.allclose(outputs.mean(0), torch.zeros(16), atol=1e-5)


def test_only_the_heads_that_are_asked_for_are_computed() -> None:
    assert set(HashNetwork(SMALL)(torch.zeros(1, 3, 32, 32), {"b"})) == {"b"}


def test_every_weight_gets_a_gradient() -> None:
    torch.manual_seed(0)
    network = HashNetwork(SMALL)
    outputs = network(torch.randn(4, 3, 32, 32))
    torch.autograd.backward(torch.stack([v.square().sum() for v in outputs.values()]).sum())
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_an_unknown_backbone_is_refused_with_its_nearest_names() -> None:
    with pytest.raises(UsageError, match=r"no backbone 'vit_smal_patch16_224'.*vit_small_patch16_224"):
        backbone("vit_smal_patch16_224")


def test_any_name_of_timm_brings_its_own_input_statistics() -> None:
    known = backbone("vit_small_patch16_224")
    assert (known.timm, known.size, known.mean) == ("vit_small_patch16_224", 224, (0.5, 0.5, 0.5))


def test_a_backbone_without_tokens_takes_neither_depth_nor_token_heads() -> None:
    with pytest.raises(UsageError, match="no tokens"):
        HashNetwork(NetworkSpec("resnet50", 64, (Head("a", 8),), features="all"))


def test_normalising_subtracts_the_mean_and_divides_by_the_deviation_of_each_channel() -> None:
    pixels = torch.tensor([[[[0, 128, 255]]]], dtype=torch.uint8)
    result = normalise(pixels, (0.0, 0.5, 0.5), (1.0, 0.5, 0.25))
    expected = torch.tensor([0.0, 2 * (128 / 255 - 0.5), 2.0]).reshape(1, 3, 1, 1)
    assert torch.allclose(result, expected, atol=1e-6)
