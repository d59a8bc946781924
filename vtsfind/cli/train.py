"""`vtsfind train`: train a model by a recipe, or on a data set by a method."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vtsfind.base.words import counted
from vtsfind.cli.command import CommandRun, cancel_on_signal, running
from vtsfind.cli.options import CommonOptions
from vtsfind.cli.train_options import TrainOptions

if TYPE_CHECKING:
    from vtsfind.learn.training.presets import PresetOptions


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
        f"{counted(result['steps'], 'step')}, {result['views_per_s']:,.0f} pictures/s; "
        f"{100 * result['waiting_share']:.1f} % of the time was spent waiting for data."
    )
    for note in result["notes"]:
        run.notes.warn(note)
