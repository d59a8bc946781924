"""The shipped models in NumPy give the codes that they give in torch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.real_photos import FILES

from vtsfind.base.errors import ModelDamaged
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.numpy_encoder import NumpyEncoder, runs_in_numpy
from vtsfind.learn.models.registry import find_card, registered_models, shipped_folder
from vtsfind.media.decode import decode, prepare

SHIPPED = registered_models((shipped_folder(),))
ROUNDING = 1e-3
"""Far above the rounding of float32, far below an output's deviation of about 1."""


def prepared(name: str) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Some real photos, as the model takes them."""
    preprocessing = SHIPPED[name].preprocessing
    decoded = [decode(photo.read_bytes(), shortest=2 * preprocessing.size)[0] for photo in FILES[::5]]
    return np.stack([prepare(pixels, preprocessing) for pixels in decoded])


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_gives_torch_s_outputs_and_bits(name: str) -> None:
    card, pixels = SHIPPED[name], prepared(name)
    expected = Encoder(card, device="cpu", precision="float32").outputs(pixels)
    given = NumpyEncoder(card).outputs(pixels)
    assert given.keys() == expected.keys()
    for head, values in expected.items():
        assert np.allclose(given[head], values, atol=ROUNDING)
        clear = np.abs(values) > ROUNDING
        assert np.array_equal((given[head] > 0)[clear], (values > 0)[clear])


def test_a_head_alone_is_the_same_as_among_others() -> None:
    card = find_card()
    pixels = prepared(card.name)[:2]
    every, encoder = NumpyEncoder(card).outputs(pixels), NumpyEncoder(card)
    for head in every:
        alone = encoder.outputs(pixels, [head])
        assert alone.keys() == {head}
        assert np.array_equal(alone[head], every[head])


def test_a_head_that_was_loaded_reads_no_file_for_its_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    card = find_card()
    pixels, encoder = prepared(card.name)[:1], NumpyEncoder(card)
    encoder.load(["scene"])
    monkeypatch.setattr(Path, "read_bytes", None)
    assert encoder.outputs(pixels, ["scene"])["scene"].shape == (1, 256)


def test_the_codes_are_the_signs_of_the_outputs() -> None:
    card = find_card()
    pixels, encoder = prepared(card.name)[:1], NumpyEncoder(card)
    outputs = encoder.outputs(pixels)
    assert all(
        np.array_equal(np.unpackbits(code, axis=1), outputs[head] > 0)
        for head, code in encoder.encode(pixels).items()
    )


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    card = find_card()
    for file in card.files:
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        (tmp_path / file.name).write_bytes(content)
    with pytest.raises(ModelDamaged, match="damaged"):
        NumpyEncoder(replace(card, folder=tmp_path)).outputs(prepared(card.name)[:1])


def test_other_networks_are_left_to_torch() -> None:
    network = find_card().network
    assert runs_in_numpy(network)
    assert not runs_in_numpy(replace(network, features="all"))
    assert not runs_in_numpy(replace(network, backbone="resnet50"))
