"""In whatever order a person, vtsfind and mishaps follow each other, no content is lost.

Few stories here, the same each time; `python -m benchmarks.story` tells many.
"""

import sys

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

pytest.importorskip("resource", reason="needs a system with fork")
if sys.platform == "darwin":
    pytest.skip("it would use the trash of the person", allow_module_level=True)

from support.story_machine import Story

STORIES, STEPS = 4, 14


def test_no_story_loses_a_content() -> None:
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=STORIES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck)
        ),
    )
