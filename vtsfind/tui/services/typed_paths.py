"""Paths as people type, paste or drop them, and their completion."""

import os
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


def parse_dropped_path(text: str) -> bytes:
    r"""The path in typed, pasted or dropped text: terminals quote it, escape its blanks, or write a URL.

    >>> parse_dropped_path("'/a b/c.jpg' "), parse_dropped_path("/a\\ b/c.jpg"), parse_dropped_path("file:///a%20b/c.jpg"), parse_dropped_path("~/x")[:1]
    (b'/a b/c.jpg', b'/a b/c.jpg', b'/a b/c.jpg', b'/')
    """
    text = text.strip()
    if text.startswith("file://"):
        return os.fsencode(unquote(urlsplit(text).path))
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    elif "\\" in text and not os.path.exists(text):
        text = text.replace("\\ ", " ").replace("\\(", "(").replace("\\)", ")").replace("\\'", "'")
    return os.fsencode(os.path.expanduser(text))


@dataclass(frozen=True, slots=True)
class Completion:
    """What a typed path can be completed to."""

    text: str
    """The typed text, with as much added as all candidates have in common."""
    candidates: tuple[str, ...]
    """The names that the last part can be completed to, sorted; folders end with a slash."""


def complete_path(text: str, *, folders_only: bool = False) -> Completion:
    """Complete the last part of a typed path from the file system, as a shell does.

    Names that begin with a dot are candidates only if the typed part does. Upper and lower case may be typed either
    way. A folder that cannot be read has no candidates.
    """
    head, typed = os.path.split(text)
    folder = os.path.expanduser(head or ("" if text.startswith("~") else os.curdir))
    if text == "~":
        return Completion("~/", ("~/",))
    names = _names(folder, typed, folders_only=folders_only)
    if not names:
        return Completion(text, ())
    completed = names[0] if len(names) == 1 else _common_prefix(names)
    return Completion(os.path.join(head, completed if len(completed) > len(typed) else typed), tuple(names))


def _names(folder: str, typed: str, *, folders_only: bool) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            found = [
                entry.name + ("/" if entry.is_dir() else "")
                for entry in entries
                if entry.name.lower().startswith(typed.lower())
                and entry.name.startswith(".") <= typed.startswith(".")
            ]
    except OSError:
        return []
    exact = [name for name in found if name.startswith(typed)]
    return sorted(name for name in exact or found if name.endswith("/") or not folders_only)


def _common_prefix(names: list[str]) -> str:
    first, last = min(names), max(names)
    length = next(
        (i for i, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first)
    )
    return first[:length]
