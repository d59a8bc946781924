"""The hash heads by what they are for."""

from typing import Final

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head, Signature

COPY_HEAD: Final = "copy"
"""The head of copies: codes of the same picture are near. They propose duplicates."""
SCENE_HEAD: Final = "scene"
"""The head of scenes: codes of pictures that show similar things are near. They answer queries."""
WORDS_HEAD: Final = "words"
"""The head of words: outputs for a photo point where the words of its captions do."""


def copy_head(signature: Signature) -> Head:
    """The head of a model whose codes propose duplicates.

    Raises
    ------
    UsageError
        If the model has none.
    """
    for head in signature.heads:
        if head.name == COPY_HEAD:
            return head
    raise UsageError(
        f"The model '{signature.model}' of this library makes no codes '{COPY_HEAD}'.",
        "Make a library with the default model: vtsfind index FOLDER --library NAME",
    )
