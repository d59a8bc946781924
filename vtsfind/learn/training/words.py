"""Fitting a head for words to the second backbone of a finished model, and a table of words to that head.

The table is distilled: each word begins with what a sentence encoder gives for it alone, shorter if captions often have it
(Arora, Liang, Ma, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", ICLR 2017, equation 3), and is then moved, by
ridge regression over many captions, so that the sum of its words points where the encoder puts the whole caption. The head is
fitted by ridge regression, too: from the features of a photo to the mean direction of its captions, and from the weights of
each class of the backbone's own classifier to the direction of the names of that class. Both are turned at random into as
many dimensions as there are bits, whose signs keep angles (Charikar, STOC 2002).

Axis letters: n texts, v words, e dimensions of the sentence encoder, p photos, c classes, d features, m dimensions of the table,
k bits.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Monitor, Phase, Progress
from vtsfind.learn.data.formats import Pictures
from vtsfind.learn.data.formats.pictures import FileReader
from vtsfind.learn.models.encoder import load_network
from vtsfind.learn.models.register import write_model
from vtsfind.learn.models.registry import find_card
from vtsfind.learn.models.text import words_of
from vtsfind.learn.recipes import Recipe, WordsFit
from vtsfind.learn.training.runs import RunFolder, RunOptions
from vtsfind.learn.training.second import cached, cached_features
from vtsfind.learn.training.sentences import SentenceEncoder

WORDS_HEAD = "words"
_SHORTEST_PX = 224
"""Of the short side of photos as they are opened."""
_PROMPT = "a photo of {}"
"""What the sentence encoder is given for a word."""
_COMMON = 1e-2
"""Share of the words of captions at which a word has half the length of one that no caption has."""
_STEPS = 40
"""Of conjugate gradients; more change nothing."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes that a network tells apart."""

    weights: Tensor
    """(c, d), unit vectors."""
    names: list[str]
    """All names of each, in one text."""


