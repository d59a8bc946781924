"""The state of a training run: created from a recipe, advanced step by step, saved to and restored from checkpoints."""

import math
from collections.abc import Iterator
from functools import partial
from time import monotonic
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Progress, SilentProgress
from vtsfind.base.records import Head
from vtsfind.learn.models.encoder import chosen_precision
from vtsfind.learn.models.network import normalise
from vtsfind.learn.models.register import write_model
from vtsfind.learn.recipes import Recipe
from vtsfind.learn.training.batches import Batch
from vtsfind.learn.training.closed_form import REFIT_RIDGE, START_RIDGE, centre_heads, fit_heads
from vtsfind.learn.training.distributed import ProcessGroup
from vtsfind.learn.training.grad_cache import BackboneFeatures, GradientCache
from vtsfind.learn.training.loading import load_batches
from vtsfind.learn.training.runs import RunFolder, RunOptions
from vtsfind.learn.training.schedule import make_optimiser, set_rates
from vtsfind.learn.training.setup import bind_teachers, choose_attention, make_network, make_objectives
from vtsfind.learn.training.timing import StepTimer
from vtsfind.learn.training.training_data import TrainingData, open_training_data
from vtsfind.learn.training.validation import BestState, mean_average_precision

_START_VIEWS = 6144


class TrainingState:
    """The state of a training run.

    Data, objectives and network are checked before the run folder is claimed, so that an impossible recipe leaves nothing
    behind.

    Parameters
    ----------
    recipe, run
        What to train, where and on which device.
    folder
        The run folder.
    processes
        The processes that train together.
    device
        Of this process.
    progress, cancel
        Of downloads and teachers.
    """

    def __init__(
        self,
        recipe: Recipe,
        run: RunOptions,
        folder: RunFolder,
        processes: ProcessGroup,
        *,
        device: torch.device,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self.recipe, self.run, self.folder = recipe, run, folder
        self.processes, self.device = processes, device
        self.progress: Progress = progress if processes.first else SilentProgress()
        self.data: TrainingData = open_training_data(
            recipe, run.data, share=processes.share, device=device, progress=self.progress, cancel=cancel
        )
        self.sources = self.data.sources
        pictures = [source.pictures for source in self.sources]
        goals = make_objectives(recipe, pictures)
        self.network = make_network(recipe, run.starts)
        self.precision = chosen_precision(recipe.schedule.precision, device)
        self.attention = choose_attention(self.network, device, self.precision)
        if processes.first:
            folder.claim(self._facts())
        self.targets = bind_teachers(goals, recipe, pictures, run, progress=self.progress, cancel=cancel)
        self.goals = nn.ModuleList(nn.ModuleList(of_task) for of_task in goals).to(device)
        self.network.to(device)
        self.average = _state_copy(self.network)
        self.best = BestState()
        self.last_validation = ""
        self.current_step, self.ended = 0, False
        self.rate = 0.0
        """Of the latest step, as a share of the highest."""
        self._spent_before_s, self._began_s = 0.0, 0.0
        self.notes: list[str] = []
        schedule = recipe.schedule
        head_parameters = [*self.network.heads.parameters(), *self.goals.parameters()]
        self.optimiser = make_optimiser(schedule, self.network.backbone.parameters(), head_parameters)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == torch.float16)
        self.views = sum(task.pictures * task.views_each for task in recipe.tasks)

    def _facts(self) -> dict[str, Any]:
        split = self.data.split
        return {
            "model": self.recipe.name,
            "seed": self.recipe.seed,
            "device": str(self.device),
            "processes": self.processes.count,
            "precision": str(self.precision).removeprefix("torch."),
            "attention": self.attention,
            "processor": torch.backends.cpu.get_cpu_capability(),
            "pictures": [len(source.pictures) for source in self.sources],
            "split": split.report() if split else None,
        }

    def begin(self) -> int:
        """Restore the last checkpoint, or initialise the heads; returns the number of steps already taken."""
        content = self.folder.load(self.device)
        if content is None:
            self.fit_heads("start", _START_VIEWS, START_RIDGE)
            first = 0
        else:
            first = self._resume(content)
        self._began_s = monotonic()
        self.processes.broadcast_from_first(self.network)
        self.processes.broadcast_from_first(self.goals)
        if self.processes.first:
            self.folder.truncate_metrics(first)
            if self.run.tensorboard:
                self.folder.open_board(first)
        schedule = self.recipe.schedule
        features: Any = BackboneFeatures(self.network, self.device.type, self.precision)
        features = self.processes.parallel(features, self.device)
        if schedule.compile:
            features = torch.compile(features)
        self.gradients = GradientCache(
            features,
            self.processes,
            self.scaler,
            parts=(content or {}).get("parts", schedule.parts),
            seed=self.recipe.seed,
            on_message=self._notify,
        )
        return first

    def _notify(self, what: str) -> None:
        self.notes.append(what)
        self.log(self.current_step, note=what)
        self.progress.advance(0, what)

    def log(self, step: int, **values: Any) -> None:
        """Add a line to the metrics."""
        if self.processes.first:
            self.folder.log(step=step, **values)

    def spent_share(self) -> float:
        """The share of the time budget that is spent, in all runs that led here; the same in all processes; 0 without a budget.

        What is done before the first step and after the last is not counted.
        """
        budget_s = 60 * self.recipe.schedule.minutes
        return self.processes.largest(self._spent_s() / budget_s, self.device) if budget_s else 0.0

    def _spent_s(self) -> float:
        return self._spent_before_s + monotonic() - self._began_s

    def epoch(self, step: int) -> int:
        """How many times every picture of the first task was shown before a step."""
        return self.sources[0].epoch(step)

    def fit_heads(self, when: Literal["start", "end"], count: int, ridge: float) -> None:
        """Fit the heads whose goals ask for a closed form to the current backbone, from `count` views."""
        fit_heads(
            self.network,
            self.recipe,
            self.sources,
            self.targets,
            when=when,
            count=count,
            ridge=ridge,
            workers=self.run.workers,
            precision=self.precision,
        )
        self.average = _state_copy(self.network)

    def batches(self, first: int) -> Iterator[tuple[Batch, ...]]:
        """The batches of all tasks, from step `first` to the last."""
        if self.ended:
            return iter(())
        remaining = range(first, self.recipe.schedule.steps)
        return load_batches(self.sources, remaining, self.run.workers, pin=self.device.type == "cuda")

    def step(self, step: int, batches: tuple[Batch, ...]) -> dict[str, float]:
        """Take one optimiser step; returns every loss term, named by task, head and term."""
        self.current_step = step
        self.network.train()
        self.rate = set_rates(self.optimiser, step, self.recipe.schedule, self.spent_share())
        self._begin_epochs(step)
        terms: dict[str, Tensor] = {}
        self.gradients.add(
            step,
            [
                (self._inputs(batch), partial(self._loss, number, batch, terms))
                for number, batch in enumerate(batches)
            ],
        )
        values = dict(zip(terms, torch.stack([*terms.values()]).tolist(), strict=True))
        self._check(step, values, batches)
        parameters = [*self.network.parameters(), *self.goals.parameters()]
        self.processes.average_gradients([*self.network.heads.parameters(), *self.goals.parameters()])
        self.scaler.unscale_(self.optimiser)
        if self.recipe.schedule.clip:
            nn.utils.clip_grad_norm_(parameters, self.recipe.schedule.clip)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        self._update_average(step)
        return values

    def _inputs(self, batch: Batch) -> Tensor:
        look = self.data.preprocessing
        return normalise(batch.pixels.to(self.device, non_blocking=True), look.mean, look.std)

    def _begin_epochs(self, step: int) -> None:
        modules: Any = self.goals
        for source, objectives in zip(self.sources, modules, strict=True):
            epoch = source.epoch(step)
            if step == 0 or epoch != source.epoch(step - 1):
                for objective in objectives:
                    objective.start_epoch(epoch)

    def _loss(self, number: int, batch: Batch, terms: dict[str, Tensor], features: Tensor) -> Tensor:
        """The loss of one task on the features of the whole batch; adds its terms to `terms`."""
        goals = self.recipe.tasks[number].goals
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            outputs = {head: self.network.heads[head](features) for head in {goal.head for goal in goals}}
        labels = self.processes.gather(batch.labels.to(self.device))
        rows = self.processes.gather(batch.rows.to(self.device))
        losses: dict[str, Tensor] = {}
        modules: Any = self.goals[number]
        for goal, objective in zip(goals, modules, strict=True):
            for name, value in objective(outputs[goal.head].float(), labels, rows).items():
                losses[f"{number}.{goal.head}.{name}"] = goal.weight * value
        terms |= {name: value.detach() for name, value in losses.items()}
        return torch.stack(list(losses.values())).sum()

    def _check(self, step: int, terms: dict[str, float], batches: tuple[Batch, ...]) -> None:
        if all(map(math.isfinite, terms.values())):
            return
        rows = [sorted(set(batch.rows.tolist())) for batch in batches]
        shown = "; ".join(", ".join(map(str, of_task)) for of_task in rows)
        wrong = ", ".join(f"{name} is {value}" for name, value in terms.items() if not math.isfinite(value))
        raise UsageError(
            f"The loss is not finite at step {step}: {wrong}. The batch has the training pictures {shown}.",
            "Check these pictures and their labels, or lower the learning rates. The last checkpoint is older.",
        )

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        # Early on, a fixed decay would keep too much of the initial weights.
        decay = min(self.recipe.schedule.average, (1 + step) / (10 + step))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)

    def validate(self, done: int) -> bool:
        """Validate if it is due; returns whether the run should stop early."""
        wanted, validation_set = self.recipe.validation, self.data.validation_set
        if (
            wanted is None
            or validation_set is None
            or (done % wanted.every and done != self.recipe.schedule.steps)
        ):
            return False
        if self.processes.first:
            own = _state_copy(self.network)
            self.network.load_state_dict(self.average)
            value = mean_average_precision(
                self.network, self._validated_head(), validation_set, self.data.preprocessing
            )
            self.network.load_state_dict(own)
            self.best.update(value, done, self.average)
            self.log(done - 1, validation_map=value, on=wanted.on, best=self.best.value)
            self.last_validation = f"mAP {value:.4f} on {wanted.on} (best {self.best.value:.4f})"
            self.progress.advance(0, self.last_validation)
        return self.processes.any(0 < wanted.patience <= self.best.validations_since, self.device)

    def _validated_head(self) -> Head:
        name = self.recipe.tasks[0].goals[0].head
        return next(head for head in self.recipe.network.heads if head.name == name)

    def save(self, step: int, *, ended: bool) -> None:
        """Write the checkpoint after `step` steps."""
        if not self.processes.first:
            return
        self.folder.save(
            {
                "step": step,
                "ended": ended,
                "spent_s": self._spent_s() if self.recipe.schedule.minutes else 0.0,
                "network": self.network.state_dict(),
                "average": self.average,
                "goals": self.goals.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "scaler": self.scaler.state_dict(),
                "parts": self.gradients.parts,
                "best": self.best.state_dict(),
                "random": torch.get_rng_state(),
            }
        )

    def _resume(self, content: dict[str, Any]) -> int:
        self.network.load_state_dict(content["network"])
        self.average = content["average"]
        self.goals.load_state_dict(content["goals"])
        self.optimiser.load_state_dict(content["optimiser"])
        if content.get("scaler"):
            self.scaler.load_state_dict(content["scaler"])
        if "best" in content:
            self.best.load_state_dict(content["best"])
        self.ended = content.get("ended", False)
        self._spent_before_s = content.get("spent_s", 0.0)
        torch.set_rng_state(content["random"].cpu())
        self.current_step = int(content["step"]) - 1
        return self.current_step + 1

    def finish(self, timer: StepTimer) -> None:
        """Load the selected weights, fit the heads, centre the bits on unedited pictures, and write the model."""
        if not self.processes.first:
            return
        self.network.load_state_dict(self.best.weights or self.average)
        if self.recipe.schedule.refit:
            self.fit_heads("end", self.recipe.schedule.refit, REFIT_RIDGE)
        if self.recipe.network.centred:
            centre_heads(self.network, self.sources[0])
        split = self.data.split
        with self.folder.written():
            write_model(
                self.network,
                self.data.preprocessing,
                self.run.folder,
                name=self.recipe.name,
                licence=self.recipe.licence,
                note=self.recipe.note,
                split=split.training_digest if split else "",
                metrics=self._figures(),
            )
        self.folder.save_result(
            {"steps": self.current_step + 1, **timer.report(), "notes": self.notes, **self._figures()}
        )

    def _figures(self) -> dict[str, float | str]:
        """The figures of the validation for the model's card."""
        wanted = self.recipe.validation
        if wanted is None:
            return {}
        on = (
            "test queries, so good for reproducing only"
            if wanted.on == "test"
            else "held-out training pictures"
        )
        return {"selected on": on, "selected at step": self.best.step, "selection mAP": self.best.value}


def _state_copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}
