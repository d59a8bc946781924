"""Edits of a photo, made in a worker process and prepared for a model: the true copies that calibration measures."""

from dataclasses import dataclass

import numpy as np

from vtsfind.base.records import Preprocessing
from vtsfind.media.decode import decode, needed_side, prepare
from vtsfind.media.edits import edited
from vtsfind.media.work import Content, ProcessedContent, Setup


@dataclass(frozen=True, slots=True)
class MakeEdits:
    """Make edits of a photo as model inputs, (edits, size, size, 3) uint8. The same seed makes the same edits.

    A `vtsfind.media.work.ContentProcessor`.
    """

    preprocessing: Preprocessing
    seed: int
    strengths: tuple[float, ...]
    """One edit for each, see `vtsfind.media.edits.edited`."""

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """See `vtsfind.media.work.ContentProcessor`."""
        pixels, info = decode(
            content,
            shortest=2 * needed_side(self.preprocessing),
            pixel_limit=setup.pixel_limit,
            memory_bytes=setup.memory_bytes,
        )
        rng = np.random.default_rng(self.seed)
        made = [
            prepare(edited(pixels, rng, strength=strength), self.preprocessing) for strength in self.strengths
        ]
        return ProcessedContent(info, np.stack(made).tobytes())
