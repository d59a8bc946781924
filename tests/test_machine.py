import ctypes
import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
from vtsfind.base.machine import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
def take():
    return [bytearray(b"x") * (2 << 20) for _ in range(10)]
take()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    take()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(how: str) -> int:
    """How often the system gives a process a cleared page while it takes and frees large blocks twenty times."""
    done = subprocess.run([sys.executable, "-c", _FAULTS, how], capture_output=True, check=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is another one")
def test_a_process_that_keeps_freed_memory_asks_the_system_for_hardly_any_again() -> None:
    assert _faults("kept") < _faults("returned") / 4
