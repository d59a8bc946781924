"""The hash heads by what they are for."""

from typing import Final

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head, Signature

COPY_HEAD: Final = "copy"
"""The head of copies: codes of the same picture are near. They propose duplicates."""
SCENE_HEAD: Final = "scene"
"""The head of scenes: codes of pictures that show similar things are near. They answer queries."""
LIKENESS: Final = "likeness"
"""Not a head: codes of scenes and of copies, compared together (`vtsfind.find.hamming.likeness`)."""
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


def ways_to_compare(signature: Signature) -> list[str]:
    """What photos can be compared by, the usual way first: both codes together, if there are both, and each head."""
    names = [head.name for head in signature.heads]
    if {SCENE_HEAD, COPY_HEAD} <= {*names}:
        return [LIKENESS, *names]
    return sorted(names, key=lambda name: name != SCENE_HEAD)


def way_to_compare(signature: Signature, asked: str | None) -> Head:
    """What photos are compared by: what is asked for, else the usual way; likeness has the bits of scenes.

    Raises
    ------
    UsageError
        If the model makes no such codes; names those that it makes.
    """
    ways = ways_to_compare(signature)
    wanted = asked or (ways[0] if SCENE_HEAD in ways or len(ways) == 1 else SCENE_HEAD)
    heads = {head.name: head for head in signature.heads}
    if wanted not in ways:
        choice = " or ".join(f"--by {name}" for name in ways)
        raise UsageError(
            f"The model '{signature.model}' of this library makes no codes '{wanted}'.", f"Use {choice}."
        )
    return Head(LIKENESS, heads[SCENE_HEAD].bits) if wanted == LIKENESS else heads[wanted]
