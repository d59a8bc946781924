"""How long a plan will take on this machine: a few batches of each kind of network are timed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from vtsfind.learn.models.encoder import choose_device, chosen_precision
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.paper.plan import PlannedDataset, PlannedTraining
from vtsfind.learn.recipes import Recipe
from vtsfind.learn.training.schedule import make_optimiser

_TIMED_BATCHES = 2


@dataclass(frozen=True, slots=True)
class Speed:
    """Pictures a second, once they are decoded."""

    training: float
    encoding: float


def estimate_seconds(
    plan: Sequence[PlannedTraining], sizes: Mapping[str, PlannedDataset], device: str
) -> float:
    """Time for all trainings and evaluations of a plan, one after the other, in seconds.

    What it takes to decode pictures is not counted, and neither are methods' own computations.
    """
    speeds: dict[tuple[object, ...], Speed] = {}
    total = 0.0
    for training in plan:
        recipe, network = training.recipe, training.recipe.network
        key = network.backbone, network.size, network.depth, network.features, recipe.tasks[0].pictures
        if key not in speeds:
            speeds[key] = measure_speed(recipe, device)
        pictures = recipe.schedule.steps * recipe.tasks[0].pictures
        encoded = sum(sizes[cell.dataset].queries + sizes[cell.dataset].database for cell in training.cells)
        total += pictures / speeds[key].training + encoded / speeds[key].encoding
    return total


def measure_speed(recipe: Recipe, device_name: str) -> Speed:
    """Time a few batches of a recipe's network, with random weights, in training and encoding."""
    device = choose_device(device_name)
    network = HashNetwork(recipe.network).to(device)
    arithmetic = chosen_precision(recipe.schedule.precision, device)
    optimiser = make_optimiser(recipe.schedule, network.backbone.parameters(), network.heads.parameters())
    batch, size = recipe.tasks[0].pictures, recipe.network.size
    images = torch.rand(batch, 3, size, size, device=device)

    def outputs() -> torch.Tensor:
        with torch.autocast(device.type, arithmetic, enabled=arithmetic != torch.float32):
            return torch.cat([one.float() for one in network(images).values()], 1)

    def train() -> None:
        torch.autograd.backward(outputs().square().mean())
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    network.train()
    training = _seconds(train, device)
    network.eval()
    with torch.inference_mode():
        encoding = _seconds(outputs, device)
    return Speed(batch / training, batch / encoding)


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    """Time of one call, after a first one that does not count."""
    for number in range(1 + _TIMED_BATCHES):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number == 1:
            began = time.perf_counter()
        call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - began) / _TIMED_BATCHES
