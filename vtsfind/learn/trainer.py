"""Training: a recipe and pictures go in, a run folder with a model comes out.

A run folder holds

* ``recipe.toml``, a copy, so that a run is never continued by another recipe;
* ``versions.json``, of the packages that made it;
* ``features-*.npy``, what the teachers see;
* ``metrics.jsonl``, a line every few steps: step, rate, pictures a second, every term of every loss;
* ``checkpoint.pt``, replaced whole every few steps: weights, their average, optimiser, objectives with their centres and
  memories, random state and position; a killed run goes on from there as if it had not been;
* in the end ``NAME.safetensors`` and ``registry.toml``, a registry of one model.
"""

import io
import json
import math
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.backbones import backbone
from vtsfind.learn.batches import Batch, Batches
from vtsfind.learn.encoder import choose_device, precision
from vtsfind.learn.headstart import REFIT_RIDGE, START_RIDGE, start_heads
from vtsfind.learn.network import HashNetwork, normalise
from vtsfind.learn.objectives import create
from vtsfind.learn.objectives.base import Objective
from vtsfind.learn.recipes import Recipe, Schedule, read_recipe
from vtsfind.learn.starts import load_start
from vtsfind.learn.teachers import target_codes
from vtsfind.store.atomic import replace_file

_LOG_EVERY = 10
_CENTRING_PICTURES = 1536
_CENTRING_BATCH = 64
_START_VIEWS = 6144


@dataclass(frozen=True, slots=True)
class Run:
    """Where a training run reads and writes, and on what it runs."""

    folder: Path
    """The run folder; made if it is not there."""
    data: Path
    """The folder of all data."""
    starts: Path
    """The folder of start weights and teachers."""
    device: str = "auto"
    workers: int = 2
    """Processes that make batches; 0 makes them in this one."""


def train(recipe_file: Path, run: Run, progress: Progress, cancel: CancelToken) -> Path:
    """Make, or go on making, a model.

    Parameters
    ----------
    recipe_file
        The recipe.
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
        For a recipe that is wrong, data that are missing, or a run folder of another recipe.
    Cancelled
        When asked to stop.
    """
    recipe = read_recipe(recipe_file)
    _claim(run.folder, recipe_file)
    torch.manual_seed(recipe.seed)
    state = _State(recipe, run, progress)
    first = state.resume()
    if first == 0:
        state.fit_heads(_START_VIEWS, START_RIDGE)
    progress.start(Phase.TRAIN, recipe.schedule.steps)
    progress.advance(first)
    started = time.monotonic()
    for step, batches in enumerate(state.batches(first), first):
        terms = state.step(step, batches)
        if step % _LOG_EVERY == 0:
            pace = (step + 1 - first) * state.views / (time.monotonic() - started)
            _log(run.folder, step, recipe.schedule, pace, terms)
            progress.advance(0, f"loss {sum(terms.values()):.3f}, {pace:.0f} views/s")
        progress.advance()
        done = step + 1
        if cancel.cancelled or done % recipe.schedule.checkpoint == 0 or done == recipe.schedule.steps:
            state.save(done)
        cancel.check()
    return state.finish()


def _claim(folder: Path, recipe_file: Path) -> None:
    """Mark a run folder with its recipe, or see that it is this one's."""
    folder.mkdir(parents=True, exist_ok=True)
    copy, text = folder / "recipe.toml", recipe_file.read_bytes()
    if copy.is_file():
        if copy.read_bytes() != text:
            raise UsageError(
                f"The run folder {folder} belongs to another recipe than {recipe_file}.",
                "Give another folder with --run, or use the recipe in the folder.",
            )
        return
    packages = {name: version(name) for name in ("vtsfind", "torch", "timm", "numpy", "pillow")}
    replace_file(
        folder / "versions.json", json.dumps({"python": platform.python_version(), **packages}).encode()
    )
    replace_file(copy, text)


def _log(folder: Path, step: int, schedule: Schedule, pace: float, terms: dict[str, float]) -> None:
    line = {"step": step, "rate": rate_share(step, schedule), "views_per_s": round(pace, 2), **terms}
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def rate_share(step: int, schedule: Schedule) -> float:
    """The learning rate of a step as a share of the highest: a linear rise, then half a cosine down to zero."""
    if step < schedule.warmup:
        return (step + 1) / schedule.warmup
    done = (step - schedule.warmup) / max(1, schedule.steps - schedule.warmup)
    return 0.5 * (1 + math.cos(math.pi * done))


