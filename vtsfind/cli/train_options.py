"""The options of `vtsfind train`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vtsfind.cli.options import require_choice

if TYPE_CHECKING:
    from vtsfind.learn.training.presets import PresetOptions

_DATA = "Data and files"
_RECIPE = "What is trained"
MODES = ("fixed", "paper")
SELECTIONS = ("validation", "last", "test")
FEATURES = ("all", "cls", "lite", "dual")
AUGMENTATIONS = ("workers", "device")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What is trained on what, and where it goes."""

    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Recipe that says what to train, on what and for how long. Replaces --dataset, --method and --bits.",
            rich_help_panel=_RECIPE,
        ),
    ] = None
    dataset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Protocol to train on, such as cifar10@54000; see docs/protocols.md.",
            rich_help_panel=_RECIPE,
        ),
    ] = ""
    method: Annotated[
        str, typer.Option(metavar="NAME", help="Objective: csq, dpn, hashnet, ...", rich_help_panel=_RECIPE)
    ] = ""
    bits: Annotated[
        int | None, typer.Option(metavar="N", help="Length of the codes.", rich_help_panel=_RECIPE)
    ] = None
    backbone: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Backbone: vts16, vts32, vits14, resnet50, ..., or any timm model.",
            rich_help_panel=_RECIPE,
        ),
    ] = "vts16"
    mode: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="fixed, or paper: compute and train exactly as the published code does.",
            rich_help_panel=_RECIPE,
        ),
    ] = "fixed"
    epochs: Annotated[int, typer.Option(metavar="N", help="Number of epochs.", rich_help_panel=_RECIPE)] = 150
    batch: Annotated[int, typer.Option(metavar="N", help="Pictures per batch.", rich_help_panel=_RECIPE)] = 32
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Seed of everything random, the choice of queries included.",
            rich_help_panel=_RECIPE,
        ),
    ] = 1
    start: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Start weights of the backbone, below --starts; none for random weights. By default the published "
            "weights, which are downloaded.",
            rich_help_panel=_RECIPE,
        ),
    ] = None
    select: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="State to keep: validation (the best on held-out training pictures, the default), last (the default with "
            "--mode paper, which holds nothing out), or test (the best on the test queries, only to reproduce published "
            "results; the model is marked).",
            rich_help_panel=_RECIPE,
        ),
    ] = None
    features: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Features of the backbone that the hash head reads: all (tokens), cls, lite or dual; the default depends on "
            "the backbone.",
            rich_help_panel=_RECIPE,
        ),
    ] = None
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="Make views of pictures by worker processes (workers), or a whole batch at a time on the training device, "
            "which keeps all pictures in its memory (device). Replaces schedule.augment of the recipe.",
            rich_help_panel=_RECIPE,
        ),
    ] = None
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="End the training after N minutes. Replaces schedule.minutes of the recipe.",
            rich_help_panel=_RECIPE,
        ),
    ] = None
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a value of the recipe, such as schedule.steps=500. May be repeated.",
            rich_help_panel=_RECIPE,
        ),
    ] = None
    show_recipe: Annotated[
        bool,
        typer.Option("--show-recipe", help="Print the recipe; train nothing.", rich_help_panel=_RECIPE),
    ] = False
    data: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Folder of all data sets, or of this data set alone.",
            rich_help_panel=_DATA,
        ),
    ] = Path("data")
    starts: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of start weights and teachers; by default the data folder.",
            rich_help_panel=_DATA,
        ),
    ] = None
    run_folder: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="FOLDER",
            help="Folder for the state of the run and its model; by default runs/NAME.",
            rich_help_panel=_DATA,
        ),
    ] = None
    pack: Annotated[
        Path | None,
        typer.Option(
            "--pack",
            metavar="FOLDER",
            help="Write the pictures of --recipe, reduced, into archives below 60 MB in FOLDER, to carry them to another machine; "
            "train nothing.",
            rich_help_panel=_DATA,
        ),
    ] = None
    register: Annotated[
        bool,
        typer.Option(
            "--register",
            help="After training, add the model to your own models, for `index --model`.",
            rich_help_panel=_DATA,
        ),
    ] = False
    register_in: Annotated[
        Path | None,
        typer.Option(
            "--register-in",
            metavar="FOLDER",
            help="After training, add the model to the registry in FOLDER.",
            rich_help_panel=_DATA,
        ),
    ] = None
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Also write the metrics for TensorBoard, into the run folder.",
            rich_help_panel=_DATA,
        ),
    ] = False
    plot: Annotated[
        bool,
        typer.Option(
            "--plot",
            help="After training, print loss and validation mAP as curves and draw them into curves.png in the run folder. "
            "With --run alone, of an existing run.",
            rich_help_panel=_DATA,
        ),
    ] = False
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Device to train on: auto, cuda, mps or cpu.")
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Prepare pictures in N processes per training process, or 0 for none; by default one per free processor, "
            "at most 8.",
        ),
    ] = None

    @property
    def only_plots(self) -> bool:
        """Whether an existing run is drawn, and nothing is trained."""
        nothing_to_train = not (self.recipe or self.dataset or self.method or self.bits is not None)
        return self.plot and self.run_folder is not None and nothing_to_train

    def overrides(self) -> dict[str, Any]:
        """The values of the recipe that are changed, by their keys; --set goes last.

        Raises
        ------
        UsageError
            If one is not of its form.
        """
        where = require_choice(self.augment, AUGMENTATIONS, "--augment")
        given = {"schedule.augment": where, "schedule.minutes": self.minutes}
        changed = {key: value for key, value in given.items() if value is not None}
        return changed | dict(parse_override(change) for change in self.changes or [])

    def preset_options(self) -> "PresetOptions":
        """What a recipe is made of, if none is given.

        Raises
        ------
        UsageError
            If it is not clear what to train, or a word is not known.
        """
        from vtsfind.base.errors import UsageError
        from vtsfind.learn.training.presets import PresetOptions

        complete = bool(self.dataset and self.method and self.bits is not None)
        from_protocol = bool(self.dataset or self.method or self.bits is not None)
        if from_protocol == bool(self.recipe) or (from_protocol and not complete):
            raise UsageError(
                "It is not clear what to train.", "Give either --recipe, or --dataset, --method and --bits."
            )
        return PresetOptions(
            dataset=self.dataset,
            method=self.method,
            bits=self.bits or 0,
            backbone=self.backbone,
            mode=require_choice(self.mode, MODES, "--mode"),
            epochs=self.epochs,
            batch=self.batch,
            seed=self.seed,
            start="" if self.start == "none" else self.start,
            select=require_choice(self.select, SELECTIONS, "--select"),
            features=require_choice(self.features, FEATURES, "--features"),
        )


def parse_override(text: str) -> tuple[str, Any]:
    """Read `KEY=VALUE`; a value that is no TOML is text."""
    import tomllib

    from vtsfind.base.errors import UsageError

    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"--set cannot be '{text}'.", "Give KEY=VALUE, such as schedule.steps=500.")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value
