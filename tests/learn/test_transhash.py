"""TransHash: two streams, which part of the code comes from which, and how many bits can be split."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.objectives import create

# 9 patches, so that two groups are of 4 and of 5.
SMALL = NetworkSpec("vitti16", 48, (Head("code", 16),), "dual", depth=3)


def small(spec: NetworkSpec = SMALL) -> HashNetwork:
    torch.manual_seed(0)
    network = HashNetwork(spec).eval()
    for name, parameter in network.named_parameters():
        if "local_" in name or "norm" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return network


def shared_tokens(network: HashNetwork, images: Tensor) -> Tensor:
    """What goes into the last global block, (b, t, d)."""
    seen: list[Tensor] = []
    last = network.backbone.blocks[-1]
    hook = last.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    network.backbone(images)
    hook.remove()
    return seen[0]


def test_the_whole_network_has_the_paper_s_size_and_splits_its_code() -> None:
    with torch.device("meta"):
        network = HashNetwork(NetworkSpec("transhash", 224, (Head("code", 64),)))
    local = {"backbone.local_block", "backbone.local_norm"}
    sizes = {name: p.numel() for name, p in network.named_parameters() if name.startswith("backbone.")}
    in_local = sum(size for name, size in sizes.items() if ".".join(name.split(".")[:2]) in local)
    assert len(network.backbone.blocks) == 24
    assert sum(sizes.values()) - in_local == 305_510_400
    assert [tuple(p.shape) for p in network.heads.parameters()] == [
        (32, 1024),
        (32,),
        (16, 1024),
        (16,),
        (16, 1024),
        (16,),
    ]


def test_the_global_stream_is_the_plain_transformer() -> None:
    network, images = small(), torch.randn(2, 3, 48, 48)
    whole = network.backbone.forward_features(images)[:, 0]
    assert torch.allclose(network.features(images)[:, :192], whole, atol=1e-6)


def test_the_local_stream_sees_each_group_of_patches_behind_the_class_token() -> None:
    network, images = small(), torch.randn(2, 3, 48, 48)
    tokens = shared_tokens(network, images)
    for place, patches in ((1, range(1, 5)), (2, range(5, 10))):
        group = tokens[:, [0, *patches]]
        expected = network.backbone.local_norm(network.backbone.local_block(group))[:, 0]
        found = network.features(images)[:, 192 * place : 192 * (place + 1)]
        assert torch.allclose(found, expected, atol=1e-6)


def test_a_change_after_the_shared_blocks_of_one_group_changes_only_its_part_and_the_whole() -> None:
    network, images = small(), torch.randn(2, 3, 48, 48)
    before = network(images)["code"]

    def disturb(_module: object, _inputs: object, tokens: Tensor) -> Tensor:
        tokens = tokens.clone()
        tokens[:, 9] += torch.randn(192)
        return tokens

    network.backbone.blocks[1].register_forward_hook(disturb)
    changed = (network(images)["code"] - before).abs() > 1e-6
    assert changed[:, :8].all()
    assert not changed[:, 8:12].any()
    assert changed[:, 12:].all()


def test_the_local_stream_starts_as_a_copy_of_the_last_block() -> None:
    torch.manual_seed(0)
    state = HashNetwork(SMALL).backbone.state_dict()
    pairs = [(name, name.replace("local_block", "blocks.2")) for name in state if "local_block" in name]
    assert len(pairs) == 12
    assert all(torch.equal(state[local], state[last]) for local, last in pairs)


def test_the_parts_of_a_code_lie_where_the_objective_looks_for_them() -> None:
    network = small(replace(SMALL, groups=3, heads=(Head("code", 24),))).train()
    objective = create("transhash", groups=3)
    objective.bind(bits=24, classes=2, rows=4, seed=0)
    labels = torch.eye(2)[[0, 1, 0, 1]]
    terms = objective(network(torch.randn(4, 3, 48, 48))["code"], labels, torch.arange(4))
    parts = list(network.heads["code"][0].parts)  # type: ignore[index]
    whole, *local = [part.weight for part in parts]
    assert network.spec.parts(24) == tuple(len(part) for part in (whole, *local)) == (12, 4, 4, 4)
    (on_whole, *on_local) = torch.autograd.grad(
        terms["global"], [whole, *local], retain_graph=True, allow_unused=True, materialize_grads=True
    )
    assert on_whole.any()
    assert not any(gradient.any() for gradient in on_local)
    (on_whole, *on_local) = torch.autograd.grad(
        terms["local"], [whole, *local], retain_graph=True, allow_unused=True, materialize_grads=True
    )
    assert not on_whole.any()
    assert all(gradient.any() for gradient in on_local)


def test_every_weight_of_both_streams_gets_a_gradient() -> None:
    network = small(replace(SMALL, centred=True, dropout=0.1)).train()
    outputs = network(torch.randn(4, 3, 48, 48))["code"]
    torch.autograd.backward((outputs * torch.randn(4, 16)).sum())
    # The normalisation subtracts what the hash layers' biases add.
    missing = {n for n, p in network.named_parameters() if p.grad is None or p.grad.abs().max() < 1e-12}
    assert {name for name in missing if not name.endswith("bias")} == set()


@pytest.mark.parametrize(
    ("bits", "groups", "parts"), [(16, 2, (8, 4, 4)), (64, 2, (32, 16, 16)), (48, 3, (24, 8, 8, 8))]
)
def test_half_of_the_bits_are_global_and_the_rest_evenly_local(
    bits: int, groups: int, parts: tuple[int, ...]
) -> None:
    assert replace(SMALL, groups=groups).parts(bits) == parts


@pytest.mark.parametrize(
    ("bits", "groups", "nearest"), [(30, 2, 32), (12, 2, 16), (32, 3, 30), (16, 4, 32), (8, 2, 16)]
)
def test_bits_that_cannot_be_split_are_refused_with_the_nearest_that_can(
    bits: int, groups: int, nearest: int
) -> None:
    spec = replace(SMALL, groups=groups, heads=(Head("code", bits),))
    with pytest.raises(
        UsageError, match=rf"{bits} bits cannot be split.*nearest possible number is {nearest} "
    ):
        HashNetwork(spec)
    assert sum(spec.parts(nearest)) == nearest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": 0}, "0 groups"),
        ({"groups": 10}, "only 9 patches for 10 groups"),
        ({"depth": 1}, "at least 2 blocks"),
        ({"backbone": "eva02_tiny_patch14_224", "size": 56, "depth": 2}, "plain vision transformer"),
        ({"backbone": "transhash", "size": 64, "features": "all"}, "two streams"),
    ],
)
def test_what_has_no_two_streams_is_refused(change: dict[str, str | int], message: str) -> None:
    with torch.device("meta"), pytest.raises(UsageError, match=message):
        HashNetwork(replace(SMALL, **change))  # type: ignore[arg-type]
