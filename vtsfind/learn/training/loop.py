"""The training loop: from a recipe and pictures to a run folder with a model.

Around it: `vtsfind.learn.recipes`, and in this package `training_data` and `batches` (data), `setup` (network and objectives),
`state` (what changes in each step), `grad_cache` (gradients in parts and in several processes), `schedule` (learning rates),
`validation` and `runs` (the run folder). Everything random is a function of the recipe's seed and the step, so a resumed run
gives the same model.
"""

from collections.abc import Mapping
from pathlib import Path

from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.learn.models.encoder import choose_device
from vtsfind.learn.recipes import parse_recipe, recipe_bytes
from vtsfind.learn.training.distributed import ProcessGroup
from vtsfind.learn.training.runs import RunFolder, RunOptions
from vtsfind.learn.training.second import fit_second_backbone
from vtsfind.learn.training.state import TrainingState
from vtsfind.learn.training.timing import LossTerms, StepTimer
from vtsfind.learn.training.words import fit_words

__all__ = ["RunOptions", "train", "train_recipe"]

_LOG_EVERY_STEPS = 10


def train(recipe_file: Path, run: RunOptions, progress: Progress, cancel: CancelToken) -> Path:
    """Train a model by a recipe file, or resume its training; see `train_recipe`."""
    return train_recipe(recipe_bytes(recipe_file), str(recipe_file), run, progress, cancel)


def train_recipe(
    content: bytes, recipe_name: str, run: RunOptions, progress: Progress, cancel: CancelToken
) -> Path:
    """Train a model, or resume its training.

    Parameters
    ----------
    content
        The recipe, as TOML.
    recipe_name
        Its name in error messages.
    run
        Where to train and on which device.
    progress, cancel
        Updated and checked after every step. A cancelled run is saved first.

    Returns
    -------
    The run folder, with the model.

    Raises
    ------
    UsageError
        For an invalid recipe, missing or unsuitable data, or a run folder of another recipe; when the loss is not finite, or
        there is not enough memory.
    StorageError
        When the run folder cannot be written or read, or a download fails.
    Cancelled
        When it is cancelled.
    """
    recipe = parse_recipe(content, recipe_name)
    folder = RunFolder(run.folder, content)
    folder.check()
    if folder.finished:
        return run.folder
    if recipe.second:
        fit_second_backbone(recipe, run, folder, progress, cancel)
        return run.folder
    if recipe.words:
        fit_words(recipe, run, folder, progress, cancel)
        return run.folder
    device = choose_device(run.device)
    with ProcessGroup.join_group(device, alone=run.alone) as processes:
        with processes.first_goes_first():
            state = TrainingState(
                recipe, run, folder, processes, device=device, progress=progress, cancel=cancel
            )
        first, progress = state.begin(), state.progress
        steps = recipe.schedule.steps
        progress.start(Phase.TRAIN, steps)
        progress.advance(first)
        timer, losses = StepTimer(state.views), LossTerms()
        for step, batches in enumerate(timer.timed(state.batches(first)), first):
            terms = state.step(step, batches)
            losses.add(terms)
            if step % _LOG_EVERY_STEPS == 0:
                state.log(step, rate=state.rate, **timer.report(), **terms)
                progress.advance(0, _progress_text(losses.smoothed(), timer, state))
            progress.advance()
            done = step + 1
            ended = state.validate(done) or state.spent_share() >= 1
            if processes.first and (state.epoch(done) > state.epoch(step) or done == steps or ended):
                run.on_epoch(_epoch_text(state.epoch(step) + 1, done, losses, timer, state))
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


def _progress_text(terms: Mapping[str, float], timer: StepTimer, state: TrainingState) -> str:
    """Smoothed loss, learning rate as a share of the highest, speed and last validation, in a few words."""
    words = (
        f"{_loss_text(terms)}, rate {100 * state.rate:.0f} %, {timer.recent_views_per_second:.3g} pictures/s"
    )
    return words + (f", {state.last_validation}" if state.last_validation else "")


def _epoch_text(epoch: int, done: int, losses: LossTerms, timer: StepTimer, state: TrainingState) -> str:
    """A line on an epoch that has ended: the means of its loss, the speed, and the last validation."""
    words = _progress_text(losses.take_means(), timer, state)
    return f"Epoch {epoch}, step {done:,} of {state.recipe.schedule.steps:,}: {words}."


def _loss_text(terms: Mapping[str, float]) -> str:
    parts = ", ".join(f"{name.rpartition('.')[2]} {value:.3f}" for name, value in terms.items())
    return f"loss {sum(terms.values()):.3f}" + (f" ({parts})" if len(terms) > 1 else "")
