"""Training: a recipe and pictures go in, a run folder with a model comes out.

The loop is here. What surrounds it: `vtsfind.learn.training.recipes` (what is wanted), `materials` (data), `batches`, `state` (all that
changes while a run goes on), `gradients` (in parts, in several processes), `rates`, `validation`, and `runs` (the folder).
Everything random is a function of the recipe's seed and the step, so a run that goes on after a kill gives the same model.
"""

from collections.abc import Mapping
from pathlib import Path

from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.learn.models.encoder import choose_device
from vtsfind.learn.training.distributed import ProcessGroup
from vtsfind.learn.training.recipes import parse_recipe, recipe_bytes
from vtsfind.learn.training.runs import RunFolder, RunOptions
from vtsfind.learn.training.schedule import rate_share
from vtsfind.learn.training.state import TrainingState
from vtsfind.learn.training.timing import StepTimer

__all__ = ["RunOptions", "rate_share", "train", "train_recipe"]

_LOG_EVERY_STEPS = 10


def train(recipe_file: Path, run: RunOptions, progress: Progress, cancel: CancelToken) -> Path:
    """Make, or go on making, a model by a recipe's file; see `train_recipe`."""
    return train_recipe(recipe_bytes(recipe_file), str(recipe_file), run, progress, cancel)


def train_recipe(
    content: bytes, recipe_name: str, run: RunOptions, progress: Progress, cancel: CancelToken
) -> Path:
    """Make, or go on making, a model.

    Parameters
    ----------
    content
        The recipe, as TOML.
    recipe_name
        What the recipe is called in errors.
    run
        Where and on what.
    progress, cancel
        Told of every step; asked after every step. A cancelled run is saved first.

    Returns
    -------
    The run folder, now with the model.

    Raises
    ------
    UsageError
        For a recipe that is wrong, data that are missing or unfit, or a run folder of another recipe; or when the loss is
        no longer finite, or memory does not suffice.
    StorageError
        When the run folder cannot be written or read, or a download fails.
    Cancelled
        When asked to stop.
    """
    recipe = parse_recipe(content, recipe_name)
    folder = RunFolder(run.folder, content)
    folder.check()
    if folder.finished:
        return run.folder
    device = choose_device(run.device)
    with ProcessGroup.join_group(device) as processes:
        with processes.first_goes_first():
            state = TrainingState(
                recipe, run, folder, processes, device=device, progress=progress, cancel=cancel
            )
        first, progress = state.begin(), state.progress
        steps = recipe.schedule.steps
        progress.start(Phase.TRAIN, steps)
        progress.advance(first)
        timer = StepTimer(state.views)
        for step, batches in enumerate(timer.timed(state.batches(first)), first):
            terms = state.step(step, batches)
            if step % _LOG_EVERY_STEPS == 0:
                rate = rate_share(step, recipe.schedule)
                state.log(step, rate=rate, **timer.report(), **terms)
                progress.advance(0, _progress_text(terms, rate, timer.views_per_second))
            progress.advance()
            done = step + 1
            ended = state.validate(done)
            stopping = processes.any(cancel.cancelled, device)
            if stopping or ended or done % recipe.schedule.checkpoint == 0 or done == steps:
                state.save(done, ended=ended)
            if stopping:
                cancel.cancel()
            cancel.check()
            if ended:
                break
        state.finish(timer)
    return run.folder


def _progress_text(terms: Mapping[str, float], rate: float, views_per_second: float) -> str:
    """A few words on a step: its loss, term by term, the share of the rates, and the speed."""
    parts = ", ".join(f"{name.rpartition('.')[2]} {value:.3f}" for name, value in terms.items())
    return f"loss {sum(terms.values()):.3f} ({parts}), rate {rate:.0%}, {views_per_second:.0f} views/s"
