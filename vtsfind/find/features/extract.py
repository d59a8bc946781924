"""Extract from one read of a photo all that verification and the keep policy need; done by a worker process.

The result is bytes, see `vtsfind.find.features.packed`.
"""

from dataclasses import dataclass

from vtsfind.find.features.features import features, features_without_local
from vtsfind.find.features.packed import pack
from vtsfind.media.quality import examine
from vtsfind.media.work import Content, ProcessedContent, Setup

MIN_SIDE_PX = 384
"""Pixels of the shorter side that are decoded: more than the features are computed on, whatever the picture's shape."""


@dataclass(frozen=True, slots=True)
class ExtractFeatures:
    """Extract the features and quality details of a photo; see `vtsfind.media.work.ContentProcessor`."""

    full: bool = False
    """Whether to decode at full size, for the digest of the pixels and for signs of an enlarged picture."""
    local: bool = True
    """Whether to extract its local features at once."""

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """Do it."""
        examined = examine(content, setup, shortest=MIN_SIDE_PX, full=self.full)
        found = features(examined.pixels) if self.local else features_without_local(examined.pixels)
        return ProcessedContent(examined.info, pack(examined.details, found))
