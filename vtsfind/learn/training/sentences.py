"""What a sentence encoder makes of texts: the teacher of the table of words.

A folder holds the encoder as the package sentence-transformers writes it, with the mean of its tokens as the vector of a text.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from vtsfind.base.errors import UsageError, package_missing
from vtsfind.base.progress import Monitor
from vtsfind.learn.models.encoder import precision

_BATCH = 64
_MAX_TOKENS = 64
"""Of a text; the rest is cut off."""


class SentenceEncoder:
    """A trained encoder of sentences.

    Parameters
    ----------
    folder
        With the files of the model and its tokens.

    Raises
    ------
    UsageError
        When the files are not there, or the package transformers is not.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise package_missing("Learning words", "transformers") from error
        if not (folder / "config.json").is_file():
            raise UsageError(f"There is no sentence encoder in {folder}.", "Put its files there.")
        self._tokens = AutoTokenizer.from_pretrained(folder)
        self._network = AutoModel.from_pretrained(folder).eval()
        self.words = tuple(sorted(self._tokens.vocab, key=self._tokens.vocab.__getitem__))
        """Its tokens, the most frequent first."""

    @torch.inference_mode()
    def encode(self, texts: Sequence[str], monitor: Monitor) -> npt.NDArray[np.float32]:
        """Unit vectors of texts, (n, e) float32."""
        order = np.argsort([len(text) for text in texts], kind="stable")
        vectors = np.empty((len(texts), self._network.config.hidden_size), np.float32)
        for first in range(0, len(texts), _BATCH):
            monitor.cancel.check()
            rows = order[first : first + _BATCH]
            batch = self._tokens(
                [texts[row] for row in rows],
                padding=True,
                truncation=True,
                max_length=_MAX_TOKENS,
                return_tensors="pt",
            )
            kind = precision(torch.device("cpu"))
            with torch.autocast("cpu", kind, enabled=kind != torch.float32):
                seen = self._network(**batch).last_hidden_state.float()
            mask = batch["attention_mask"][:, :, None]
            means = (seen * mask).sum(1) / mask.sum(1)
            vectors[rows] = torch.nn.functional.normalize(means).numpy()
            monitor.progress.advance(len(rows), "sentences")
        return vectors