class _State:
    """Everything that changes while a run goes on."""

    def __init__(self, recipe: Recipe, run: Run, progress: Progress) -> None:
        self.recipe, self.run = recipe, run
        self.device = choose_device(run.device)
        self.preprocessing: Preprocessing = backbone(recipe.network.backbone).preprocessing(
            recipe.network.size
        )
        self.network = HashNetwork(recipe.network)
        if recipe.start:
            load_start(self.network.backbone, run.starts / recipe.start)
        self.network.to(self.device)
        self.sources = [
            Batches(
                task, run.data, self.preprocessing, steps=recipe.schedule.steps, seed=recipe.seed + number
            )
            for number, task in enumerate(recipe.tasks)
        ]
        pictures = [source.pictures for source in self.sources]
        self.targets = target_codes(recipe, pictures, starts=run.starts, cache=run.folder, progress=progress)
        self.goals = nn.ModuleList(
            nn.ModuleList(self._objectives(number)) for number in range(len(recipe.tasks))
        )
        self.goals.to(self.device)
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.optimiser = self._optimiser()
        self.views = sum(task.pictures * task.views_each for task in recipe.tasks)

    def _objectives(self, number: int) -> Iterator[Objective]:
        pictures = self.sources[number].pictures
        bits = {head.name: head.bits for head in self.recipe.network.heads}
        for place, goal in enumerate(self.recipe.tasks[number].goals):
            objective = create(goal.objective, mode=goal.mode, **goal.options)
            if goal.teacher is None:
                objective.bind(
                    bits=bits[goal.head],
                    classes=len(pictures.classes),
                    rows=len(pictures),
                    seed=self.recipe.seed,
                    multilabel=bool((pictures.labels.sum(1) > 1).any()),
                )
            else:
                objective.bind_targets(self.targets[number, place])
            yield objective

    def fit_heads(self, count: int, ridge: float) -> None:
        """Fit the heads whose goals ask for a closed form to the backbone as it is, from `count` views."""
        for number, (task, source) in enumerate(zip(self.recipe.tasks, self.sources, strict=True)):
            steps = math.ceil(count / (task.pictures * task.views_each))
            views = Batches(task, source.root, self.preprocessing, steps=steps, seed=-source.seed % 2**32)
            start_heads(
                self.network,
                dict(enumerate(task.goals)),
                {place: codes for (owner, place), codes in self.targets.items() if owner == number},
                (views[step] for step in range(steps)),
                preprocessing=self.preprocessing,
                seed=self.recipe.seed,
                ridge=ridge,
            )
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}

    def _optimiser(self) -> torch.optim.Optimizer:
        schedule = self.recipe.schedule
        fast = [*self.network.heads.parameters(), *self.goals.parameters()]
        groups = []
        for rate, parameters in (
            (schedule.backbone_rate, list(self.network.backbone.parameters())),
            (schedule.head_rate, fast),
        ):
            for decay, members in (
                (schedule.weight_decay, [p for p in parameters if p.ndim > 1]),
                (0.0, [p for p in parameters if p.ndim <= 1]),
            ):
                groups.append({"params": members, "lr": rate, "highest": rate, "weight_decay": decay})
        return torch.optim.AdamW(groups)

    def batches(self, first: int) -> Iterator[tuple[Batch, ...]]:
        """The batches of all tasks, from step `first` to the end."""
        steps = self.recipe.schedule.steps
        # Workers are started fresh rather than forked, since torch has threads already.
        options: dict[str, Any] = (
            {"multiprocessing_context": "spawn", "prefetch_factor": 2} if self.run.workers else {}
        )
        loaders = [
            DataLoader(
                Subset(source, range(first, steps)),
                batch_size=None,
                num_workers=self.run.workers,
                pin_memory=self.device.type == "cuda",
                **options,
            )
            for source in self.sources
        ]
        return zip(*loaders, strict=True)

    def step(self, step: int, batches: tuple[Batch, ...]) -> dict[str, float]:
        """Take one optimiser step; give every loss term, named by task, head and term."""
        self.network.train()
        share = rate_share(step, self.recipe.schedule)
        for group in self.optimiser.param_groups:
            group["lr"] = share * group["highest"]
        terms: dict[str, float] = {}
        for number, batch in enumerate(batches):
            losses = self._losses(number, batch)
            torch.autograd.backward(torch.stack(list(losses.values())).sum())
            terms |= {name: float(value.detach()) for name, value in losses.items()}
        if not all(map(math.isfinite, terms.values())):
            rows = [sorted(set(batch.rows.tolist())) for batch in batches]
            raise UsageError(
                f"The loss of step {step} is not finite: {terms}; rows {rows}.", "Lower the rates."
            )
        nn.utils.clip_grad_norm_(
            [*self.network.parameters(), *self.goals.parameters()], self.recipe.schedule.clip
        )
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._follow(step)
        return terms

    def _losses(self, number: int, batch: Batch) -> dict[str, Tensor]:
        goals = self.recipe.tasks[number].goals
        inputs = normalise(batch.pixels.to(self.device), self.preprocessing.mean, self.preprocessing.std)
        kind = precision(self.device)
        with torch.autocast(self.device.type, kind, enabled=kind != torch.float32):
            outputs = self.network(inputs, {goal.head for goal in goals})
        labels, rows = batch.labels.to(self.device), batch.rows.to(self.device)
        losses: dict[str, Tensor] = {}
        modules: Any = self.goals[number]
        for goal, objective in zip(goals, modules, strict=True):
            for name, value in objective(outputs[goal.head].float(), labels, rows).items():
                losses[f"{number}.{goal.head}.{name}"] = goal.weight * value
        return losses

    @torch.no_grad()
    def _follow(self, step: int) -> None:
        # A young average would be dominated by the random start.
        decay = min(self.recipe.schedule.average, (1 + step) / (10 + step))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)

    def save(self, step: int) -> None:
        """Write the checkpoint after `step` steps."""
        buffer = io.BytesIO()
        content = {
            "step": step,
            "network": self.network.state_dict(),
            "average": self.average,
            "goals": self.goals.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }
        torch.save(content, buffer)
        replace_file(self.run.folder / "checkpoint.pt", buffer.getvalue())

    def resume(self) -> int:
        """Go back to the last checkpoint if there is one; give the number of steps already taken."""
        path = self.run.folder / "checkpoint.pt"
        if not path.is_file():
            return 0
        content = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(content["network"])
        self.average = content["average"]
        self.goals.load_state_dict(content["goals"])
        self.optimiser.load_state_dict(content["optimiser"])
        torch.set_rng_state(content["random"].cpu())
        return int(content["step"])

    def finish(self) -> Path:
        """Give the averaged weights their last heads, centre the bits on unedited pictures, and write the model."""
        from vtsfind.learn.publish import write_model

        self.network.load_state_dict(self.average)
        if self.recipe.schedule.refit:
            self.fit_heads(self.recipe.schedule.refit, REFIT_RIDGE)
        if self.recipe.network.centred:
            _centre(self.network, self.sources[0], self.device)
        write_model(self.network, self.recipe, self.preprocessing, self.run.folder)
        return self.run.folder


@torch.no_grad()
def _centre(network: HashNetwork, source: Batches, device: torch.device) -> None:
    """Set the heads' normalisation to the statistics of unedited pictures, so that each bit is balanced on those."""
    task = replace(source.task, goals=(), views="plain", views_each=1, pictures=_CENTRING_BATCH)
    steps = math.ceil(min(_CENTRING_PICTURES, len(source.pictures)) / _CENTRING_BATCH)
    plain = Batches(task, source.root, source.preprocessing, steps=steps, seed=source.seed)
    norms = [layer for layer in network.heads.modules() if isinstance(layer, nn.BatchNorm1d)]
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None
    network.eval()
    for layer in norms:
        layer.train()
    for step in range(steps):
        pixels = plain[step].pixels.to(device)
        network(normalise(pixels, source.preprocessing.mean, source.preprocessing.std))
    network.eval()
