"""The machine that a benchmark ran on, and the file its result goes to."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "docs" / "results"
PACKAGES = ("numpy", "pillow", "torch", "timm", "faiss-cpu")


def describe() -> dict[str, Any]:
    """Say what bears on a measurement, and nothing that names the machine or its folders."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def kernels() -> dict[str, Any]:
    """The instructions that torch uses on this processor, and which of the wider ones the processor has."""
    import torch

    found = torch.cpu.get_capabilities()
    wanted = ("avx2", "avx512_f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8")
    return {"torch": torch.backends.cpu.get_cpu_capability(), **{name: found.get(name) for name in wanted}}


def write_result(name: str, figures: dict[str, Any]) -> Path:
    """Write figures, the command that made them, the date and the machine to docs/results/NAME.json, all or nothing."""
    result = {
        "command": " ".join(["python -m", *(_shown(word) for word in sys.argv)]),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": describe(),
        "figures": figures,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(path)
    return path


def _shown(word: str) -> str:
    """A word of the command line, without the folders of this machine."""
    if word == sys.argv[0]:
        return f"benchmarks.{Path(word).stem}"
    return Path(word).name if os.sep in word else word


def _processor() -> str:
    """The processor's name as the system knows it."""
    if platform.system() == "Linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if models:
            return models[0]
    if platform.system() == "Darwin":
        told = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, check=False
        )
        if told.returncode == 0:
            return told.stdout.decode().strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
