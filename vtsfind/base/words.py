"""Numbers and lists in sentences for people."""

from collections.abc import Iterable


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "photo"), counted(2659, "photo"), counted(2, "copy", "copies")
    ('1 photo', '2,659 photos', '2 copies')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


_FORMATS = {"WEBP": "WebP", "JPEG2000": "JPEG 2000"}
"""How formats are written that their decoders name otherwise."""


def format_label(name: str) -> str:
    """A picture format, by its decoder's name, as people write it; `another format` for none.

    >>> format_label("JPEG"), format_label("WEBP"), format_label("")
    ('JPEG', 'WebP', 'another format')
    """
    return _FORMATS.get(name, name) or "another format"


def file_size(size: int) -> str:
    """A number of bytes, in units of a thousand.

    >>> file_size(512), file_size(52_345), file_size(123_456_789_012)
    ('512 bytes', '52.3 kB', '123.5 GB')
    """
    from rich.filesize import decimal

    return decimal(size)


def listed(words: Iterable[str], conjunction: str = "and") -> str:
    """One or more words, as a sentence lists them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *others, last = words
    return f"{', '.join(others)} {conjunction} {last}" if others else last


def either(names: Iterable[str]) -> str:
    """One or more names to choose from.

    >>> either(["a"]), either(["a", "b"]), either(["a", "b", "c"])
    ('a', 'a or b', 'a, b or c')
    """
    return listed(names, "or")