@dataclass(frozen=True, slots=True)
class WordTable:
    """Words and their vectors."""

    words: list[str]
    vectors: Tensor
    """(v, e)."""

    def sums(self, texts: Sequence[str]) -> Tensor:
        """The sums of the vectors of the words of each text, as unit vectors, (n, e)."""
        return nn.functional.normalize(word_counts(texts, self.words) @ self.vectors)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A table of words, and what brings photos and the sums of words into one space."""

    table: WordTable
    """With vectors (v, m)."""
    middle: Tensor
    """(m,): the mean of the sums of captions."""
    basis: Tensor
    """(m, m): makes the likeness of captions spread more evenly over the dimensions."""
    weights: Tensor
    """(d, m): from features of photos."""


def fit_words(
    recipe: Recipe, run: RunOptions, folder: RunFolder, progress: Progress, cancel: CancelToken
) -> None:
    """Give a finished model a head for words and its table, and write the model.

    What takes long is kept in the run folder, so that a stopped run continues.

    Raises
    ------
    UsageError
        When starts, texts or pictures are missing or do not fit.
    StorageError
        When the run folder cannot be written.
    Cancelled
        When it is cancelled.
    """
    fit = recipe.words
    assert fit is not None
    card = find_card(Path(recipe.start).stem)
    network = load_network(recipe.network, card.load(), strict=False)
    photos = [read_captions(run.data / source.captions) for source in fit.photos]
    folder.claim({"model": recipe.name, "seed": recipe.seed, "pictures": [len(each) for each in photos]})
    features = [
        cached_features(
            network,
            _pictures(run.data / source.pictures, list(captions)),
            run.folder / f"features-{number}.npy",
            progress,
            cancel,
        )
        for number, (source, captions) in enumerate(zip(fit.photos, photos, strict=True))
    ]
    captions = [texts for each in photos for texts in each.values()]
    texts = [*chain.from_iterable(captions), *sentences_of(fit, run.data)]
    classes = class_names(run.starts / fit.classifier)
    alone, whole = teach(fit, texts, classes.names, run, Monitor(progress=progress, cancel=cancel))
    table = fit_table(alone, texts, whole, fit.word_ridge)
    head = network.heads[WORDS_HEAD]
    seen = torch.from_numpy(np.concatenate(features))
    mapped = fit_map(seen, captions, classes, table, fit)
    turn = random_frame(
        fit.dims, next(h.bits for h in recipe.network.heads if h.name == WORDS_HEAD), recipe.seed
    )
    set_head(head, mapped.weights @ turn, seen)
    with folder.written():
        write_model(
            network,
            card.preprocessing,
            run.folder,
            name=recipe.name,
            licence=recipe.licence,
            note=recipe.note,
            shared=list(card.files),
            is_own=lambda name: name.startswith(f"heads.{WORDS_HEAD}."),
            words=table_file(mapped, turn),
        )
    folder.save_result({"steps": 0, "views_per_s": 0.0, "waiting_share": 0.0, "notes": []})


def read_captions(file: Path) -> dict[str, list[str]]:
    """The captions of each photo, by its name, of a file with a name and a caption on each line, apart by a tab.

    Raises
    ------
    UsageError
        When the file is missing, or a line is of another form.
    """
    captions: dict[str, list[str]] = {}
    try:
        for line in file.read_text().splitlines():
            name, caption = line.split("\t")
            captions.setdefault(name, []).append(caption)
    except (OSError, ValueError) as error:
        raise UsageError(f"The captions {file} cannot be read: {error}.", "Correct the file.") from error
    return captions


def _pictures(folder: Path, names: list[str]) -> Pictures:
    labels = np.zeros((len(names), 0), np.float32)
    return Pictures((), labels, (FileReader(folder, tuple(names), _SHORTEST_PX),), (0, len(names)))


def sentences_of(fit: WordsFit, data: Path) -> list[str]:
    """The captions for the table alone."""
    return (data / fit.sentences).read_text().splitlines() if fit.sentences else []


def class_names(file: Path) -> Classes:
    """The classes of ImageNet in the file of a trained network."""
    from timm.data.imagenet_info import ImageNetInfo

    weights = torch.load(file, map_location="cpu", weights_only=True)["_fc.weight"].float()
    info = ImageNetInfo("imagenet-1k")
    names = [info.index_to_description(number).replace(",", " ") for number in range(len(weights))]
    return Classes(nn.functional.normalize(weights - weights.mean(0)), names)


def teach(
    fit: WordsFit, texts: Sequence[str], names: Sequence[str], run: RunOptions, monitor: Monitor
) -> tuple[WordTable, Tensor]:
    """Ask the sentence encoder for all words, alone, and for all texts.

    The words are those of the texts and names, and the encoder's own. What it gives is kept in the run folder.

    Returns
    -------
    The words with a vector each, and the vectors of the texts, (n, e).
    """
    encoder = SentenceEncoder(run.starts / fit.teacher)
    own = [word for word in encoder.words if word.isascii() and word.isalpha()]
    found = [word for text in (*texts, *names) for word in words_of(text)]
    words = [word for word in dict.fromkeys([*own, *found]) if len(word) > 1]
    monitor.progress.start(Phase.TRAIN, len(texts) + len(words))
    prompts = [_PROMPT.format(word) for word in words]
    alone = cached(run.folder / "words.npy", lambda: encoder.encode(prompts, monitor))
    whole = cached(run.folder / "sentences.npy", lambda: encoder.encode(texts, monitor))
    return WordTable(words, torch.from_numpy(alone)), torch.from_numpy(whole)


def fit_table(alone: WordTable, texts: Sequence[str], whole: Tensor, ridge: float) -> WordTable:
    """Distil a table of words from what a sentence encoder gives for words and texts, as `teach` has it."""
    common = Counter(word for text in texts for word in words_of(text))
    shares = torch.tensor([common[word] for word in alone.words]) / common.total()
    start = (alone.vectors - alone.vectors.mean(0)) * (_COMMON / (_COMMON + shares))[:, None]
    moved = distil(start, word_counts(texts, alone.words), whole - whole.mean(0), ridge)
    return WordTable(alone.words, moved)


def word_counts(texts: Sequence[str], vocabulary: Sequence[str]) -> Tensor:
    """How often each text has each word of a vocabulary, (n, v) sparse."""
    places = {word: place for place, word in enumerate(vocabulary)}
    found = [(row, places[w]) for row, text in enumerate(texts) for w in words_of(text) if w in places]
    at = torch.tensor(found, dtype=torch.int64).reshape(-1, 2).T
    shape = (len(texts), len(vocabulary))
    return torch.sparse_coo_tensor(at, torch.ones(at.shape[1]), shape, check_invariants=True).coalesce()


def distil(start: Tensor, counts: Tensor, sentences: Tensor, ridge: float) -> Tensor:
    """Move vectors of words so that their sums over texts have the directions of sentence vectors.

    Minimises ||C (S + D) - Y||^2 + ridge ||D||^2 by conjugate gradients, with the rows of C scaled so that those of C S
    have unit length.

    Parameters
    ----------
    start
        S, (v, e).
    counts
        C before it is scaled, (n, v) sparse.
    sentences
        Y, (n, e).
    ridge
        Keeps words near their start, above all rare ones.

    Returns
    -------
    S + D, (v, e).
    """
    scale = 1 / (counts @ start).norm(dim=1, keepdim=True).clamp(min=_TINY)
    back = counts.t().coalesce()
    moved = torch.zeros_like(start)
    residual = back @ (scale * (sentences - scale * (counts @ start)))
    direction, size = residual.clone(), residual.square().sum(0)
    for _ in range(_STEPS):
        product = back @ (scale.square() * (counts @ direction)) + ridge * direction
        step = size / (direction * product).sum(0).clamp(min=_TINY)
        moved += step * direction
        residual -= step * product
        before, size = size, residual.square().sum(0)
        direction = residual + direction * (size / before.clamp(min=_TINY))
    return start + moved


def fit_map(
    features: Tensor, captions: Sequence[Sequence[str]], classes: Classes, table: WordTable, fit: WordsFit
) -> Mapped:
    """Fit a linear map from the features of photos to the space of words.

    Parameters
    ----------
    features
        Of photos, (p, d), unit vectors.
    captions
        Of each photo.
    classes
        Of the backbone that gives the features.
    table
        As `fit_table` gives it.
    fit
        Dimensions, weights and the strength of the ridge.
    """
    texts = list(chain.from_iterable(captions))
    table = WordTable(table.words, table.vectors @ _axes(table.sums(texts))[0][:, : fit.dims])
    sums, names = table.sums(texts), table.sums(classes.names)
    middle = sums.mean(0)
    directions, of_names = (nn.functional.normalize(each - each.mean(0)) for each in (sums, names))
    axes, lengths = _axes(directions)
    basis = axes * (lengths[0] / lengths) ** fit.whitening
    counts = torch.tensor([len(each) for each in captions])
    owners = torch.repeat_interleave(counts)
    means = torch.zeros(len(captions), fit.dims).index_add_(0, owners, directions) / counts[:, None]
    x, y = features - features.mean(0), (means - means.mean(0)) @ basis
    z, w = classes.weights * fit.class_length, of_names @ basis
    square = x.T @ x + fit.class_weight * z.T @ z + fit.picture_ridge * torch.eye(x.shape[1])
    weights = torch.linalg.solve(square, x.T @ y + fit.class_weight * z.T @ w)
    return Mapped(table, middle, basis, weights)


def _axes(values: Tensor) -> tuple[Tensor, Tensor]:
    """The principal axes of values (n, e), as columns (e, e), the longest first, and their lengths, (e,)."""
    _, lengths, axes = torch.linalg.svd(values - values.mean(0), full_matrices=False)
    return axes.T, lengths


def random_frame(dims: int, bits: int, seed: int) -> Tensor:
    """A turn of `dims` dimensions into `bits` that keeps angles, (dims, bits): rows of a random rotation."""
    drawn = torch.randn(bits, bits, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    turn: Tensor = torch.linalg.qr(drawn)[0][:dims].float()
    return turn


def set_head(head: nn.Module, weights: Tensor, features: Tensor) -> None:
    """Make a head of a linear layer and its centring from a map (d, k), so that its bits are balanced on features (p, d)."""
    linear, centring = (layer for layer in head.modules() if isinstance(layer, (nn.Linear, nn.BatchNorm1d)))
    assert isinstance(linear, nn.Linear)
    assert isinstance(centring, nn.BatchNorm1d)
    outputs = features @ weights
    scale = 1 / (outputs - outputs.mean(0)).square().mean().sqrt()
    with torch.no_grad():
        linear.weight.copy_(scale * weights.T)
        linear.bias.copy_(-scale * outputs.mean(0))
    centring.reset_running_stats()


def table_file(mapped: Mapped, turn: Tensor) -> bytes:
    """The file of a table of words, see `vtsfind.learn.models.text`, whose directions are turned into bits, (m, k)."""
    vectors, steps = mapped.table.vectors, np.iinfo(np.int8).max
    scales = (vectors.abs().amax(1) / steps).clamp(min=torch.finfo(torch.float16).tiny).half()
    return save(
        {
            "words": np.frombuffer("".join(f"{word}\n" for word in mapped.table.words).encode(), np.uint8),
            "vectors": (vectors / scales.float()[:, None])
            .round()
            .clamp(-steps, steps)
            .to(torch.int8)
            .numpy(),
            "scales": scales.numpy(),
            "middle": mapped.middle.half().numpy(),
            "projection": (mapped.basis @ turn).half().numpy(),
        }
    )
