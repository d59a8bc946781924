"""`vtsfind train`: make a model from a recipe, or from a data set, a method and a number of bits."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, cancel_on_signal, running

if TYPE_CHECKING:
    from vtsfind.learn.training.presets import PresetOptions


def train(
    *,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A recipe: what is learned, from what, and how long. In place of --dataset, --method and --bits.",
            show_default=False,
        ),
    ] = None,
    dataset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The protocol whose training set is learned from, such as cifar10@54000; docs/protocols.md has all.",
            show_default=False,
        ),
    ] = "",
    method: Annotated[
        str,
        typer.Option(metavar="NAME", help="The objective: csq, dpn, hashnet, ...", show_default=False),
    ] = "",
    bits: Annotated[
        int | None, typer.Option(metavar="N", help="Length of the codes.", show_default=False)
    ] = None,
    backbone: Annotated[
        str, typer.Option(metavar="NAME", help="vts16, vts32, vits14, resnet50, ..., or a name of timm.")
    ] = "vts16",
    mode: Annotated[
        str, typer.Option(metavar="NAME", help="fixed, or paper: as the published code computes and trains.")
    ] = "fixed",
    epochs: Annotated[int, typer.Option(metavar="N", help="Times that every picture is shown.")] = 150,
    batch: Annotated[int, typer.Option(metavar="N", help="Pictures in a batch.")] = 32,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Of everything random, the drawing of queries included.")
    ] = 1,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The backbone's start weights, below --starts; `none` for random ones; those that its library publishes "
            "if left out, which takes a network.",
            show_default=False,
        ),
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="The state that is kept: the best on held-out training pictures (validation, the default), or the last (the "
            "default of --mode paper, which holds nothing out); `test` chooses on the test queries to reproduce published "
            "figures, and marks the model.",
            show_default=False,
        ),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What the hash head reads of the backbone: all (tokens), cls, lite or dual; what the backbone usually has if "
            "left out.",
            show_default=False,
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Another value in the recipe, such as schedule.steps=500 or network.features=cls; can be repeated.",
            show_default=False,
        ),
    ] = None,
    show_recipe: Annotated[
        bool, typer.Option("--show-recipe", help="Write the recipe and train nothing.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The folder of all data, or of this data set alone; `data` by default.",
            show_default=False,
        ),
    ] = None,
    starts: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The folder of start weights and teachers; the data folder by default.",
            show_default=False,
        ),
    ] = None,
    run_folder: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="FOLDER",
            help="Where the run keeps its state and its model; a folder of the recipe's or the model's name under `runs` by "
            "default.",
            show_default=False,
        ),
    ] = None,
    register: Annotated[
        bool,
        typer.Option("--register", help="In the end, add the model to your own models, for `index --model`."),
    ] = False,
    register_in: Annotated[
        Path | None,
        typer.Option(
            "--register-in",
            metavar="FOLDER",
            help="In the end, add the model to the registry of this folder.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Where the model is trained: auto, cuda, mps or cpu.", show_default=False
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Processes that make pictures for each task, 0 for none of their own; as many as there are cores to spare, up "
            "to 8, by default.",
            show_default=False,
        ),
    ] = None,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Train a model.

    \b
    vtsfind train --dataset cifar10@54000 --method csq --bits 32 --backbone vts16 --data DATA
    vtsfind train --dataset folder --method dpn --bits 64 --backbone vits14 --start my.safetensors --data my-photos
    vtsfind train --recipe my.toml --data DATA --starts STARTS
    torchrun --nproc-per-node 4 -m -- vtsfind train --recipe my.toml --data DATA

    A run that was stopped, or killed, goes on from its last checkpoint when the same command is given again. Its
    losses are in `metrics.jsonl` in the run folder, and what came out is in `result.json`.
    """
    with (
        running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug, device=device) as run,
        cancel_on_signal(run),
    ):
        from vtsfind.base.errors import UsageError
        from vtsfind.learn.training.presets import PresetOptions

        from_protocol = bool(dataset or method or bits is not None)
        if from_protocol == bool(recipe) or (from_protocol and not (dataset and method and bits is not None)):
            raise UsageError(
                "It is not clear what to train.", "Give either --recipe, or --dataset, --method and --bits."
            )
        training_options = PresetOptions(
            dataset=dataset,
            method=method,
            bits=bits or 0,
            backbone=backbone,
            mode=_require_choice(mode, ("fixed", "paper"), "--mode"),
            epochs=epochs,
            batch=batch,
            seed=seed,
            start="" if start == "none" else start,
            select=None
            if select is None
            else _require_choice(select, ("validation", "last", "test"), "--select"),
            features=None
            if features is None
            else _require_choice(features, ("all", "cls", "lite", "dual"), "--features"),
        )
        data = data or Path("data")
        name, content = _recipe_content(
            run, recipe, training_options, data, changes or [], shown_only=show_recipe
        )
        if show_recipe:
            run.output.raw(content)
            return
        from vtsfind.learn.training.loop import RunOptions as TrainingRun
        from vtsfind.learn.training.loop import train_recipe
        from vtsfind.report.progress import progress_shown

        folder = run_folder or Path("runs") / name
        training_run = TrainingRun(
            folder,
            data,
            starts or data,
            run.settings.device,
            _default_workers() if workers is None else workers,
        )
        with progress_shown(run.notes) as progress:
            train_recipe(content, name, training_run, progress, run.cancel)
        _show(run, folder, register_in or (None if not register else _user_models_folder()))


