"""The frame of every command: settings, streams, errors, exit code, Ctrl-C."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum
from types import FrameType
from typing import TYPE_CHECKING, Any

import typer

from vtsfind.base.errors import StorageError, VtsfindError
from vtsfind.base.progress import CancelToken
from vtsfind.cli.options import CommonOptions, ScreenOptions
from vtsfind.report.streams import Notes, Output

if TYPE_CHECKING:
    from vtsfind.base.settings import Settings
    from vtsfind.engine.context import Context


class ExitCode(IntEnum):
    """The exit codes of every command; docs/glossary.md and docs/cli.md list them."""

    DONE = 0
    ANSWER_NO = 1
    USAGE = 2
    SOME_FAILED = 3
    STORAGE = 4
    OUTPUT = 5
    BUG = 70
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What the code means, in a sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "Success.",
    ExitCode.ANSWER_NO: "The answer is no: `query` found nothing, `missing` found photos that are not in the library, or "
    "`dupes --exit-code` found duplicates.",
    ExitCode.USAGE: "Wrong use: an invalid argument, option, setting or name, or a model that does not fit the library.",
    ExitCode.SOME_FAILED: "Finished, but some files could not be processed.",
    ExitCode.STORAGE: "Files that vtsfind keeps are damaged, locked, of a newer format, or cannot be written.",
    ExitCode.OUTPUT: "Done, but standard output or standard error was closed or full, so not everything was printed.",
    ExitCode.BUG: "Internal error; please report it.",
    ExitCode.INTERRUPTED: "Interrupted; finished work is kept.",
}


@dataclass(slots=True)
class CommandRun:
    """One run of a command."""

    settings: "Settings"
    output: Output
    notes: Notes
    json: bool
    cancel: CancelToken = field(default_factory=CancelToken)
    code: ExitCode = ExitCode.DONE
    """The exit code unless an error stops the command."""

    @contextmanager
    def context(self, *, on: str | None = None) -> Iterator["Context"]:
        """The context for use-cases; shows their progress until the block ends.

        Parameters
        ----------
        on
            The cluster on which the work runs, see `vtsfind.cluster.connect.workplace`; by default it runs on this machine.
        """
        from vtsfind.engine.context import Context
        from vtsfind.report.progress import progress_shown

        with ExitStack() as stack:
            context = Context(self.settings, cancel=self.cancel)
            if on is not None:
                from vtsfind.cluster.connect import workplace

                context = replace(context, workplace=stack.enter_context(workplace(on, self.settings)))
            yield replace(context, progress=stack.enter_context(progress_shown(self.notes)))


@contextmanager
def running(common: ScreenOptions, **flags: Any) -> Iterator[CommandRun]:
    """Run the body of a command; ends in `typer.Exit` with the right code.

    Parameters
    ----------
    common
        The common options.
    flags
        Settings from the command's own options; None for options that are not given.
    """
    from vtsfind.base.settings import load_settings

    output = Output()
    notes = Notes(quiet=common.quiet, verbose=common.verbose)
    json = isinstance(common, CommonOptions) and common.json
    try:
        run = CommandRun(load_settings({"library": common.library, **flags}), output, notes, json)
        _recover_interrupted_run(notes)
        yield run
        output.flush()
        code = int(run.code)
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes a message
        code = ExitCode.OUTPUT if output.failed else _report(notes, error, debug=common.debug)
        output.is_expendable = True
        output.flush()
    if output.problem:
        notes.warn(f"Standard output could not be written: {output.problem}.")
    is_unprinted = output.failed or notes.failed
    raise typer.Exit(ExitCode.OUTPUT if is_unprinted and code == ExitCode.DONE else code)


def _recover_interrupted_run(notes: Notes) -> None:
    """Finish or roll back what a killed `apply` or `undo` left unfinished, and say so."""
    from vtsfind.base.settings import ACTIVE_RUN_NAME, places

    if not (places().journal / ACTIVE_RUN_NAME).exists():
        return
    from vtsfind.engine.apply.recovery import recover
    from vtsfind.report.plan import warn_recovered

    try:
        warn_recovered(notes, recover())
    except VtsfindError as error:  # the command itself may not depend on it
        notes.warn(str(error))


def _report(notes: Notes, error: Exception, *, debug: bool) -> int:
    """Print an error; returns the exit code."""
    if debug:
        notes.trace(error)
    if isinstance(error, OSError):
        name = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        error = StorageError(f"{name}{error.strerror or error}.", "Add --debug to see where.")
    if isinstance(error, VtsfindError):
        notes.error(error)
        return error.exit_code
    internal_error = VtsfindError(
        f"Internal error: {type(error).__name__}: {error}",
        "Please report it, with the output of --debug.",
    )
    notes.error(internal_error)
    return ExitCode.BUG


@contextmanager
def cancel_on_signal(run: CommandRun) -> Iterator[None]:
    """Make the first Ctrl-C (or SIGTERM) cancel the work, and the second one quit at once."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        if run.cancel.cancelled:
            os._exit(ExitCode.INTERRUPTED)
        run.cancel.cancel()
        if not run.notes.quiet:  # the stream's own buffer may be in use at this very moment
            with suppress(OSError):
                os.write(2, b"\nStopping. Press Ctrl-C again to quit at once.\n")

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
