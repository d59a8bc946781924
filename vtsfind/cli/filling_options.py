"""The options of `vtsfind eval` that say how the missing results of a table are computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from vtsfind.cli.options import require_choice
from vtsfind.cli.train_options import FEATURES, MODES, SELECTIONS, parse_override

_FILLING = "Computing missing results"


@dataclass(frozen=True, kw_only=True)
class FillingOptions:
    """Which results of a table are computed, and how."""

    run_missing: Annotated[
        bool,
        typer.Option(
            "--run",
            help="First compute the results that --table lacks, on features of a frozen backbone.",
            rich_help_panel=_FILLING,
        ),
    ] = False
    train_missing: Annotated[
        bool,
        typer.Option(
            "--train",
            help="First compute the results that --table or --figure lacks, by training whole networks.",
            rich_help_panel=_FILLING,
        ),
    ] = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            "-n",
            help="Print the plan of --train and the estimated time; train nothing.",
            rich_help_panel=_FILLING,
        ),
    ] = False
    only: Annotated[
        str,
        typer.Option(
            metavar="PATTERNS",
            help="With --train, only results whose name matches, such as 'vts16.*.csq.*'; several separated by commas.",
            rich_help_panel=_FILLING,
        ),
    ] = ""
    seeds: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Compute each result with N seeds, counted from --seed; the table prints mean and deviation.",
            rich_help_panel=_FILLING,
        ),
    ] = 1
    backbone: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="For --run a frozen backbone: a model, or BACKBONE@SIZE=FILE; +N also reads its last N stages. For --train "
            "backbones, separated by commas; by default those of the table.",
            rich_help_panel=_FILLING,
        ),
    ] = ""
    features: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Features of the backbone that the hash head reads: all, cls, lite or dual, separated by commas; by default "
            "those of the table.",
            rich_help_panel=_FILLING,
        ),
    ] = ""
    starts: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of start weights; by default the data folder.",
            rich_help_panel=_FILLING,
        ),
    ] = None
    mode: Annotated[
        str,
        typer.Option(metavar="NAME", help="fixed or paper; see `vtsfind train`.", rich_help_panel=_FILLING),
    ] = "fixed"
    views: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="With --run, train on N views of each picture.",
            rich_help_panel=_FILLING,
        ),
    ] = 4
    epochs: Annotated[
        int, typer.Option(metavar="N", help="With --train, number of epochs.", rich_help_panel=_FILLING)
    ] = 150
    batch: Annotated[
        int, typer.Option(metavar="N", help="With --train, pictures per batch.", rich_help_panel=_FILLING)
    ] = 32
    start: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="With --train, start weights of the backbone; see `vtsfind train`.",
            rich_help_panel=_FILLING,
        ),
    ] = None
    select: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="With --train, state to keep; see `vtsfind train`.",
            rich_help_panel=_FILLING,
        ),
    ] = None
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="With --train, change a value of every recipe. May be repeated.",
            rich_help_panel=_FILLING,
        ),
    ] = None
    runs: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", help="With --train, folder of the run folders.", rich_help_panel=_FILLING
        ),
    ] = Path("runs")

    @property
    def wanted(self) -> bool:
        """Whether results are to be computed."""
        return self.run_missing or self.train_missing

    def feature_kinds(self) -> tuple[Any, ...]:
        """What `--features` names.

        Raises
        ------
        UsageError
            For a word that is not known.
        """
        return tuple(require_choice(name, FEATURES, "--features") for name in split_list(self.features))

    def training(self) -> dict[str, Any]:
        """How networks are trained, as fields of `vtsfind.learn.paper.plan.PlanOptions`.

        Raises
        ------
        UsageError
            For a word that is not known.
        """
        changes: Mapping[str, Any] = dict(parse_override(change) for change in self.changes or [])
        return {
            "mode": require_choice(self.mode, MODES, "--mode"),
            "epochs": self.epochs,
            "batch": self.batch,
            "start": "" if self.start == "none" else self.start,
            "select": require_choice(self.select, SELECTIONS, "--select"),
            "changes": changes,
        }


def split_list(text: str) -> tuple[str, ...]:
    """The words of a list that is separated by commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
