"""Run folders: the files that a training run reads and writes.

A run folder has

* ``vtsfind-run``, which marks it: a folder with other files in it is refused;
* ``recipe.toml``, so that a run is never continued by another recipe;
* ``made.json``: seed, split, device, and the versions of the packages that made it;
* ``features-*.npy``, what the teachers see, where there are any;
* ``metrics.jsonl``, a line every few steps (step, share of the rates, pictures a second, share of the time that was spent
  waiting for data, every term of every loss), and a line for each look at the validation; the same as a table in
  ``metrics.csv``, brought up to date with every checkpoint, and, where asked for, for TensorBoard in ``tensorboard``;
* ``checkpoint.pt``, replaced whole every few steps: weights, their average, optimiser, loss scaling, objectives with their
  centres and memories, the best state so far, and position; a killed run continues from there as if it had not been;
* in the end ``NAME.safetensors`` and ``registry.toml``, a registry of one model, and ``result.json``: steps taken, figures of
  the validation, pictures a second, and the share of the time that was spent waiting for data.
"""

import csv
import io
import json
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from vtsfind.base.errors import StorageError, UsageError
from vtsfind.store.atomic import atomic_replace, remove_file, replace_file
from vtsfind.store.errors import system_error
from vtsfind.store.folders import RUN, claim_folder, remove_leftovers

PACKAGES = ("vtsfind", "torch", "timm", "numpy", "pillow")
_KEPT = "The same command then continues from the last checkpoint."


@dataclass(frozen=True, slots=True)
class RunOptions:
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
    alone: bool = False
    """Whether this process trains by itself although torchrun started several."""
    tensorboard: bool = False
    """Whether metrics are written for TensorBoard, too; needs its package."""
    on_epoch: Callable[[str], None] = lambda _: None
    """Told a sentence at the end of every epoch."""


class RunFolder:
    """The files of a run.

    Parameters
    ----------
    path
        The folder; made by `claim`.
    recipe
        The content of the recipe's file.
    """

    def __init__(self, path: Path, recipe: bytes) -> None:
        self.path, self.recipe = path, recipe
        self._metrics, self._checkpoint = path / "metrics.jsonl", path / "checkpoint.pt"
        self._result = path / "result.json"
        self._board: Any = None

    def check(self) -> None:
        """Make sure that the folder is not another recipe's.

        Raises
        ------
        UsageError
            When it is.
        """
        copy = self.path / "recipe.toml"
        if copy.is_file() and copy.read_bytes() != self.recipe:
            raise UsageError(
                f"The run folder {self.path} belongs to another recipe.",
                "Give another folder with --run, or use the recipe in the folder.",
            )

    def claim(self, facts: Mapping[str, Any]) -> None:
        """Make the folder this recipe's; `facts` are kept beside the packages' versions.

        Raises
        ------
        UsageError
            When other files are in the folder.
        DiskFull
            When there is no room, or the folder cannot be written.
        """
        with self.written():
            self.path.mkdir(parents=True, exist_ok=True)
            claim_folder(self.path, RUN, (self.path / "recipe.toml").is_file)
            remove_leftovers(self.path, RUN)
            if (self.path / "recipe.toml").is_file():
                return
            packages = {name: version(name) for name in PACKAGES}
            made = {**facts, "versions": {"python": platform.python_version(), **packages}}
            replace_file(self.path / "made.json", (json.dumps(made, indent=1) + "\n").encode())
            replace_file(self.path / "recipe.toml", self.recipe)

    def log(self, **values: Any) -> None:
        """Add a line to the metrics.

        Raises
        ------
        DiskFull
            As for `claim`.
        """
        with self.written(), self._metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
        if self._board is not None:
            for name, value in values.items():
                if isinstance(value, (int, float)) and name != "step":
                    self._board.add_scalar(name, value, values["step"])

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of the metrics so far."""
        if not self._metrics.is_file():
            return []
        lines = self._metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def open_board(self, first: int) -> None:
        """Write metrics for TensorBoard, too, which forgets what an earlier run wrote from step `first` on.

        Raises
        ------
        UsageError
            When TensorBoard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError(
                "TensorBoard is not installed.", "Install it: pip install 'vtsfind[tensorboard]'."
            ) from None
        writer: Any = SummaryWriter  # untyped
        self._board = writer(self.path / "tensorboard", purge_step=first)

    def _write_csv(self) -> None:
        """Write the metrics as a table, with a column for everything that a line has."""
        lines = self.metrics()
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(name for line in lines for name in line)))
        writer.writeheader()
        writer.writerows(lines)
        replace_file(self.path / "metrics.csv", text.getvalue().encode())

    def drop_checkpoint(self) -> None:
        """Make room once a run is finished, which needs its checkpoint no more."""
        if self.finished:
            remove_file(self._checkpoint)

    def save_result(self, values: Mapping[str, Any]) -> None:
        """Write the result.

        Raises
        ------
        DiskFull
            As for `claim`.
        """
        if self._board is not None:
            self._board.flush()
        with self.written():
            replace_file(self._result, (json.dumps(values, indent=1) + "\n").encode())

    def result(self) -> dict[str, Any]:
        """The result; empty before the end."""
        return dict(json.loads(self._result.read_bytes())) if self._result.is_file() else {}

    @property
    def finished(self) -> bool:
        """Whether the model is there, and nothing is left to do: its result is what is written last."""
        return self._result.is_file()

    def save(self, content: Mapping[str, Any]) -> None:
        """Replace the checkpoint, and bring the table of metrics up to date.

        Raises
        ------
        DiskFull
            As for `claim`; the checkpoint before stays.
        """
        with self.written(), atomic_replace(self._checkpoint) as temporary, temporary.open("wb") as file:
            try:
                torch.save(dict(content), file)
            except RuntimeError as error:  # how torch tells that a file could not be written
                raise error.__context__ if isinstance(error.__context__, OSError) else error from None
        with self.written():
            self._write_csv()
        if self._board is not None:
            self._board.flush()

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """Read the checkpoint, if there is one, and forget the metrics of later steps.

        Raises
        ------
        StorageError
            When it cannot be read.
        """
        if not self._checkpoint.is_file():
            return None
        try:
            content: dict[str, Any] = torch.load(self._checkpoint, map_location=device, weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, LookupError, UnpicklingError) as error:
            raise StorageError(
                f"The checkpoint {self._checkpoint} cannot be read ({type(error).__name__}).",
                "Remove it to begin the run again.",
            ) from error
        return content

    def truncate_metrics(self, step: int) -> None:
        """Leave out of the metrics what was written after `step` steps."""
        if not self._metrics.is_file():
            return
        lines = self._metrics.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] < step]
        with self.written():
            replace_file(self._metrics, "".join(kept).encode())

    @contextmanager
    def written(self) -> Iterator[None]:
        """Turn errors of the system into vtsfind's own.

        Raises
        ------
        DiskFull, StorageError
            When there is no space, or the folder cannot be written.
        """
        try:
            yield
        except OSError as error:
            raise system_error(error, self.path, verb="written", option="--run", kept=_KEPT) from error
