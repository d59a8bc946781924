"""`vtsfind train`: train a model by a recipe, or on a data set by a method."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vtsfind.cli.command import CommandRun, cancel_on_signal, running
from vtsfind.cli.options import CommonOptions, require_choice

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


def train(*, options: TrainOptions, common: CommonOptions) -> None:
    """Train a model.

        vtsfind train --dataset cifar10@54000 --method csq --bits 32 --backbone vts16 --data DATA
        vtsfind train --dataset folder --method dpn --bits 64 --backbone vits14 --start my.safetensors --data my-photos
        vtsfind train --recipe my.toml --data DATA --starts STARTS
        torchrun --nproc-per-node 4 -m -- vtsfind train --recipe my.toml --data DATA

    An interrupted run continues from its last checkpoint when the same command is given again. The run folder holds the
    losses in `metrics.jsonl` and `metrics.csv`, and the result in `result.json`.
    """
    with running(common, device=options.device) as run, cancel_on_signal(run):
        if options.only_plots and options.run_folder is not None:
            _plot(run, options.run_folder)
            return
        name, content = _recipe_content(run, options)
        if options.show_recipe:
            run.output.raw(content)
            return
        if options.pack is not None:
            _pack(run, content, options.data, options.pack)
            return
        from vtsfind.learn.training.loop import RunOptions as TrainingRun
        from vtsfind.learn.training.loop import train_recipe
        from vtsfind.report.progress import progress_shown

        folder = options.run_folder or Path("runs") / name
        training_run = TrainingRun(
            folder,
            options.data,
            options.starts or options.data,
            run.settings.device,
            default_workers() if options.workers is None else options.workers,
            tensorboard=options.tensorboard,
            # On a terminal the bar says it already.
            on_epoch=run.notes.detail if run.notes.is_terminal else run.notes.say,
        )
        with progress_shown(run.notes) as progress:
            train_recipe(content, name, training_run, progress, run.cancel)
        if options.plot:
            _plot(run, folder)
        own_models = _user_models_folder() if options.register else None
        _show(run, folder, options.register_in or own_models)


def _recipe_content(run: CommandRun, options: TrainOptions) -> tuple[str, bytes]:
    """The name of the run and the recipe as TOML."""
    from vtsfind.learn.recipes import parse_recipe, recipe_bytes, recipe_text
    from vtsfind.learn.training.presets import preset_recipe

    preset = options.preset_options()
    overrides = options.overrides()
    if options.recipe is not None:
        name, content = options.recipe.stem, recipe_bytes(options.recipe)
        if not overrides:
            return name, content
    else:
        # What heads read decides their rate and the model's name, so it goes in before the recipe is made.
        preset = replace(preset, features=overrides.pop("network.features", preset.features))
        made = preset_recipe(preset, pictures=_count_pictures(run, preset, options))
        name, content = made.name, recipe_text(made).encode()
    changed = parse_recipe(content, name, overrides)
    return name if options.recipe else changed.name, recipe_text(changed).encode()


def _pack(run: CommandRun, content: bytes, data: Path, folder: Path) -> None:
    """Write the pictures of a recipe into archives."""
    from vtsfind.learn.data.pack import pack_data
    from vtsfind.learn.recipes import parse_recipe
    from vtsfind.report.progress import progress_shown

    tasks = parse_recipe(content, "the recipe").tasks
    sources = [source for task in tasks for source in task.data]
    with progress_shown(run.notes) as progress:
        pieces = pack_data(sources, data, folder, progress, run.cancel)
    run.notes.say(
        f"Saved {len(pieces)} archives in {folder}. Unpack them with tar into the folder for --data."
    )


def _count_pictures(run: CommandRun, preset: "PresetOptions", options: TrainOptions) -> int | None:
    """The number of training pictures; None for a recipe that is only shown, if the data are missing."""
    from vtsfind.base.errors import UsageError
    from vtsfind.learn.data.protocols import find_protocol
    from vtsfind.learn.training.presets import count_training_pictures
    from vtsfind.report.progress import progress_shown

    shown_only = options.show_recipe
    try:
        with progress_shown(run.notes) as progress:
            return count_training_pictures(
                preset, options.data, progress, run.cancel, download=not shown_only
            )
    except UsageError:
        if not shown_only or find_protocol(preset.dataset).sizes["train"] is None:
            raise
        return None


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


def default_workers() -> int:
    """Processors left for preparing pictures, for each training process."""
    from vtsfind.base.machine import processors
    from vtsfind.learn.training.distributed import rank_and_world_size

    return min(8, max(1, processors() // rank_and_world_size()[1] - 1))


def _user_models_folder() -> Path:
    from vtsfind.base.settings import places

    return places().models


def _plot(run: CommandRun, folder: Path) -> None:
    """Print the curves of a run, and draw them into its folder."""
    from vtsfind.base.errors import UsageError
    from vtsfind.engine.library.outputs import CHART, write_output
    from vtsfind.learn.training.distributed import rank_and_world_size
    from vtsfind.learn.training.runs import RunFolder
    from vtsfind.report.plots import training_png
    from vtsfind.report.training import write_curves

    if rank_and_world_size()[0]:
        return
    lines = RunFolder(folder, b"").metrics()
    if not lines:
        raise UsageError(f"There are no metrics in {folder}.", "Give the folder of a run with --run.")
    if not run.json:
        write_curves(run.output, lines)
    file = folder / "curves.png"
    write_output(file, training_png(lines), CHART, run.settings, force=False)
    run.notes.say(f"Saved {file}.")


def _show(run: CommandRun, folder: Path, register_in: Path | None) -> None:
    """Print the trained model; of several processes, the first one does."""
    from vtsfind.engine.library.models import Model
    from vtsfind.learn.models.register import register_model
    from vtsfind.learn.models.registry import registered_models
    from vtsfind.learn.training.distributed import rank_and_world_size
    from vtsfind.learn.training.runs import RunFolder
    from vtsfind.report.models import write_one
    from vtsfind.report.schema import TRAIN

    if rank_and_world_size()[0]:
        return
    (card,) = registered_models((folder,)).values()
    if register_in:
        card = register_model(folder, register_in)
    write_one(run.output, Model(card, card.path.stat().st_size), json=run.json, stream=TRAIN)
    result = RunFolder(folder, b"").result()
    run.notes.say(
        f"{result['steps']:,} steps, {result['views_per_s']:,.0f} pictures/s; "
        f"{result['waiting_share']:.1%} of the time was spent waiting for data."
    )
    for note in result["notes"]:
        run.notes.warn(note)
