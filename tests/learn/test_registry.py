"""The registry and the encoder: which models there are, whether a file is what it should be, and what codes depend on."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import real_photos

from vtsfind.base import bits
from vtsfind.base.errors import ModelDamaged, UsageError
from vtsfind.base.records import Head, Preprocessing
from vtsfind.learn.models.encoder import Encoder, choose_device, precision
from vtsfind.learn.models.network import HashNetwork, normalise
from vtsfind.learn.models.register import write_model
from vtsfind.learn.models.registry import ModelCard, find_card, registered_models, shipped_folder
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.media.decode import decode, prepare

SPEC = NetworkSpec("vitti16", 32, (Head("copy", 16), Head("scene", 12)), depth=1)


def make(folder: Path, name: str = "tiny.random.none.16-12", seed: int = 0) -> ModelCard:
    torch.manual_seed(seed)
    folder.mkdir(exist_ok=True)
    return write_model(HashNetwork(SPEC), Preprocessing(size=32), folder, name=name, licence="Apache-2.0")


def pictures(n: int = 5) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), np.uint8)


def test_what_was_written_is_registered_and_read_back_the_same(tmp_path: Path) -> None:
    card = make(tmp_path)
    assert registered_models((tmp_path,)) == {card.name: card}
    assert card.network == SPEC


def test_shipped_models_have_the_content_that_their_registry_promises() -> None:
    cards = registered_models((shipped_folder(),))
    assert cards
    for card in cards.values():
        card.verify()
        assert (card.folder / card.recipe).is_file()
        assert card.path.stat().st_size <= 50_000_000


def test_exactly_one_shipped_model_is_the_default_and_it_has_all_heads() -> None:
    (card,) = [card for card in registered_models((shipped_folder(),)).values() if card.default]
    assert find_card() == card
    assert {head.name: head.bits for head in card.network.heads} == {"copy": 256, "scene": 256, "words": 256}


def test_unlike_photos_do_not_share_a_scene_code() -> None:
    """A head that gives all pictures of which it is unsure one code is worse than its precision on classes says."""
    encoder = Encoder(find_card())
    paths = [path for path in real_photos.FILES if not path.stem.endswith("-2")]
    photos = [decode(path.read_bytes(), shortest=encoder.preprocessing.size)[0] for path in paths]
    codes = encoder.encode(np.stack([prepare(photo, encoder.preprocessing) for photo in photos]))["scene"]
    apart = bits.distances(codes, codes)[np.triu_indices(len(codes), 1)]
    assert (apart <= 256 // 8).mean() < 0.008


def test_an_unknown_model_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=f"no model 'nothing'.*{find_card().name}"):
        find_card("nothing")


def test_a_name_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b")
    with pytest.raises(UsageError, match="and in"):
        registered_models((tmp_path / "a", tmp_path / "b"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("licence =", "license ="), "unknown key 'license'"),
        (("size = 32", "size = 'big'"), "size is 'big'"),
        (("[models", "[[models"), "cannot be read"),
    ],
)
def test_a_registry_with_a_mistake_is_refused_with_the_place(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    make(tmp_path)
    registry = tmp_path / "registry.toml"
    registry.write_text(registry.read_text().replace(*change))
    with pytest.raises(UsageError, match=message):
        registered_models((tmp_path,))


@pytest.mark.parametrize("position", [0, 100, -1])
def test_a_model_file_with_one_changed_byte_is_never_used(tmp_path: Path, position: int) -> None:
    card = make(tmp_path)
    content = bytearray(card.path.read_bytes())
    content[position] ^= 1
    card.path.write_bytes(content)
    with pytest.raises(ModelDamaged, match="damaged: their SHA-256"):
        Encoder(card, device="cpu")


def test_a_model_file_that_is_gone_is_named(tmp_path: Path) -> None:
    card = make(tmp_path)
    card.path.unlink()
    with pytest.raises(ModelDamaged, match=str(card.path)):
        card.verify()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    card = make(tmp_path)
    with pytest.raises(ModelDamaged, match="do not fit"):
        Encoder(replace(card, network=replace(SPEC, depth=2)), device="cpu")


def test_the_signature_changes_with_weights_network_and_preprocessing_and_with_nothing_else(
    tmp_path: Path,
) -> None:
    card = make(tmp_path)
    others = [
        replace(card, sha256=hashlib.sha256(b"").hexdigest()),
        replace(card, network=replace(SPEC, depth=2)),
        replace(card, preprocessing=Preprocessing(size=32, fit="crop", resize=40)),
    ]
    prints = {card.signature.fingerprint, *(other.signature.fingerprint for other in others)}
    assert len(prints) == 4
    same = replace(card, note="another", default=True, metrics={"a": 1.0}, folder=tmp_path / "elsewhere")
    assert same.signature == card.signature


def test_a_picture_has_the_same_code_whatever_else_is_in_the_batch(tmp_path: Path) -> None:
    encoder = Encoder(make(tmp_path), device="cpu")
    together = encoder.encode(pictures())
    alone = [encoder.encode(picture[None]) for picture in pictures()]
    for name, codes in together.items():
        differing = np.bitwise_count(codes ^ np.concatenate([one[name] for one in alone])).sum()
        # Another order of additions may move an output that is almost zero.
        assert differing <= 1


def test_codes_are_packed_by_head_and_length(tmp_path: Path) -> None:
    codes = Encoder(make(tmp_path), device="cpu").encode(pictures(3))
    assert {name: value.shape for name, value in codes.items()} == {"copy": (3, 2), "scene": (3, 2)}
    assert all(value.dtype == np.uint8 for value in codes.values())
    assert not (codes["scene"] & 0x0F)[:, 1].any()


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A device whose memory takes the inputs of two pictures; gives the sizes of what it was asked for."""
    asked: list[int] = []

    def limited(images: torch.Tensor, *arguments: Any) -> torch.Tensor:
        asked.append(len(images))
        if len(images) > 2:
            raise torch.OutOfMemoryError
        return normalise(images, *arguments)

    monkeypatch.setattr("vtsfind.learn.models.encoder.normalise", limited)
    return asked


def test_a_batch_that_memory_is_too_small_for_is_halved(tmp_path: Path, small_memory: list[int]) -> None:
    encoder = Encoder(make(tmp_path), device="cpu")
    alone = [encoder.outputs(pictures()[row : row + 1])["copy"] for row in range(5)]
    small_memory.clear()
    encoder._threads = 8  # a GPU takes the whole batch at once, as a processor does if it is small
    outputs = encoder.outputs(pictures())["copy"]
    assert small_memory == [5, 2, 3, 1, 2]
    np.testing.assert_allclose(outputs, np.concatenate(alone), atol=1e-5)


def test_where_one_picture_is_too_large_for_the_memory_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("vtsfind.learn.models.encoder.normalise", full)
    with pytest.raises(UsageError, match="--device cpu"):
        Encoder(make(tmp_path), device="cpu").outputs(pictures(1))


def test_an_unknown_or_absent_device_is_refused() -> None:
    with pytest.raises(UsageError, match="no kind of device 'abacus'"):
        choose_device("abacus")
    absent = next(
        k
        for k, there in (("mps", torch.backends.mps.is_available()), ("cuda", torch.cuda.is_available()))
        if not there
    )
    with pytest.raises(UsageError, match="--device auto"):
        choose_device(absent)


def test_half_precision_is_used_only_where_the_processor_has_it() -> None:
    native = bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    assert (precision(torch.device("cpu")) == torch.bfloat16) == native