def _require_choice(value: str, known: tuple[str, ...], option: str) -> Any:
    from vtsfind.base.errors import UsageError

    if value not in known:
        raise UsageError(f"{option} cannot be '{value}'.", f"Known: {', '.join(known)}.")
    return value


def _recipe_content(
    run: CommandRun,
    recipe: Path | None,
    preset: "PresetOptions",
    data: Path,
    changes: list[str],
    *,
    shown_only: bool,
) -> tuple[str, bytes]:
    """The name of the run and the recipe as TOML."""
    from vtsfind.learn.training.presets import preset_recipe
    from vtsfind.learn.training.recipes import parse_recipe, recipe_bytes, recipe_text

    overrides = dict(parse_override(change) for change in changes)
    if recipe is not None:
        name, content = recipe.stem, recipe_bytes(recipe)
        if not changes:
            return name, content
    else:
        # What heads read decides their rate and the model's name, so it goes in before the recipe is made.
        preset = replace(preset, features=overrides.pop("network.features", preset.features))
        made = preset_recipe(preset, pictures=_count_pictures(run, preset, data, shown_only=shown_only))
        name, content = made.name, recipe_text(made).encode()
    changed = parse_recipe(content, name, overrides)
    return name if recipe else changed.name, recipe_text(changed).encode()


def _count_pictures(run: CommandRun, preset: "PresetOptions", data: Path, *, shown_only: bool) -> int | None:
    """The training pictures that there are; None for a recipe that is only shown where the data are not."""
    from vtsfind.base.errors import UsageError
    from vtsfind.learn.data.protocols import find_protocol
    from vtsfind.learn.training.presets import count_training_pictures
    from vtsfind.report.progress import progress_shown

    try:
        with progress_shown(run.notes) as progress:
            return count_training_pictures(preset, data, progress, run.cancel, download=not shown_only)
    except UsageError:
        if not shown_only or find_protocol(preset.dataset).sizes["train"] is None:
            raise
        return None


def parse_override(text: str) -> tuple[str, Any]:
    """Read `KEY=VALUE`; a value that is no TOML is text."""
    from vtsfind.base.errors import UsageError

    key, equals, value = text.partition("=")
    if not (key and equals):
        raise UsageError(f"--set cannot be '{text}'.", "Give KEY=VALUE, such as schedule.steps=500.")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def _default_workers() -> int:
    """Cores that are left for making pictures, for each of the processes that train."""
    from vtsfind.base.machine import processors
    from vtsfind.learn.training.distributed import rank_and_world_size

    return min(8, max(1, processors() // rank_and_world_size()[1] - 1))


def _user_models_folder() -> Path:
    from vtsfind.base.settings import places

    return places().models


def _show(run: CommandRun, folder: Path, register_in: Path | None) -> None:
    """Write what came out; where several processes trained, the first one does."""
    from vtsfind.engine import Model
    from vtsfind.learn.models.register import register_model
    from vtsfind.learn.models.registry import registered_models
    from vtsfind.learn.training.distributed import rank_and_world_size
    from vtsfind.learn.training.runs import RunFolder
    from vtsfind.report.models import write_one

    if rank_and_world_size()[0]:
        return
    (card,) = registered_models((folder,)).values()
    if register_in:
        card = register_model(folder, register_in)
    write_one(run.output, Model(card, card.path.stat().st_size), json=run.json)
    result = RunFolder(folder, b"").result()
    run.notes.say(
        f"{result['steps']:,} steps, {result['views_per_s']:,.0f} pictures/s; "
        f"{result['waiting_share']:.1%} of the time was spent waiting for data."
    )
    for note in result["notes"]:
        run.notes.warn(note)
