"""How well words find photos: captions that find their photo, and single words, on photos that were held out.

    python -m benchmarks.words --data DATA --starts STARTS --run RUN [--recipe RECIPE] [--choose] [--set KEY=VALUE ...] [--write]

DATA and STARTS are those of the recipe; RUN keeps what the sentence encoder and the backbone give, and may be the run folder of the
training. The head and the table are fitted anew without the photos that are held out and without their captions; the figures
are those of stored bits, asked by the table in 8 bits as `vtsfind query` asks.

*Found* is the share of captions whose photo is among the first ten of 200 (chance: 5 %): of the 200 photos of `captioned` whose names
have the lowest SHA-256, which were used for no choice. With --choose it is the mean over three draws of 200 others, for choices.
*Words* are average precisions of single words: a photo is right if two of its five captions have the word. Each third of
`captioned` is held out once; all words but those that only join others are listed that are right for at least four photos of each third, with the mean of the
three. Chance is the share of photos that are right.

With --write the figures go to docs/results/words.json.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from benchmarks.machine import write_result
from benchmarks.model import average_precision
from vtsfind.base import bits
from vtsfind.base.progress import Monitor
from vtsfind.find.hamming.views import asymmetric_distances
from vtsfind.learn.models.registry import PartFile, find_card
from vtsfind.learn.models.text import TextEncoder, words_of
from vtsfind.learn.recipes import Recipe, parse_recipe
from vtsfind.learn.training import words as training
from vtsfind.learn.training.runs import RunOptions

RECIPE = Path(__file__).parents[1] / "weights/recipes/vits14d8-lite2.copy-scene-words.photos5.256.toml"
HELD_OUT = 200
FIRST = 10
DRAWS = 3
MIN_PHOTOS = 4
MIN_CAPTIONS = 2
JOINING = {
    *(
        "and",
        "are",
        "down",
        "from",
        "front",
        "her",
        "his",
        "into",
        "its",
        "off",
        "out",
        "over",
        "that",
        "the",
        "their",
    ),
    *("through", "while", "with"),
}

Rows = npt.NDArray[np.int64]


class Measured:
    """The photos and captions of a recipe, and what teachers give for them."""

    def __init__(self, recipe: Recipe, run: RunOptions) -> None:
        assert recipe.words
        self.recipe, self.fit, self.run = recipe, recipe.words, run
        photos = [training.read_captions(run.data / source.captions) for source in self.fit.photos]
        self.own = len(photos[0])
        """Photos of `captioned`, which come first."""
        self.names = list(photos[0])
        self.captions = [texts for each in photos for texts in each.values()]
        self.more = training.sentences_of(self.fit, run.data)
        self.features = torch.from_numpy(
            np.concatenate([np.load(run.folder / f"features-{n}.npy") for n in range(len(photos))])
        ).float()
        self.classes = training.class_names(run.starts / self.fit.classifier)
        texts = [*(text for each in self.captions for text in each), *self.more]
        monitor = Monitor()
        self.alone, self.whole = training.teach(self.fit, texts, self.classes.names, run, monitor)

    def without(self, held: Rows) -> "Asked":
        """A head and a table that were fitted without some photos and their captions."""
        known = np.setdiff1d(np.arange(len(self.captions)), held)
        owners = np.repeat(np.arange(len(self.captions)), [len(each) for each in self.captions])
        rows = np.flatnonzero(np.isin(owners, known))
        texts = [text for row in known for text in self.captions[row]]
        whole = torch.cat([self.whole[rows], self.whole[len(owners) :]])
        table = training.fit_table(self.alone, [*texts, *self.more], whole, self.fit.word_ridge)
        captions = [self.captions[row] for row in known]
        mapped = training.fit_map(self.features[known], captions, self.classes, table, self.fit)
        turn = training.random_frame(self.fit.dims, self.bits, self.recipe.seed)
        head = nn.Sequential(
            nn.Linear(self.features.shape[1], self.bits), nn.BatchNorm1d(self.bits, affine=False)
        )
        training.set_head(head.eval(), mapped.weights @ turn, self.features[known])
        with torch.inference_mode():
            outputs = head(self.features)
        return Asked(training.table_file(mapped, turn), outputs)

    @property
    def bits(self) -> int:
        """Of the head."""
        return next(head.bits for head in self.recipe.network.heads if head.name == training.WORDS_HEAD)


class Asked:
    """Photos as bits, to be asked by texts."""

    def __init__(self, table: bytes, outputs: Tensor) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "words").write_bytes(table)
            part = PartFile("words", hashlib.sha256(table).hexdigest())
            self.encoder = TextEncoder(replace(find_card(), words=part, folder=Path(folder)))
            self.encoder.encode("dog")
        self.codes = bits.pack(outputs.numpy())

    def distances(self, texts: Sequence[str], rows: Rows) -> npt.NDArray[np.float64]:
        """From texts to some photos, (n, p)."""
        directions = np.stack([self.encoder.encode(text)[0] for text in texts])
        return asymmetric_distances(bits.planes(self.codes[rows]), directions)


def found(measured: Measured, held: Rows, *, unused: Rows | None = None) -> float:
    """The share of the captions of held-out photos that find their photo among the first ten of these; others may be unused."""
    asked = measured.without(held if unused is None else np.concatenate([held, unused]))
    texts = [text for row in held for text in measured.captions[row]]
    owners = np.repeat(np.arange(len(held)), [len(measured.captions[row]) for row in held])
    apart = asked.distances(texts, held)
    nearer = apart < apart[np.arange(len(texts)), owners][:, None]
    return float((nearer.sum(1) < FIRST).mean())


def single_words(measured: Measured, rows: Rows) -> dict[str, dict[str, float]]:
    """Average precision of single words on thirds that are held out; see the module."""
    thirds = np.array_split(np.random.default_rng(0).permutation(rows), DRAWS)
    has = [
        {
            word
            for word in set(of_one[0]).union(*of_one)
            if sum(word in each for each in of_one) >= MIN_CAPTIONS
        }
        for of_one in (
            [set(words_of(text)) for text in measured.captions[row]] for row in range(measured.own)
        )
    ]
    every = {word for of_one in has for word in of_one if len(word) > 2 and word not in JOINING}
    words = sorted(
        word
        for word in every
        if all(sum(word in has[row] for row in third) >= MIN_PHOTOS for third in thirds)
    )
    scores: dict[str, list[float]] = {word: [] for word in words}
    for third in thirds:
        asked = measured.without(third)
        apart = asked.distances(words, third)
        for word, own in zip(words, apart, strict=True):
            right = np.array([word in has[row] for row in third])
            scores[word].append(average_precision(own[None], right[None]))
    shares = {word: sum(word in has[row] for row in rows) / len(rows) for word in words}
    means = {word: float(np.mean(each)) for word, each in scores.items()}
    order = sorted(words, key=lambda word: -means[word])
    return {word: {"average precision": means[word], "chance": shares[word]} for word in order}


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--starts", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument(
        "--choose", action="store_true", help="measure on photos for choices, and nothing else"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="another value of the recipe"
    )
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    changes = {key: json.loads(value) for key, _, value in (each.partition("=") for each in given.set)}
    recipe = parse_recipe(given.recipe.read_bytes(), str(given.recipe), changes)
    measured = Measured(recipe, RunOptions(given.run, given.data, given.starts))
    order = np.argsort([hashlib.sha256(name.encode()).hexdigest() for name in measured.names])
    last, others = order[:HELD_OUT], order[HELD_OUT:]
    if given.choose:
        draws = [np.random.default_rng(n).permutation(others)[:HELD_OUT] for n in range(DRAWS)]
        print(given.set, np.mean([found(measured, draw, unused=last) for draw in draws]))
        return
    figures: dict[str, Any] = {
        "model": recipe.name,
        "captions that find their photo among the first ten of 200": found(measured, last),
        "words": single_words(measured, np.arange(measured.own)),
    }
    if given.write:
        write_result("words", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
