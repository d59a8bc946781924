"""The table of faults in docs/safety.md, made from the tests in `tests/faults`.

`python tests/support/fault_matrix.py` writes it anew.
"""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, TypeVar

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "safety.md"
_TABLE = re.compile(r"(?<=<!-- faults -->\n).*?(?=<!-- /faults -->)", re.DOTALL)

Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Fault:
    """What a test does to vtsfind, and what must come of it."""

    tried: str
    promised: str
    times: int
    """How often, each time the test runs."""


_FAULTS: dict[tuple[str, str], Fault] = {}
"""Name of the test's file and of the test, to its fault."""


def fault(tried: str, promised: str, times: int = 1) -> Callable[[Test], Test]:
    """Put a test into the table."""

    def note(test: Test) -> Test:
        code = test.__code__
        _FAULTS[Path(code.co_filename).name, code.co_name] = Fault(tried, promised, times)
        return test

    return note


def table() -> str:
    """The table, in Markdown, from all tests in `tests/faults`."""
    for number, path in enumerate(sorted((TESTS / "faults").glob("test_*.py"))):
        spec = spec_from_file_location(f"faults_{number}", path)
        assert spec is not None
        assert spec.loader is not None
        spec.loader.exec_module(module_from_spec(spec))
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    yield "| Tried | Times | Promised | Test |"
    yield "| --- | ---: | --- | --- |"
    for (file, name), each in sorted(_FAULTS.items()):
        yield f"| {each.tried} | {each.times} | {each.promised} | `{file}`: {name.removeprefix('test_')} |"


def page() -> str:
    """The page with the table as it should be."""
    made = table()
    return _TABLE.sub(lambda _: made, PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.modules["support.fault_matrix"] = sys.modules[__name__]
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    PAGE.write_text(page(), encoding="utf-8")
