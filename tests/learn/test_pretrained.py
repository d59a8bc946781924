"""Start weights: each file format puts every tensor in its place."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.pretrained.load import fit_to_backbone, load_start, read_start, starts_folder


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


def test_tensors_with_timm_s_names_fit_in_any_order(tmp_path: Path) -> None:
    torch.manual_seed(0)
    source: Any = timm.create_model("resnet18").eval()
    backwards = dict(reversed(source.state_dict().items()))
    uncounted = {name: value for name, value in backwards.items() if "num_batches" not in name}
    torch.save(uncounted, tmp_path / "start.pth")
    target = timm.create_model("resnet18", num_classes=0).eval()
    load_start(target, tmp_path / "start.pth")
    images = torch.randn(1, 3, 64, 64)
    assert torch.equal(target(images), source.forward_head(source.forward_features(images), pre_logits=True))


@pytest.mark.parametrize("name", ["convnext_atto", "vit_tiny_patch16_224"])
def test_a_classifier_in_the_file_is_left_out(tmp_path: Path, name: str) -> None:
    source = timm.create_model(name)
    save_file(source.state_dict(), tmp_path / "start.safetensors")
    target = timm.create_model(name, num_classes=0)
    load_start(target, tmp_path / "start.safetensors")
    expected = source.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in target.state_dict().items())


def test_torchvision_s_alexnet_fits_by_its_names(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = HashNetwork(NetworkSpec("alexnet", 64, ())).backbone
    source = {name: torch.zeros(1).expand(value.shape) for name, value in network.state_dict().items()}
    last = {"classifier.6.weight": torch.zeros(1000, 1), "classifier.6.bias": torch.zeros(1000)}
    torch.save(source | last, tmp_path / "alexnet.pth")
    state = read_start(tmp_path / "alexnet.pth", network)
    assert list(fit_to_backbone(state, network, tmp_path)) == list(source)


def test_the_backbone_of_a_whole_model_is_a_start(tmp_path: Path) -> None:
    torch.manual_seed(0)
    spec = NetworkSpec("vitti16", 32, (Head("code", 16),), depth=1)
    whole, other = HashNetwork(spec), HashNetwork(spec)
    save_file(whole.state_dict(), tmp_path / "model.safetensors")
    load_start(other.backbone, tmp_path / "model.safetensors")
    expected = whole.backbone.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in other.backbone.state_dict().items())
    assert not torch.equal(whole.heads["code"][0].weight, other.heads["code"][0].weight)  # type: ignore[index]


def test_a_start_of_two_streams_keeps_them_and_serves_a_plain_transformer_too(tmp_path: Path) -> None:
    torch.manual_seed(0)
    dual = NetworkSpec("vitti16", 32, (), "dual", depth=2)
    source = HashNetwork(dual).backbone
    torch.nn.init.normal_(source.local_block.attn.qkv.weight)
    save_file(source.state_dict(), tmp_path / "start.safetensors")
    same, plain = HashNetwork(dual).backbone, HashNetwork(NetworkSpec("vitti16", 32, (), depth=2)).backbone
    for target in (same, plain):
        load_start(target, tmp_path / "start.safetensors")
        expected = source.state_dict()
        assert all(torch.equal(value, expected[name]) for name, value in target.state_dict().items())


def test_an_onnx_file_of_dinov2_gives_the_same_outputs(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    source, target = small(), small(depth=1)
    onnx.save(exported(onnx, source.state_dict()), tmp_path / "start.onnx")
    for parameter in target.parameters():
        torch.nn.init.zeros_(parameter)
    load_start(target, tmp_path / "start.onnx")
    expected = source.state_dict()
    kept = {name: value for name, value in target.state_dict().items() if not name.startswith("norm.")}
    assert len(kept) == 18
    assert all(torch.equal(value, expected[name]) for name, value in kept.items())


def exported(onnx: Any, state: dict[str, torch.Tensor]) -> Any:
    """The initialisers and nodes that an export of the transformers library has."""
    parts = {"norm1": "norm1", "norm2": "norm2", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}
    linear = {"mlp.fc1", "mlp.fc2", "attn.proj", "query", "key", "value"}
    places = {"attn.proj": "attention.output.dense", **parts}
    arrays = {
        "backbone.embeddings.cls_token": state["cls_token"],
        "backbone.embeddings.patch_embeddings.projection.weight": state["patch_embed.proj.weight"],
        "backbone.embeddings.patch_embeddings.projection.bias": state["patch_embed.proj.bias"],
        "onnx::Concat_1": state["pos_embed"][:, :1],
        "onnx::Reshape_2": state["pos_embed"][:, 1:],
    }
    nodes = []
    for block in range(2):
        here = {
            n.removeprefix(f"blocks.{block}."): v
            for n, v in state.items()
            if n.startswith(f"blocks.{block}.")
        }
        for kind in ("weight", "bias"):
            thirds = here.pop(f"attn.qkv.{kind}").chunk(3)
            for part, value in zip(("query", "key", "value"), thirds, strict=True):
                places[part] = f"attention.attention.{part}"
                here[f"{part}.{kind}"] = value
        for n in (1, 2):
            arrays[f"backbone.encoder.layer.{block}.layer_scale{n}.lambda1"] = here.pop(f"ls{n}.gamma")
        for name, value in here.items():
            stem, _, kind = name.rpartition(".")
            if stem in linear and kind == "weight":
                path = f"/backbone/encoder/layer.{block}/{places[stem].replace('.', '/')}/MatMul"
                arrays[f"onnx::MatMul_{len(arrays)}"] = value.T
                nodes.append(
                    onnx.helper.make_node("MatMul", ["x", f"onnx::MatMul_{len(arrays) - 1}"], ["y"], path)
                )
            else:
                arrays[f"backbone.encoder.layer.{block}.{places[stem]}.{kind}"] = value
    tensors = [onnx.numpy_helper.from_array(v.contiguous().numpy(), n) for n, v in arrays.items()]
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "vit", [], [], tensors))


def test_a_start_that_was_brought_in_is_found_by_its_name(tmp_path: Path) -> None:
    source, target = small(), small()
    for parameter in target.parameters():
        torch.nn.init.zeros_(parameter)
    starts_folder().mkdir(parents=True)
    save_file(source.state_dict(), starts_folder() / "mine.safetensors")
    load_start(target, tmp_path / "mine.safetensors")
    assert torch.equal(target.state_dict()["cls_token"], source.state_dict()["cls_token"])


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".npz", ".onnx"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", bytes(100)])
def test_a_file_of_something_else_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    if suffix == ".onnx":
        pytest.importorskip("onnx")
    path = (tmp_path / "start").with_suffix(suffix)
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"start\{suffix} cannot be read"):
        load_start(small(), path)


def test_a_pickle_of_no_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "model": {}}, tmp_path / "start.pth")
    with pytest.raises(UsageError, match="no dictionary of tensors"):
        load_start(small(), tmp_path / "start.pth")


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
