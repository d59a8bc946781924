"""Reading what commands write."""

import json
from collections.abc import Callable
from typing import Any

from typer.testing import Result

Vtsfind = Callable[..., Result]
"""Runs vtsfind with some arguments."""


def records(result: Result, kind: str = "") -> list[dict[str, Any]]:
    """The JSON records on standard output, or those of one type; header and footer must be there."""
    every = [json.loads(line) for line in result.stdout.splitlines()]
    assert every[0]["type"] == "header"
    assert every[0]["schema"] == 1
    assert every[-1]["type"] == "footer"
    return [record for record in every if kind in {"", record["type"]}]
