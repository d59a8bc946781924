"""Text in columns."""

from collections.abc import Iterable, Sequence


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
