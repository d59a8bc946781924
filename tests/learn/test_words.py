"""Fitting a head for words and its table."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from support import real_photos
from torch import nn

from vtsfind.base import bits
from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.find.hamming.views import asymmetric_distances
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.register import finished_model, register_model
from vtsfind.learn.models.registry import find_card
from vtsfind.learn.models.text import TextEncoder, words_of
from vtsfind.learn.training import words as training
from vtsfind.learn.training.loop import train
from vtsfind.learn.training.runs import RunOptions
from vtsfind.media.decode import decode, prepare

BEFORE = "vits14d8-lite2.copy-scene.photos4.256-256"
RECIPE = """
name = "with.words.test.64"
start = "vits14d8-lite2.copy-scene.photos4.256-256.safetensors"
tasks = []
schedule = { steps = 1 }
[network]
backbone = "vits14"
size = 98
depth = 8
centred = true
heads = [{ name = "scene", bits = 256 }, { name = "copy", bits = 256 }, { name = "words", bits = 64 }]
[network.second]
backbone = "lite2"
size = 160
heads = ["scene", "words"]
[words]
teacher = "teacher"
classifier = "classifier.pth"
dims = 16
picture_ridge = 0.1
class_weight = 0.0
photos = [{ pictures = "photos", captions = "captions.tsv" }]
"""


def vector(word: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A vector for a word, at random."""
    return np.random.default_rng(zlib.crc32(word.encode())).normal(size=48).astype(np.float32)


class WordVectors:
    """In place of a sentence encoder: the mean of vectors of the words."""

    words = ("the", "of", "##s", "caf\u00e9", "dog")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def encode(self, texts: list[str], _monitor: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        means = np.stack([np.mean([vector(word) for word in words_of(text)], axis=0) for text in texts])
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def test_a_distilled_table_keeps_untouched_words_and_learns_the_others() -> None:
    draw = torch.Generator().manual_seed(0)
    start, truth = torch.randn(20, 6, generator=draw), torch.randn(20, 6, generator=draw)
    words = [f"{chr(97 + n)}word" for n in range(20)]
    texts = [" ".join(words[i] for i in torch.randperm(15, generator=draw)[:4]) for _ in range(200)]
    counts = training.word_counts(texts, words)
    wanted = nn.functional.normalize(counts @ truth)
    moved = training.distil(start, counts, wanted, 0.01)
    assert torch.equal(moved[15:], start[15:])
    before, after = (nn.functional.normalize(counts @ table) for table in (start, moved))
    assert (before * wanted).sum(1).mean() < 0.5
    assert (after * wanted).sum(1).mean() > 0.9
    kept = training.distil(start, counts, wanted, 1e6)
    assert torch.allclose(kept, start, atol=1e-2)


def test_a_turn_into_more_dimensions_keeps_angles() -> None:
    turn = training.random_frame(16, 64, seed=3)
    assert torch.allclose(turn @ turn.T, torch.eye(16), atol=1e-5)
    assert torch.equal(turn, training.random_frame(16, 64, seed=3))


def test_bits_of_the_head_are_balanced() -> None:
    features = torch.randn(400, 12, generator=torch.Generator().manual_seed(2)) + 3
    head = nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32, affine=False)).eval()
    training.set_head(head, torch.randn(12, 32, generator=torch.Generator().manual_seed(4)), features)
    with torch.inference_mode():
        outputs = head(features)
    assert torch.allclose(outputs.mean(0), torch.zeros(32), atol=1e-3)
    assert 0.4 < float((outputs > 0).float().mean()) < 0.6


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run folder of the shipped model with a head for words, fitted to real photos and their names."""
    monkeypatch.setattr(training, "SentenceEncoder", WordVectors)
    (tmp_path / "photos").symlink_to(real_photos.FOLDER)
    lines = [f"{path.name}\ta photo of {path.stem.replace('-', ' ')}\n" for path in real_photos.FILES]
    (tmp_path / "captions.tsv").write_text("".join(lines))
    torch.save({"_fc.weight": torch.randn(1000, 1280)}, tmp_path / "classifier.pth")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    run = RunOptions(tmp_path / "run", tmp_path, tmp_path, device="cpu", workers=0)
    return train(tmp_path / "recipe.toml", run, SilentProgress(), CancelToken())


def test_a_model_with_words_finds_its_photos_and_keeps_its_other_codes(trained: Path, tmp_path: Path) -> None:
    card = register_model(trained, tmp_path / "models")
    card.verify()
    assert card.path.stat().st_size < 400_000
    old, new = Encoder(find_card(BEFORE), device="cpu"), Encoder(card, device="cpu")
    photos = [decode(path.read_bytes(), shortest=224)[0] for path in real_photos.FILES]
    pixels = np.stack([prepare(photo, new.preprocessing) for photo in photos])
    before, after = old.encode(pixels), new.encode(pixels)
    for head in ("scene", "copy"):
        assert np.array_equal(before[head], after[head])
    encoder = TextEncoder(card)
    names = ["osprey", "some coffee", "Dahlia", "deep field"]
    directions = np.stack([encoder.encode(name)[0] for name in names])
    apart = asymmetric_distances(bits.planes(after["words"]), directions)
    first = [real_photos.NAMES[row] for row in apart.argmin(1)]
    assert first == ["osprey", "coffee", "dahlia", "deep-field"]
    assert encoder.encode("zzyzx")[1] == ("zzyzx",)


def test_a_finished_model_names_all_its_files(trained: Path) -> None:
    card = finished_model(trained)
    assert card.words is not None
    assert len(card.shared) == 2
    (trained / card.words.file).write_bytes(b"other")
    with pytest.raises(Exception, match="damaged"):
        card.verify()


def test_captions_of_another_form_are_refused(tmp_path: Path) -> None:
    (tmp_path / "captions.tsv").write_text("no tab\n")
    with pytest.raises(UsageError, match=r"captions\.tsv cannot be read"):
        training.read_captions(tmp_path / "captions.tsv")
