"""`vtsfind calibrate`: what a radius costs and finds in this library."""

from pathlib import Path
from typing import Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, cancel_on_signal, running


def calibrate(
    *,
    max_false_merge: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Also tell the largest radius within which at most that part of the pairs of different photos "
            "lies, such as 1e-5.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        int, typer.Option(metavar="N", help="Photos that are compared with all; more show lower rates.")
    ] = 2000,
    edited: Annotated[int, typer.Option(metavar="N", help="Photos that are edited and encoded.")] = 200,
    show: Annotated[
        bool, typer.Option("--show", help="Show the last calibration, and measure nothing.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also draw the curve into this PNG (needs matplotlib).", show_default=False
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Where the model runs: auto, cuda, mps or cpu.", show_default=False
        ),
    ] = None,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Measure what a radius costs and finds in this library.

    \b
    vtsfind calibrate
    vtsfind calibrate --show --max-false-merge 1e-5 --plot curve.png

    A radius says in how many bits the codes of two photos may differ for them to be proposed as copies. How near
    different photos come, and how far edits go, depends on the photos. So both are measured on this library: a sample is
    compared with all photos, near pairs are looked at to tell copies from look-alikes, and photos are edited and encoded.
    Photos are only read. The result is kept in the library's folder, for `dupes --max-false-merge`.

    The numbers in brackets are upper bounds with 95 % confidence; bursts are photos taken within an hour of each other. Mild
    edits are mostly one or two changes, hard ones up to five strong ones. A rate that the sample is too small to promise
    is refused.
    """
    with (
        running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug, device=device) as run,
        cancel_on_signal(run),
    ):
        _calibrate(run, max_false_merge, sample, edited, plot, show=show)


def _calibrate(
    run: CommandRun, rate: float | None, sample: int, edited: int, plot: Path | None, *, show: bool
) -> None:
    from vtsfind.engine.calibration.measure import calibrate, last_curve
    from vtsfind.report import calibration as report
    from vtsfind.report.ndjson import NdjsonWriter, library_fields
    from vtsfind.report.progress import progress_shown

    failures = []
    if show:
        folder, curve = last_curve(run.settings)
    else:
        with progress_shown(run.notes) as progress:
            result = calibrate(
                run.settings, sample=sample, edited=edited, progress=progress, cancel=run.cancel
            )
        folder, curve, failures = result.folder, result.curve, result.failures
    radius = None if rate is None else curve.radius_for(rate)
    if plot:
        report.plot_curve(plot, curve, radius)
    if run.json:
        facts = {"head": curve.head, "bits": curve.bits}
        report.write_records(
            NdjsonWriter(run.output, "calibrate", **library_fields(folder), **facts), curve, radius
        )
    else:
        report.write_curve(run.output, curve, radius)
    report.summarize_curve(run.notes, curve)
    for failure in failures:
        run.notes.detail(str(failure))
    if radius is not None:
        run.notes.say(f"Radius for a rate of {rate:g}: {radius} of {curve.bits} bits.")
