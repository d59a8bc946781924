"""OpenCV, imported when it is first needed, and kept to one thread: pairs and photos are what is spread over processors."""

from functools import cache
from typing import Any


@cache
def opencv() -> Any:
    """The module `cv2`."""
    import cv2

    cv2.setNumThreads(1)
    return cv2
