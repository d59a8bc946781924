"""The original vision transformer weights: every array comes to its place, checked by an independent forward pass."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import timm
import torch

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.pretrained.load import load_start
from vtsfind.learn.pretrained.npz import read_npz

Arrays = dict[str, npt.NDArray[np.float32]]
PATCH, WIDTH, HEADS, DEPTH, SIZE, MLP = 8, 24, 3, 2, 24, 40
ATTENTION = "MultiHeadDotProductAttention_1"


def original(depth: int = DEPTH, patches: int = (SIZE // PATCH) ** 2, seed: int = 0) -> Arrays:
    """Random weights under the names and in the shapes of the original code."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "cls": (1, 1, WIDTH),
        "embedding/kernel": (PATCH, PATCH, 3, WIDTH),
        "embedding/bias": (WIDTH,),
        "Transformer/posembed_input/pos_embedding": (1, patches + 1, WIDTH),
        "Transformer/encoder_norm/scale": (WIDTH,),
        "Transformer/encoder_norm/bias": (WIDTH,),
        "pre_logits/kernel": (WIDTH, WIDTH),
        "pre_logits/bias": (WIDTH,),
        "head/kernel": (WIDTH, 7),
        "head/bias": (7,),
    }
    for block in range(depth):
        place = f"Transformer/encoderblock_{block}"
        for part in ("query", "key", "value"):
            shapes[f"{place}/{ATTENTION}/{part}/kernel"] = (WIDTH, HEADS, WIDTH // HEADS)
            shapes[f"{place}/{ATTENTION}/{part}/bias"] = (HEADS, WIDTH // HEADS)
        shapes[f"{place}/{ATTENTION}/out/kernel"] = (HEADS, WIDTH // HEADS, WIDTH)
        shapes[f"{place}/{ATTENTION}/out/bias"] = (WIDTH,)
        shapes[f"{place}/MlpBlock_3/Dense_0/kernel"] = (WIDTH, MLP)
        shapes[f"{place}/MlpBlock_3/Dense_0/bias"] = (MLP,)
        shapes[f"{place}/MlpBlock_3/Dense_1/kernel"] = (MLP, WIDTH)
        shapes[f"{place}/MlpBlock_3/Dense_1/bias"] = (WIDTH,)
        for norm in ("LayerNorm_0", "LayerNorm_2"):
            shapes[f"{place}/{norm}/scale"] = shapes[f"{place}/{norm}/bias"] = (WIDTH,)
    return {
        name: rng.normal(name.endswith("scale"), 0.3, shape).astype(np.float32)
        for name, shape in shapes.items()
    }


def norm(x: npt.NDArray[np.float64], w: Arrays, place: str) -> npt.NDArray[np.float64]:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
    result: npt.NDArray[np.float64] = scaled * w[f"{place}/scale"] + w[f"{place}/bias"]
    return result


def forward(w: Arrays, images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The transformer on images (b, size, size, 3), straight from its definition; gives all tokens (b, t, d)."""
    b, size = images.shape[:2]
    cells = size // PATCH
    patches = images.reshape(b, cells, PATCH, cells, PATCH, 3).transpose(0, 1, 3, 2, 4, 5)
    x = np.einsum("bnmpqc,pqcd->bnmd", patches, w["embedding/kernel"]) + w["embedding/bias"]
    x = np.concatenate([np.tile(w["cls"], (b, 1, 1)), x.reshape(b, cells**2, -1)], axis=1)
    x = x + w["Transformer/posembed_input/pos_embedding"]
    erf = np.vectorize(math.erf)
    for block in range(sum(name.endswith("LayerNorm_0/scale") for name in w)):
        place = f"Transformer/encoderblock_{block}"
        y = norm(x, w, f"{place}/LayerNorm_0")
        query, key, value = (
            np.einsum("btd,dhe->bhte", y, w[f"{place}/{ATTENTION}/{part}/kernel"])
            + w[f"{place}/{ATTENTION}/{part}/bias"][:, None]
            for part in ("query", "key", "value")
        )
        weights = np.exp(np.einsum("bhte,bhse->bhts", query, key) / math.sqrt(query.shape[-1]))
        weights /= weights.sum(-1, keepdims=True)
        seen = np.einsum("bhts,bhse->bthe", weights, value)
        x = x + np.einsum("bthe,hed->btd", seen, w[f"{place}/{ATTENTION}/out/kernel"])
        x = x + w[f"{place}/{ATTENTION}/out/bias"]
        y = norm(x, w, f"{place}/LayerNorm_2")
        y = y @ w[f"{place}/MlpBlock_3/Dense_0/kernel"] + w[f"{place}/MlpBlock_3/Dense_0/bias"]
        y = 0.5 * y * (1 + erf(y / math.sqrt(2)))
        x = x + y @ w[f"{place}/MlpBlock_3/Dense_1/kernel"] + w[f"{place}/MlpBlock_3/Dense_1/bias"]
    return norm(x, w, "Transformer/encoder_norm")


def network(depth: int = DEPTH, size: int = SIZE) -> Any:
    torch.manual_seed(0)
    return timm.create_model(
        "vit_tiny_patch16_224",
        img_size=size,
        patch_size=PATCH,
        embed_dim=WIDTH,
        num_heads=HEADS,
        depth=depth,
        mlp_ratio=MLP / WIDTH,
        num_classes=0,
    ).eval()


def loaded(path: Path, arrays: Any, **shape: int) -> Any:
    np.savez(path / "start.npz", **arrays)
    model = network(**shape)
    load_start(model, path / "start.npz")
    return model


def tokens(model: Any, images: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    inputs = torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32))
    with torch.inference_mode():
        result: npt.NDArray[np.float32] = model.forward_features(inputs).numpy()
    return result


IMAGES = np.random.default_rng(1).normal(size=(2, SIZE, SIZE, 3))


def test_all_tokens_are_those_of_an_independent_forward_pass(tmp_path: Path) -> None:
    weights = original()
    found, expected = tokens(loaded(tmp_path, weights), IMAGES), forward(weights, IMAGES)
    assert found.shape == expected.shape == (2, 10, WIDTH)
    assert np.abs(found - expected).max() < 1e-4
    assert np.abs(expected).max() > 0.5


USED = [name for name in original() if not name.startswith(("head", "pre_logits"))]


@pytest.mark.parametrize("name", USED)
def test_a_change_of_any_array_changes_the_tokens_just_as_in_the_forward_pass(
    tmp_path: Path, name: str
) -> None:
    weights = original()
    before = forward(weights, IMAGES[:1])
    weights[name] = weights[name] + np.random.default_rng(2).normal(size=weights[name].shape).astype(
        np.float32
    )
    found, expected = tokens(loaded(tmp_path, weights), IMAGES[:1]), forward(weights, IMAGES[:1])
    assert np.abs(found - expected).max() < 1e-4
    # Whatever is added to all keys alike is the same for all tokens, and softmax takes it away.
    assert (np.abs(expected - before).max() > 1e-2) == ("key/bias" not in name)


def test_every_tensor_of_the_network_is_read_and_no_classifier(tmp_path: Path) -> None:
    np.savez(tmp_path / "start.npz", **original())  # type: ignore[arg-type]
    shapes = {name: values.shape for name, values in read_npz(tmp_path / "start.npz").items()}
    assert shapes == {name: values.shape for name, values in network().state_dict().items()}


def test_positions_are_resampled_to_another_size_and_the_class_token_s_kept(tmp_path: Path) -> None:
    weights = original()
    smooth = np.linspace(0, 1, 9, dtype=np.float32).reshape(3, 3)
    weights["Transformer/posembed_input/pos_embedding"][0, 1:] = smooth.reshape(9, 1)
    positions = loaded(tmp_path, weights, size=2 * SIZE).pos_embed.detach().numpy()
    assert positions.shape == (1, 37, WIDTH)
    assert np.array_equal(positions[0, 0], weights["Transformer/posembed_input/pos_embedding"][0, 0])
    grid = positions[0, 1:, 0].reshape(6, 6)
    assert (np.diff(grid, axis=0) > 0).all()
    assert (np.diff(grid, axis=1) > 0).all()
    assert grid.mean() == pytest.approx(0.5, abs=1e-3)


def test_blocks_beyond_the_network_s_depth_are_left_out(tmp_path: Path) -> None:
    weights = original(depth=3)
    shorter = {name: values for name, values in weights.items() if "encoderblock_2" not in name}
    short = loaded(tmp_path, weights, depth=2)
    with torch.no_grad():
        short.norm.weight.copy_(torch.from_numpy(weights["Transformer/encoder_norm/scale"]))
        short.norm.bias.copy_(torch.from_numpy(weights["Transformer/encoder_norm/bias"]))
    assert np.abs(tokens(short, IMAGES) - forward(shorter, IMAGES)).max() < 1e-4


def test_the_local_stream_of_transhash_starts_from_the_last_block(tmp_path: Path) -> None:
    spec = NetworkSpec("vit_tiny_patch16_224", 48, (Head("code", 16),), "dual", depth=2)
    dual = HashNetwork(spec).backbone
    rng = np.random.default_rng(0)
    donor = timm.create_model("vit_tiny_patch16_224", img_size=48, depth=2, num_classes=0)
    state = {
        name: torch.from_numpy(rng.normal(size=v.shape)).float() for name, v in donor.state_dict().items()
    }
    from safetensors.torch import save_file

    save_file(state, tmp_path / "plain.safetensors")
    load_start(dual, tmp_path / "plain.safetensors")
    given = dual.state_dict()
    assert torch.equal(given["local_block.attn.qkv.weight"], state["blocks.1.attn.qkv.weight"])
    assert torch.equal(given["local_norm.bias"], state["norm.bias"])


@pytest.mark.parametrize("name", USED)
def test_a_file_that_lacks_an_array_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    weights = original()
    del weights[name]
    with pytest.raises(UsageError, match=r"start\.npz (cannot be read|does not fit)"):
        loaded(tmp_path, weights)


def test_a_file_of_another_architecture_is_refused_with_what_differs(tmp_path: Path) -> None:
    weights = original()
    weights["Transformer/encoderblock_1/MlpBlock_3/Dense_0/kernel"] = np.zeros((WIDTH, 99), np.float32)
    with pytest.raises(
        UsageError, match=r"does not fit.*blocks\.1\.mlp\.fc1\.weight.*\(99, 24\), not \(40, 24\)"
    ):
        loaded(tmp_path, weights)
    with pytest.raises(UsageError, match=r"does not fit.*blocks\.2.*is not in the file"):
        loaded(tmp_path, original(), depth=3)


def test_objects_in_a_file_are_never_unpickled(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "ran",)

    weights: dict[str, Any] = original()
    weights["cls"] = np.array([Evil()], object)
    with pytest.raises(UsageError, match=r"cannot be read.*allow_pickle"):
        loaded(tmp_path, weights)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("keep", [0, 10, 1000, -20])
def test_a_file_that_was_cut_short_is_refused(tmp_path: Path, keep: int) -> None:
    np.savez(tmp_path / "start.npz", **original())  # type: ignore[arg-type]
    content = (tmp_path / "start.npz").read_bytes()
    (tmp_path / "start.npz").write_bytes(content[:keep])
    with pytest.raises(UsageError, match=r"start\.npz cannot be read"):
        load_start(network(), tmp_path / "start.npz")


def test_a_changed_byte_in_a_file_is_noticed(tmp_path: Path) -> None:
    np.savez(tmp_path / "start.npz", **original())  # type: ignore[arg-type]
    content = bytearray((tmp_path / "start.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "start.npz").write_bytes(content)
    with pytest.raises(UsageError, match=r"start\.npz cannot be read: Bad CRC-32"):
        load_start(network(), tmp_path / "start.npz")


def test_a_single_array_is_no_file_of_weights(tmp_path: Path) -> None:
    with (tmp_path / "start.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(UsageError, match="no archive of named arrays"):
        load_start(network(), tmp_path / "start.npz")


def test_half_precision_arrays_are_read_as_float32(tmp_path: Path) -> None:
    half = {name: values.astype(np.float16) for name, values in original().items()}
    np.savez(tmp_path / "start.npz", **half)  # type: ignore[arg-type]
    assert {values.dtype for values in read_npz(tmp_path / "start.npz").values()} == {torch.float32}
