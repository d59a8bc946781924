r"""Paths of photos: the system's bytes, which need not be text in any encoding."""

import base64
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any


def show_path(path: bytes) -> str:
    r"""Write a path for people: invalid UTF-8 and control characters become visible escapes.

    >>> show_path(b"holiday/beach.jpg")
    'holiday/beach.jpg'
    >>> show_path(b"two\nlines-\xff.jpg")
    'two\\nlines-\\xff.jpg'
    """
    text = path.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def show_path_from_home(path: bytes) -> str:
    """A path for people, with `~` for their home folder.

    >>> show_path_from_home(os.fsencode(os.path.expanduser("~")) + b"/Photos"), show_path_from_home(b"/mnt/card")
    ('~/Photos', '/mnt/card')
    """
    home = os.fsencode(os.path.expanduser("~"))
    if len(home) > 1 and is_below(path, home):
        return show_path(b"~" + path[len(home) :])
    return show_path(path)


def distinct_tails(paths: Collection[bytes]) -> dict[bytes, bytes]:
    """Of each path whose name others have, too, its shortest end that no other path has, of whole names.

    >>> distinct_tails([b"/2021/May/a.jpg", b"/2022/May/a.jpg", b"/b.jpg"])
    {b'/2021/May/a.jpg': b'2021/May/a.jpg', b'/2022/May/a.jpg': b'2022/May/a.jpg'}
    """
    names = Counter(map(os.path.basename, paths))
    shared = [path for path in paths if names[os.path.basename(path)] > 1]
    owners = Counter(tail for path in shared for tail in _tails(path))
    return {path: next((tail for tail in _tails(path) if owners[tail] == 1), path) for path in shared}


def _tails(path: bytes) -> Iterator[bytes]:
    parts = path.split(b"/")
    return (b"/".join(parts[start:]) for start in reversed(range(len(parts))))


def prefix_below(folder: bytes) -> bytes:
    """What every path below a folder begins with."""
    return os.path.join(folder, b"")


def is_below(path: bytes, folder: bytes) -> bool:
    """Whether a path is a folder's own, or leads below it; both absolute.

    >>> is_below(b"/photos/a.jpg", b"/photos"), is_below(b"/photos", b"/photos"), is_below(b"/photos-2", b"/photos")
    (True, True, False)
    """
    return path == folder or path.startswith(prefix_below(folder))


def exact_path_fields(path: bytes, name: str = "path") -> dict[str, str]:
    r"""A path in a JSON object for programs only: as text under `name` if it is UTF-8, else in base 64 under `name` and `_b64`.

    >>> exact_path_fields(b"b.jpg", "keep"), exact_path_fields(b"a\xff.jpg")
    ({'keep': 'b.jpg'}, {'path_b64': 'Yf8uanBn'})
    """
    try:
        return {name: path.decode()}
    except UnicodeDecodeError:
        return {f"{name}_b64": base64.b64encode(path).decode()}


def path_fields(path: bytes, name: str = "path") -> dict[str, str]:
    r"""A path in a JSON object that people read, too: as text in any case, with U+FFFD for what is not UTF-8.

    >>> path_fields(b"a\xff.jpg", "query")
    {'query': 'a\ufffd.jpg', 'query_b64': 'Yf8uanBn'}
    """
    return {name: path.decode("utf-8", "replace"), **exact_path_fields(path, name)}


def path_from_fields(record: Mapping[str, Any], name: str = "path") -> bytes | None:
    r"""The path that `exact_path_fields` or `path_fields` put into an object; None if there is none.

    Raises
    ------
    ValueError
        If the base 64 is damaged.

    >>> path_from_fields({"path": "a\ufffd.jpg", "path_b64": "Yf8uanBn"}), path_from_fields({}, "keep")
    (b'a\xff.jpg', None)
    """
    if f"{name}_b64" in record:
        return base64.b64decode(record[f"{name}_b64"])
    return str(record[name]).encode() if name in record else None
