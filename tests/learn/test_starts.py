"""Start weights: each file format puts every tensor in its place."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from vtsfind.base.errors import UsageError
from vtsfind.learn.starts import load_start


def small(depth: int = 2, size: int = 56) -> torch.nn.Module:
    torch.manual_seed(0)
    model: torch.nn.Module = timm.create_model(
        "vit_small_patch14_dinov2", img_size=size, depth=depth, embed_dim=48, num_heads=2, num_classes=0
    )
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def test_a_start_of_the_same_shape_gives_the_same_outputs(tmp_path: Path) -> None:
    source, target = small(), small()
    for parameter in target.parameters():
        torch.nn.init.zeros_(parameter)
    save_file(source.state_dict(), tmp_path / "start.safetensors")
    load_start(target, tmp_path / "start.safetensors")
    images = torch.randn(2, 3, 56, 56)
    assert torch.equal(source(images), target(images))


def test_blocks_beyond_the_network_s_depth_are_left_out(tmp_path: Path) -> None:
    source, target = small(depth=3), small(depth=1)
    save_file(source.state_dict(), tmp_path / "start.safetensors")
    load_start(target, tmp_path / "start.safetensors")
    expected = source.state_dict()
    kept = {name: value for name, value in target.state_dict().items() if not name.startswith("norm.")}
    assert all(torch.equal(value, expected[name]) for name, value in kept.items())


def test_positions_are_resampled_to_another_input_size(tmp_path: Path) -> None:
    source, target = small(size=56), small(size=28)
    save_file(source.state_dict(), tmp_path / "start.safetensors")
    load_start(target, tmp_path / "start.safetensors")
    before, after = source.state_dict()["pos_embed"], target.state_dict()["pos_embed"]
    assert after.shape == (1, 5, 48)
    assert torch.equal(before[:, 0], after[:, 0])
    assert torch.allclose(before[:, 1:].mean(), after[:, 1:].mean(), atol=0.02)


def test_tensors_in_timm_s_order_fit_whatever_their_names(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source: Any = timm.create_model("tf_efficientnet_lite0", num_classes=7).eval()
    renamed = {f"layer{n}": value for n, value in enumerate(source.state_dict().values())}
    torch.save(renamed, tmp_path / "start.pth")
    target = timm.create_model("tf_efficientnet_lite0", num_classes=0).eval()
    load_start(target, tmp_path / "start.pth")
    images = torch.randn(1, 3, 64, 64)
    features = source.forward_head(source.forward_features(images), pre_logits=True)
    assert torch.equal(target(images), features)


def test_a_start_of_another_shape_is_refused_with_the_weight_that_differs(tmp_path: Path) -> None:
    state = small(depth=2).state_dict()
    del state["blocks.1.mlp.fc1.weight"]
    save_file(state, tmp_path / "start.safetensors")
    with pytest.raises(UsageError, match=r"does not fit.*blocks\.1\.mlp\.fc1\.weight"):
        load_start(small(), tmp_path / "start.safetensors")


def test_a_start_with_tensors_of_another_size_is_refused(tmp_path: Path) -> None:
    state = small().state_dict()
    state["blocks.0.mlp.fc1.bias"] = torch.zeros(3)
    save_file(state, tmp_path / "start.safetensors")
    with pytest.raises(UsageError, match=r"does not fit.*blocks\.0\.mlp\.fc1\.bias"):
        load_start(small(), tmp_path / "start.safetensors")


def test_a_start_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.safetensors are not there"):
        load_start(small(), tmp_path / "none.safetensors")


def test_an_unknown_kind_of_file_is_refused_with_the_known_kinds(tmp_path: Path) -> None:
    (tmp_path / "start.zip").touch()
    with pytest.raises(UsageError, match=r"no kind of weights.*\.safetensors"):
        load_start(small(), tmp_path / "start.zip")


def test_pickled_code_is_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)  # type: ignore[return-value]

    torch.save({"a": Evil()}, tmp_path / "start.pth")
    with pytest.raises(UsageError, match="cannot be read"):
        load_start(small(), tmp_path / "start.pth")
    assert not (tmp_path / "ran").exists()
