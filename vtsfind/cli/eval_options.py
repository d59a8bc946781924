"""The options of `vtsfind eval`: what is measured, and which of the paper's tables is shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from vtsfind.cli.completion import complete_heads, complete_models
from vtsfind.cli.options import OUTPUT, Csv, Device, Force

_TABLES = "Tables and figures of the paper"


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """What is measured on what, or which table or figure is shown and which results are computed for it."""

    dataset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Protocol, such as cifar10@54000; see docs/protocols.md. With --run also several, separated by commas.",
        ),
    ] = ""
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder of all data sets, or of this data set alone."),
    ] = None
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Model to evaluate; by default the default model.",
            autocompletion=complete_models,
        ),
    ] = None
    head: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Head of the model to evaluate; by default scene, or else the first.",
            autocompletion=complete_heads,
        ),
    ] = ""
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", help="Seed of the queries, for protocols that draw them; use the seed of training."
        ),
    ] = 1
    device: Device = None
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of results; for --table and --figure `results` in the data folder by default. If given without "
            "these, the result is saved there.",
        ),
    ] = None
    csv: Csv = False
    table: Annotated[
        int | None,
        typer.Option(
            metavar="1|2|3",
            help="Show this table of the paper beside our results.",
            rich_help_panel=_TABLES,
        ),
    ] = None
    figure: Annotated[
        int | None,
        typer.Option(
            metavar="2",
            help="Show the precision-recall curves of our results.",
            rich_help_panel=_TABLES,
        ),
    ] = None
    png: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also draw the curves of --figure into FILE.", rich_help_panel=OUTPUT
        ),
    ] = None
    force: Force = False
    run_missing: Annotated[
        bool,
        typer.Option(
            "--run",
            help="First compute the results that --table lacks, on features of a frozen backbone.",
            rich_help_panel=_TABLES,
        ),
    ] = False
    backbone: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Frozen backbone for --run: a model, or BACKBONE@SIZE=FILE; +N also reads its last N stages.",
            rich_help_panel=_TABLES,
        ),
    ] = ""
    starts: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder of start weights for --backbone.", rich_help_panel=_TABLES
        ),
    ] = None
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Only these methods, separated by commas; by default all of the table.",
            rich_help_panel=_TABLES,
        ),
    ] = ""
    bits: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="Only these code lengths, separated by commas.",
            rich_help_panel=_TABLES,
        ),
    ] = "16,32,64"
    against: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Backbone of the paper to compare with, for backbones that the paper does not have.",
            rich_help_panel=_TABLES,
        ),
    ] = "alexnet"

    @property
    def wants_table_or_figure(self) -> bool:
        """Whether results are shown, and not one model is measured."""
        return self.table is not None or self.figure is not None or self.run_missing
