"""Features of frozen backbones: what they depend on, and that they are made once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support.tiny_models import draw_classes, make_model

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import Cancelled, CancelToken
from vtsfind.learn.data.protocols import open_protocol
from vtsfind.learn.evaluation.codes import EncodingOptions
from vtsfind.learn.evaluation.features import (
    FeatureExtractor,
    FeatureStore,
    FrozenBackbone,
    PictureView,
    frozen,
)
from vtsfind.learn.models.network import make_backbone
from vtsfind.learn.models.spec import NetworkSpec

ENCODING = EncodingOptions("cpu", 4, 1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_classes(tmp_path_factory.mktemp("features"), train=3, val=1)


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("starts")
    torch.manual_seed(0)
    network = make_backbone(NetworkSpec("vitti16", 32, heads=()))
    save_file(network.state_dict(), folder / "tiny.safetensors")
    return folder


@pytest.fixture
def tiny(starts: Path) -> FrozenBackbone:
    return frozen("vitti16@32=tiny.safetensors", starts)


def store(
    backbone: FrozenBackbone, data: Path, folder: Path, encoding: EncodingOptions = ENCODING
) -> FeatureStore:
    return FeatureStore(backbone, open_protocol("folder", data, seed=1)[0], folder, encoding)


class Counting(CancelToken):
    """Lets a number of looks pass, then wants to stop."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def check(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            self.cancel()
        super().check()


def test_a_backbone_is_named_by_its_size_and_what_is_read_of_it(starts: Path) -> None:
    plain = frozen("vitti16@32=tiny.safetensors", starts)
    more = frozen("vitti16@32=tiny.safetensors+2", starts)
    assert (plain.name, more.name) == ("vitti16@32", "vitti16@32+2")
    assert plain.fingerprint != more.fingerprint
    assert (plain.preprocessing.size, more.stages) == (32, 2)


def test_features_are_what_the_network_gives_to_its_heads_and_then_the_stages(
    starts: Path, data: Path, tmp_path: Path
) -> None:
    more = frozen("vitti16@32=tiny.safetensors+2", starts)
    alone = store(frozen("vitti16@32=tiny.safetensors", starts), data, tmp_path).view_features([0, 5]).values
    both = store(more, data, tmp_path).view_features([0, 5]).values
    assert alone.shape == (2, 2 * 192)
    assert both.shape == (2, 3 * 2 * 192)
    np.testing.assert_array_equal(both[:, : 2 * 192], alone)
    assert both.dtype == np.float16


def test_a_registered_model_lends_its_backbone(data: Path, own_places: Path, tmp_path: Path) -> None:
    card = make_model(own_places / "data" / "models")
    found = frozen(card.name)
    assert (found.name, found.network.depth) == (card.name, 1)
    values = store(found, data, tmp_path).view_features([0]).values
    assert values.shape == (1, 2 * 192)
    assert np.isfinite(values).all()


def test_rows_are_given_in_the_order_asked_for(tiny: FrozenBackbone, data: Path, tmp_path: Path) -> None:
    view_features = store(tiny, data, tmp_path).view_features([7, 2, 5, 2])
    assert list(view_features.rows) == [2, 5, 7]
    np.testing.assert_array_equal(view_features.of(np.array([7, 2])), view_features.values[[2, 0]])


def test_features_are_made_once_and_again_where_a_file_is_damaged(
    tiny: FrozenBackbone, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vtsfind.learn.evaluation.features._PICTURES_PER_FILE", 4)
    first = store(tiny, data, tmp_path).view_features(range(10)).values
    files = sorted(tmp_path.rglob("*.npy"))
    assert len(files) == 3
    files[1].write_bytes(b"damaged")
    calls: list[int] = []
    make = FeatureExtractor.__call__

    def counted(self: FeatureExtractor, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> object:
        calls.append(len(pixels))
        return make(self, pixels)

    monkeypatch.setattr(FeatureExtractor, "__call__", counted)
    np.testing.assert_array_equal(store(tiny, data, tmp_path).view_features(range(10)).values, first)
    assert calls == [4]


def test_work_that_was_stopped_goes_on(
    tiny: FrozenBackbone, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vtsfind.learn.evaluation.features._PICTURES_PER_FILE", 4)
    with pytest.raises(Cancelled):
        store(tiny, data, tmp_path, EncodingOptions("cpu", 4, 1, cancel=Counting(2))).view_features(range(12))
    assert len(list(tmp_path.rglob("*.npy"))) == 2
    assert (
        len(
            store(tiny, data, tmp_path, EncodingOptions("cpu", 4, 1, cancel=Counting(1)))
            .view_features(range(12))
            .values
        )
        == 12
    )


def test_views_are_the_picture_its_mirror_image_and_crops_that_stay_the_same(
    tiny: FrozenBackbone, data: Path
) -> None:
    pictures = open_protocol("folder", data, seed=1)[0]
    plain, mirrored, crop, other = (PictureView(v, pictures, tiny.preprocessing)(0) for v in range(4))
    np.testing.assert_array_equal(mirrored, plain[:, ::-1])
    assert not np.array_equal(crop, plain)
    assert not np.array_equal(crop, other)
    np.testing.assert_array_equal(PictureView(2, pictures, tiny.preprocessing)(0), crop)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vitti16", "is no BACKBONE@SIZE=FILE"),
        ("vitti16+more", "is no BACKBONE@SIZE=FILE"),
        ("vitti16@0=tiny.safetensors", "is no BACKBONE@SIZE=FILE"),
        ("vitti16@32=absent.pth", "absent.pth are not there"),
        ("no-such@32=tiny.safetensors", "no backbone 'no-such'"),
    ],
)
def test_a_backbone_that_cannot_be_is_refused(starts: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        frozen(text, starts)


def test_more_stages_than_there_are_are_refused(starts: Path) -> None:
    with pytest.raises(UsageError, match="has 12 stages"):
        FeatureExtractor(frozen("vitti16@32=tiny.safetensors+13", starts), "cpu")
