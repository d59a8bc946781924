"""Whether any order of a person's deeds, vtsfind's and mishaps loses a content: many random stories of `tests/support/story_machine.py`.

    python -m benchmarks.story [--stories N] [--steps N] [--seed N] [--write]

Each story has photos on two drives and a library, and so many steps, drawn by Hypothesis: photos are added, copied, moved, edited and
deleted, indexed, planned about; plans are edited, carried out, undone; processes are killed at any of their calls on files; a drive is
unplugged, comes back, or is full. After each step every content that the person did not remove is looked for. A story that loses one is
shortened and printed. With --write the figures go to docs/results/story.json.
"""

import argparse
import json
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from support.story_machine import Story

from benchmarks.machine import write_result


def main() -> None:
    """Tell the stories and print; write if asked. A loss is an error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stories", type=int, default=200)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    told = Counter[str]()

    class Told(Story):
        """A story that is counted."""

        tally = told

        def teardown(self) -> None:
            """Count it."""
            super().teardown()
            told["stories"] += 1

    seed(given.seed)(Told)
    began = time.monotonic()
    run_state_machine_as_test(
        Told,
        settings=settings(
            max_examples=given.stories,
            stateful_step_count=given.steps,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            deadline=None,
            database=None,
            print_blob=True,
        ),
    )
    figures = {**dict(told.most_common()), "contents lost": 0, "seconds": round(time.monotonic() - began)}
    if given.write:
        write_result("story", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
