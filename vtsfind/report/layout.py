"""Words and columns."""

from collections.abc import Iterable, Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "photo"), counted(2659, "photo")
    ('1 photo', '2,659 photos')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def table(rows: Sequence[Sequence[str]], *, right: Iterable[int] = ()) -> list[str]:
    """Lay rows out in columns, two blanks apart.

    >>> table([["ab", "1", "x"], ["c", "20", "y"]], right=[1])
    ['ab   1  x', 'c   20  y']
    """
    aligned_right = set(right)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i in aligned_right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
