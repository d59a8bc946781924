"""What each radius finds in a library, and how many unrelated pairs lie within it, as a chart of blocks or NDJSON."""

from vtsfind.base.addresses import Place
from vtsfind.base.words import counted
from vtsfind.engine.library.curve import Curve
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter, library_fields
from vtsfind.report.streams import Notes, Output, Style

_RADIUS_STEP_BITS = 8
_BAR_WIDTH = 20
_EIGHTH_BLOCKS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589\u2588"


def write_curve(output: Output, curve: Curve, radius: int | None) -> None:
    """Draw the curve, a line every few bits, and mark the radius that was asked for."""
    rows = [["bits", "unrelated pairs", "bursts", "mild edits found", "", "hard edits found", ""]]
    radii = sorted({*range(0, len(curve.rate), _RADIUS_STEP_BITS), *([] if radius is None else [radius])})
    rows += [_row(output, curve, each) for each in radii]
    for number, line in enumerate(table(rows, right=[0, 1, 2, 4, 6])):
        if number == 0:
            output.line(output.paint(line, Style.DIM))
        elif radii[number - 1] == radius:
            output.line(output.paint(f"{line}  <- radius", Style.STRONG))
        else:
            output.line(line)


def _row(output: Output, curve: Curve, radius: int) -> list[str]:
    return [
        f"{radius}",
        f"{curve.rate[radius]:.1e} (<{curve.at_most[radius]:.0e})",
        f"{100 * curve.bursts[radius]:.1f} %" if curve.near_in_time else "-",
        bar(curve.mild[radius], unicode=output.is_unicode),
        f"{100 * curve.mild[radius]:.0f} %",
        bar(curve.hard[radius], unicode=output.is_unicode),
        f"{100 * curve.hard[radius]:.0f} %",
    ]


def bar(share: float, *, unicode: bool = True) -> str:
    """A bar of blocks, full at 1.

    >>> bar(0.5, unicode=False)
    '##########..........'
    >>> len(bar(0.123))
    20
    """
    if not unicode:
        filled = round(_BAR_WIDTH * share)
        return "#" * filled + "." * (_BAR_WIDTH - filled)
    whole, eighth = divmod(round(8 * _BAR_WIDTH * share), 8)
    return (_EIGHTH_BLOCKS[8] * whole + (_EIGHTH_BLOCKS[eighth] if eighth else "")).ljust(_BAR_WIDTH)


def summarize_curve(notes: Notes, curve: Curve) -> None:
    """Say what the curve rests on."""
    notes.say(
        f"Compared {curve.sample:,} of {counted(curve.photos, 'photo')} with all: {counted(curve.pairs, 'pair')},"
        f" {curve.near_in_time:,} of them taken within an hour. Verified {counted(curve.looked, 'close pair')}."
        f" Edited {counted(curve.edited, 'photo')} {2 * curve.edits} times each."
    )
    if curve.unseen:
        notes.warn(
            f"{counted(curve.unseen, 'close pair')} could not be read and counted as unrelated:"
            " the rates are lower if these are copies."
        )
    notes.say(
        f"Lowest rate that this sample can guarantee: {curve.at_most[0]:.1g} (95 % confidence)."
        " Rates are those of codes alone, before photos are compared."
    )


def write_records(output: Output, library: Place, curve: Curve, radius: int | None) -> None:
    """Write a record for each radius, and the footer."""
    lines = NdjsonWriter(
        output, schema.CALIBRATE, **library_fields(library), head=curve.head, bits=curve.bits
    )
    for each in range(len(curve.rate)):
        lines.write(
            "point",
            radius=each,
            rate=curve.rate[each],
            at_most=curve.at_most[each],
            bursts=curve.bursts[each],
            mild=curve.mild[each],
            mild_at_least=curve.mild_at_least[each],
            hard=curve.hard[each],
            hard_at_least=curve.hard_at_least[each],
        )
    names = ("photos", "sample", "pairs", "near_in_time", "looked", "unseen", "edited", "edits", "made")
    lines.footer(radius=radius, **{name: getattr(curve, name) for name in names})
