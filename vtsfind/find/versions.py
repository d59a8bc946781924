"""Versions of what `evidence.db` caches, raised by hand: what another version found out is found out again.

Raise a version when the code that it covers may give other results for the same photos. `tests/test_cache_versions.py`
fails when that code changes, and says what to do.
"""

from typing import Final

from vtsfind.find.threads import opencv_version

FEATURES_VERSION: Final = 9
"""Of the details and features of one photo: `vtsfind.find.features`, `vtsfind.media.quality`, `vtsfind.media.contents`."""
VERDICTS_VERSION: Final = 17
"""Of the verdict on two photos: `vtsfind.find.verification`."""
CANDIDATES_VERSION: Final = 3
"""Of the candidate pairs by local features: `vtsfind.find.candidates.local_features`."""

SEARCH_VERSION: Final = 5
"""Of which pairs are compared, and so of the copies of a whole library: the stages of `vtsfind.engine.duplicates` up to verification."""


def features_version() -> str:
    """Version of cached features. Another OpenCV may find other local features, so its version is part of it."""
    return f"features {FEATURES_VERSION}, OpenCV {opencv_version()}"


def verdicts_version() -> str:
    """Version of cached verdicts, which rest on features."""
    return f"verdicts {VERDICTS_VERSION}, {features_version()}"


def candidates_version() -> str:
    """Version of cached candidate pairs, which rest on features."""
    return f"candidates {CANDIDATES_VERSION}, {features_version()}"


def search_version() -> str:
    """Version of the cached result of a search, which rests on all others."""
    return f"search {SEARCH_VERSION}, {candidates_version()}, {verdicts_version()}"
