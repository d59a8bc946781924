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
            help="Protocol, such as cifar10@54000; see docs/protocols.md. With --run or --train also several, separated by commas.",
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
            help="Model to evaluate, or the run folder of one; by default the default model.",
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
    top: Annotated[
        int | None,
        typer.Option(
            metavar="K", min=1, help="Number of first pictures that count for mAP; by default the protocol's."
        ),
    ] = None
    ties: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="expected: mAP is the mean over all orders of pictures at equal distance; numpy: also print the mAP of the "
            "published code, which takes the order of NumPy's argsort.",
        ),
    ] = "expected"
    keep_queries: Annotated[
        bool,
        typer.Option(
            "--keep-queries", help="Keep queries in the database if published lists have them there."
        ),
    ] = False
    device: Device = None
    precision: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Precision of the model: float32, bfloat16, float16, or auto, the fastest in the hardware.",
        ),
    ] = "auto"
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
        return self.table is not None or self.figure is not None
