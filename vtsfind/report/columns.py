"""Words and columns."""

from collections.abc import Iterable, Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "photo"), counted(2659, "photo")
    ('1 photo', '2,659 photos')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def sized(size: int) -> str:
    """A number of bytes, in units of a thousand.

    >>> sized(0), sized(999), sized(1500), sized(12_345_678), sized(7_000_000_000)
    ('0 B', '999 B', '1.5 kB', '12 MB', '7.0 GB')
    """
    if size < 1000:
        return f"{size} B"
    power = 1
    while power < 4 and size >= 999.5 * 1000**power:
        power += 1
    number = size / 1000**power
    unit = ("kB", "MB", "GB", "TB")[power - 1]
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:,.0f} {unit}"


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
