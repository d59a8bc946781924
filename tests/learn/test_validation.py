"""Judging a run: held-out pictures against each other, and published weights to start from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from support.tiny_models import SPEC, draw_classes

from vtsfind.base import bits as code_bits
from vtsfind.base.errors import DownloadFailed, UsageError
from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.protocols import open_protocol
from vtsfind.learn.models.backbones import backbone
from vtsfind.learn.models.network import HashNetwork, make_backbone, normalise
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.pretrained import from_timm as pretrained
from vtsfind.learn.pretrained.from_timm import is_published, load_published
from vtsfind.learn.training.training_data import ValidationSet
from vtsfind.learn.training.validation import BestState, mean_average_precision
from vtsfind.media.decode import prepare

LOOK = Preprocessing(size=32)


def signs(network: HashNetwork, pictures: Any) -> Any:
    pixels = np.stack([prepare(pictures.picture(row), LOOK) for row in range(len(pictures))])
    with torch.inference_mode():
        outputs = network.eval()(normalise(torch.from_numpy(pixels), LOOK.mean, LOOK.std))["scene"]
    return np.unpackbits(code_bits.pack(outputs.numpy()), axis=1)[:, :12].astype(int)


def expected(far: Any, same: Any) -> float:
    """Average precision of one query: the mean over many random orders of ties."""
    rng = np.random.default_rng(0)
    values: list[float] = []
    for _ in range(4000):
        order = np.lexsort((rng.random(len(far)), far))
        hits = np.flatnonzero(same[order]) + 1
        values.append(float(np.mean(np.arange(1, len(hits) + 1) / hits)) if len(hits) else 0.0)
    return float(np.mean(values))


def test_each_held_out_picture_is_compared_with_all_others_and_not_with_itself(tmp_path: Path) -> None:
    pictures, split = open_protocol("folder", draw_classes(tmp_path), seed=1, shortest=32)
    validation_set = pictures.subset(split.query)
    torch.manual_seed(0)
    network = HashNetwork(SPEC)
    codes = signs(network, validation_set)
    wanted = []
    for query in range(len(validation_set)):
        others = np.arange(len(validation_set)) != query
        far = (codes[query] != codes[others]).sum(1)
        wanted.append(expected(far, validation_set.labels[others] @ validation_set.labels[query] > 0))
    value = mean_average_precision(network, SPEC.heads[1], ValidationSet(validation_set, None, None), LOOK)
    assert value == pytest.approx(np.mean(wanted), abs=0.01)


def test_pictures_without_a_label_count_as_zero_and_nothing_breaks(tmp_path: Path) -> None:
    pictures, split = open_protocol("folder", draw_classes(tmp_path), seed=1, shortest=32)
    validation_set = pictures.subset(split.query)
    validation_set.labels[0] = 0
    torch.manual_seed(0)
    assert (
        0
        < mean_average_precision(
            HashNetwork(SPEC), SPEC.heads[1], ValidationSet(validation_set, None, None), LOOK
        )
        < 1
    )


def test_the_first_of_equal_states_is_the_best() -> None:
    best = BestState()
    for step, value in enumerate([0.4, 0.6, 0.6, 0.5]):
        best.update(value, step, {"w": torch.tensor(float(step))})
    assert (best.value, best.step, best.validations_since, best.weights["w"].item()) == (0.6, 1, 2, 1.0)
    again = BestState()
    again.load_state_dict(best.state_dict())
    assert again == best


def test_published_weights_are_loaded_without_their_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    theirs = timm.create_model("vit_tiny_patch16_224")
    network = make_backbone(NetworkSpec("vitti16", 32, (), depth=2))
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: theirs)
    load_published(network, backbone("vitti16"), "published:augreg_in21k")
    name = "blocks.1.attn.qkv.weight"
    assert network.state_dict()[name].equal(theirs.state_dict()[name])
    assert network.state_dict()["pos_embed"].shape == (1, 5, 192)


def test_weights_that_cannot_be_got_say_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(pretrained, "_download_state", offline)
    with pytest.raises(DownloadFailed, match=r"Name or service not known.*--start"):
        load_published(None, backbone("vts16"), "published:orig_in21k")
    with pytest.raises(UsageError, match=r"no published weights 'vit_base_patch16_224\.orig'.*orig_in21k"):
        load_published(None, backbone("vts16"), "published:orig")
    assert is_published("published")
    assert not is_published("published.safetensors")
