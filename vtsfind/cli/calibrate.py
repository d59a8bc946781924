"""`vtsfind calibrate`: what each radius finds in this library, and its false-match rate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from vtsfind.cli.command import CommandRun, cancel_on_signal, running
from vtsfind.cli.options import CommonOptions, Device, Force


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions:
    """What is measured, and what is shown of it."""

    max_false_match: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Also print the largest radius within which at most this share of unrelated pairs lies, such as 1e-5.",
        ),
    ] = None
    max_false_merge: Annotated[float | None, typer.Option(metavar="RATE", hidden=True)] = None
    """The former name of `max_false_match`."""
    sample: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Compare N photos with all others; more photos allow lower rates to be measured.",
        ),
    ] = 2000
    edited: Annotated[int, typer.Option(metavar="N", help="Edit and encode N photos.")] = 200
    show: Annotated[bool, typer.Option("--show", help="Show the last calibration; measure nothing.")] = False
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also draw the curve into this PNG file (needs matplotlib)."),
    ] = None
    force: Force = False

    @property
    def rate(self) -> float | None:
        """The false-match rate that a radius is wanted for."""
        return self.max_false_merge if self.max_false_match is None else self.max_false_match


def calibrate(*, options: CalibrateOptions, device: Device = None, common: CommonOptions) -> None:
    """Measure what each radius finds in this library, and how many unrelated pairs it lets through.

        vtsfind calibrate
        vtsfind calibrate --show --max-false-match 1e-5 --plot curve.png

    The radius is the number of bits in which the codes of two photos may differ for the pair to be compared. How close
    unrelated photos come, and how far edits move a code, depends on the photos. Therefore both are measured: a sample
    is compared with all photos, close pairs are verified to tell copies from look-alikes, and photos are edited and
    encoded. Photos are only read. The result is kept in the library for `dupes --max-false-match`.

    Numbers in brackets are upper bounds with 95 % confidence. Bursts are photos taken within an hour of each other. Mild
    edits combine one or two changes, hard edits up to five strong ones. A rate lower than the sample can guarantee is
    refused.
    """
    with running(common, device=device) as run, cancel_on_signal(run):
        _calibrate(run, options)


def _calibrate(run: CommandRun, options: CalibrateOptions) -> None:
    from vtsfind.engine.calibration.measure import calibrate, last_curve
    from vtsfind.engine.library.outputs import CHART, require_output, write_output
    from vtsfind.report import calibration as report

    if options.plot:
        require_output(options.plot, CHART, run.settings, force=options.force)
    failures = []
    if options.show:
        folder, curve = last_curve(run.settings)
    else:
        with run.context() as context:
            result = calibrate(context, sample=options.sample, edited=options.edited)
        folder, curve, failures = result.library, result.curve, result.failures
    rate = options.rate
    radius = None if rate is None else curve.radius_for(rate)
    if options.plot:
        from vtsfind.report.plots import calibration_png

        content = calibration_png(curve, radius)
        write_output(options.plot, content, CHART, run.settings, force=options.force)
    if run.json:
        report.write_records(run.output, folder, curve, radius)
    else:
        report.write_curve(run.output, curve, radius)
    report.summarize_curve(run.notes, curve)
    for failure in failures:
        run.notes.detail(str(failure))
    if rate is not None:
        run.notes.say(f"Radius for a false-match rate of {rate:g}: {radius} of {curve.bits} bits.")
