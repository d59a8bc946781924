"""How many different documents, screens, templates and shots come into one group, from nothing: through `vtsfind index` and `vtsfind dupes`.

    python -m benchmarks.others --photos FOLDER --pairs N [--start N] [--write]

--pairs pairs of each kind of others (`benchmarks.negatives`, but those that may be an edit) are written into one folder, made of photos of
which none is shown twice if there are 76 for each pair of a kind. Pairs from 150 on are others than those that the decision was fitted to. A pair is wrong if both are in one group; so are two pictures of different pairs. *Templates* are all kinds but
frames of a still camera, places, walls, skies and drawn shots. With --write the figures go to docs/results/others.json.
"""

import argparse
import json
import tempfile
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.families.drawing import photos_in
from benchmarks.groups import Truth, others, write_folder
from benchmarks.machine import write_result
from benchmarks.negatives import CHANGED, KINDS
from benchmarks.peers import Groups, vtsfind

SCENES = ("still camera", "places of one texture", "walls", "night skies", "drawn shots")


def scored(groups: Groups, truth: Truth, pairs: int) -> dict[str, Any]:
    """Count the pairs in one group, by kind."""
    wrong: Counter[str] = Counter()
    across: Counter[str] = Counter()
    for group in groups:
        for one, two in combinations(sorted({Path(path).name for path in group}), 2):
            (first, kind), (second, other_kind) = truth[one], truth[two]
            if first.rpartition(".")[0] == second.rpartition(".")[0]:
                wrong[kind] += 1
            else:
                across[" with ".join(sorted((kind, other_kind)))] += 1
    kinds = [kind for kind in KINDS if kind not in CHANGED]
    templates = [kind for kind in kinds if kind not in SCENES]
    return {
        "files": len(truth),
        "pairs": pairs * len(kinds),
        "in one group": wrong.total(),
        "by kind": dict(wrong.most_common()),
        "pairs of documents, screens and templates": pairs * len(templates),
        "of these in one group": sum(wrong[kind] for kind in templates),
        "of different pairs in one group": dict(across.most_common()),
    }


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--pairs", type=int, required=True, help="pairs of each kind")
    parser.add_argument("--start", type=int, default=0, help="the number of the first pair")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vtsfind-bench-") as scratch:
        folder = Path(scratch) / "photos"
        truth = write_folder(folder, others(photos_in(given.photos), given.pairs, given.start))
        outcome = vtsfind(Path(scratch) / "library")(folder)
    if outcome.error:
        raise SystemExit(outcome.error)
    figures = {
        **scored(outcome.groups, truth, given.pairs),
        "seconds": outcome.seconds,
        "processor seconds": outcome.processor_seconds,
    }
    if given.write:
        write_result("others", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
