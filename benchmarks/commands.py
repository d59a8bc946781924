"""Running commands as a person does, in processes of their own with folders of their own, and what they cost."""

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

SAMPLE_INTERVAL_S = 0.1
LOAD_MODEL = (
    "import os; from vtsfind.engine.library.access import *;"
    " load_encoder(card_named(''), Settings(), 1_000); os._exit(0)"
)
"""A program that loads the default model as an `index` of many photos does, and ends as `vtsfind.cli.main` does."""


def own_places(home: Path) -> dict[str, str]:
    """An environment in which vtsfind keeps everything below a folder, and Python its compiled modules, as it does by default."""
    kinds = ("CONFIG", "DATA", "CACHE", "STATE")
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **{f"VTSFIND_{kind}_DIR": str(home / kind.lower()) for kind in kinds}}


def processor_s() -> float:
    """Processor seconds of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Watched:
    """One run of this interpreter: its wall time and processor time in seconds, and its largest memory in bytes.

    Memory is the sum of the proportional sizes of all its processes, sampled ten times a second.

    Parameters
    ----------
    home
        The folder for what vtsfind keeps.
    command
        What comes behind the interpreter.
    most
        The largest exit code of a run that has ended well.
    """

    def __init__(self, home: Path, *command: str, most: int = 0) -> None:
        began, used = time.perf_counter(), processor_s()
        process = subprocess.Popen(
            [sys.executable, *command],
            env=own_places(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.peak = 0
        watcher = threading.Thread(target=self._watch, args=(process.pid,), daemon=True)
        watcher.start()
        out, err = process.communicate()
        self.seconds, self.processor_s = time.perf_counter() - began, processor_s() - used
        watcher.join()
        self.out, self.err = out.decode(), err.decode()
        if process.returncode > most:
            sys.exit(f"{' '.join(command)} ended with {process.returncode}: {self.err}")

    def _watch(self, pid: int) -> None:
        try:
            root = psutil.Process(pid)
            while root.is_running() and root.status() != psutil.STATUS_ZOMBIE:
                members = [root, *root.children(recursive=True)]
                self.peak = max(self.peak, sum(map(_proportional_size, members)))
                time.sleep(SAMPLE_INTERVAL_S)
        except psutil.Error:
            return


def _proportional_size(process: psutil.Process) -> int:
    """Bytes of a process in which shared pages count once, where the system tells that; 0 if it has ended."""
    try:
        memory = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(memory, "pss", memory.rss))


def vtsfind(home: Path, *arguments: str) -> Watched:
    """One run of the command line, which must end well."""
    return Watched(home, "-m", "vtsfind", *arguments)
