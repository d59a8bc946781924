"""Extract from one read of a photo all that verification and the keep policy need; done by a worker process.

The result is bytes, see `vtsfind.find.features.packed`.
"""

from dataclasses import dataclass

from vtsfind.find.features.features import features_without_local
from vtsfind.find.features.packed import pack
from vtsfind.media.quality import examine
from vtsfind.media.work import Content, ProcessedContent, Setup

MIN_SIDE_PX = 384
"""Pixels of the shorter side that are decoded: more than the features are computed on, whatever the picture's shape."""


@dataclass(frozen=True, slots=True)
class ExtractFeatures:
    """Extract the features and quality details of a photo; see `vtsfind.media.work.ContentProcessor`.

    Not its local features, which few photos need: they come from the features when they are first asked for.
    """

    full: bool = False
    """Whether to decode at full size, for the digest of the pixels and for signs of an enlarged picture."""

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """Do it."""
        examined = examine(content, setup, shortest=MIN_SIDE_PX, full=self.full)
        return ProcessedContent(
            examined.info, pack(examined.details, features_without_local(examined.pixels))
        )
