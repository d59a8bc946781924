"""Text of a given width in a terminal."""

from rich.cells import cell_len, set_cell_size

Line = list[tuple[str, str]]
"""Parts of a line of text, each with the name of its style."""


def cut(text: str, width: int) -> str:
    """Text cut or padded to a width; the end of long text is cut.

    >>> cut("beach", 7), cut("a long name", 7)
    ('beach  ', 'a long\u2026')
    """
    if cell_len(text) <= width:
        return text + " " * (width - cell_len(text))
    return set_cell_size(text, max(0, width - 1)) + "\u2026" if width > 0 else ""


def cut_path(path: str, width: int) -> str:
    """A path cut at a slash to whole names of folders, as many from its end as fit; the last one may be cut.

    >>> cut_path("/home/me/photos/2021/Alps", 14), cut_path("/photos", 10), cut_path("/a/Summer holidays", 9)
    ('\u2026/2021/Alps   ', '/photos   ', '\u2026/Summer\u2026')
    """
    if cell_len(path) <= width:
        return cut(path, width)
    parts = path.split("/")
    while len(parts) > 1 and cell_len("/".join(parts)) > width - 2:
        parts.pop(0)
    shown = "\u2026/" + "/".join(parts)
    return cut(shown, width)


def centred(text: str, y: int, width: int, height: int) -> str:
    """Line `y` of an area with text in its middle, wrapped to its width.

    >>> [centred("no photos here", y, 9, 4) for y in range(4)]
    ['', 'no photos', '   here  ', '']
    """
    lines = wrapped(text, max(1, width), max(1, height))
    at = y - (height - len(lines)) // 2
    return lines[at].center(width) if 0 <= at < len(lines) else ""


def wrapped(text: str, width: int, lines: int) -> list[str]:
    """Text wrapped at blanks into lines of at most a width; the last line is cut.

    >>> wrapped("fewer pixels and older", 10, 2)
    ['fewer', 'pixels an\u2026']
    """
    result: list[str] = []
    words = text.split()
    while words and len(result) < lines:
        line = words.pop(0)
        while words and cell_len(f"{line} {words[0]}") <= width:
            line = f"{line} {words.pop(0)}"
        result.append(line)
    if words and result:
        result[-1] = cut(result[-1] + "\u2026", min(width, cell_len(result[-1]) + 1)).rstrip()
    return result
