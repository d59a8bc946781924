"""Whether tests notice changes of what decides: mutants of verification, of clustering, and of what may go.

    python -m benchmarks.mutants [--each N] [--files PATH ...] [--seed N] [--processes N] [--write]

A mutant is one change of one file: a constant halved or doubled, a comparison turned over, one of several conditions left out, or a rule
(`if`) that never holds. Of each file --each mutants are drawn, and those tests that are about the file are run for each in a copy of
the tree; a mutant *survives* if they pass. What decides nothing, words for people and pace, is not mutated. With --write the figures go to
docs/results/mutants.json.
"""

import argparse
import ast
import contextlib
import io
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import write_result

ROOT = Path(__file__).parents[1]
RULES, FULL_FRAME = "tests/verification/test_rules.py", "tests/test_full_frame.py"
FULL_SIZE, LAID = "tests/verification/test_full_size.py", "tests/verification/test_laid.py"
EXPLAINED = "tests/verification/test_explained.py"
REPLACED, CLUSTERING = "tests/verification/test_replaced.py", "tests/test_clustering.py"
SHOTS = "tests/test_shots_among_edits.py"
TESTS = {
    "vtsfind/find/verification/decision.py": (RULES,),
    "vtsfind/find/verification/verify.py": (RULES,),
    "vtsfind/find/verification/full_frame.py": (RULES, FULL_FRAME),
    "vtsfind/find/verification/full_size.py": (LAID, REPLACED, EXPLAINED, FULL_SIZE),
    "vtsfind/find/verification/enlarged.py": ("tests/verification/test_enlarged.py",),
    "vtsfind/find/verification/explained.py": (EXPLAINED,),
    "vtsfind/find/verification/close_calls.py": ("tests/verification/test_close_calls.py",),
    "vtsfind/find/verification/replaced.py": (REPLACED,),
    "vtsfind/media/jpeg_compression.py": ("tests/test_jpeg_compression.py",),
    "vtsfind/find/clustering/outvoted.py": (SHOTS,),
    "vtsfind/find/clustering/stars.py": (CLUSTERING, SHOTS),
    "vtsfind/find/clustering/union_find.py": (CLUSTERING,),
    "vtsfind/engine/duplicates/full_size.py": ("tests/test_clusters_at_full_size.py",),
    "vtsfind/act/removal.py": ("tests/test_stay_reasons.py", "tests/test_removal.py"),
}
"""Files, and the tests that are about them: a few seconds each."""
WORDS_ONLY = {"reject_reason", "_box", "_other_shot"}
"""Functions that give people words and places, and decide nothing."""
SPEED_ONLY = {"_STRIP_ROWS"}
"""Constants that change no result, which a test holds."""
TIMEOUT_S = 300
OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Each mutant of a file: what was changed, and the file."""
    tree = ast.parse(source)
    for node in tree.body:
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(value, ast.Constant):
            number = value.value
            if isinstance(number, int | float) and not isinstance(number, bool):
                name = ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0])
                if name in SPEED_ONLY:
                    continue
                for changed in (type(number)(number / 2), number * 2):
                    value.value = changed
                    yield f"{name} = {changed}", ast.unparse(tree)
                value.value = number
    skipped = {
        id(inner)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in WORDS_ONLY
        for inner in ast.walk(function)
    }
    for inner in ast.walk(tree):
        if id(inner) not in skipped:
            yield from _changed(tree, inner)


def _changed(tree: ast.Module, node: ast.AST) -> Iterator[tuple[str, str]]:
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPPOSITES:
        kept, before = node.ops, ast.unparse(node)
        node.ops = [OPPOSITES[type(kept[0])]()]
        yield f"line {line}: {before} turned over", ast.unparse(tree)
        node.ops = kept
    if isinstance(node, ast.BoolOp):
        values = node.values
        for number, left_out in enumerate(values):
            node.values = values[:number] + values[number + 1 :]
            yield f"line {line}: without {ast.unparse(left_out)}", ast.unparse(tree)
        node.values = values
    if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Return | ast.Continue):
        test = node.test
        node.test = ast.Constant(value=False)
        yield f"line {line}: never {ast.unparse(test)}", ast.unparse(tree)
        node.test = test


def _run(tree: Path, tests: tuple[str, ...], result: Any) -> None:
    """In a process of its own: run tests in a tree."""
    import pytest

    os.chdir(tree)
    sys.path[:0] = [str(tree), str(tree / "tests")]
    os.environ["PYTHONPATH"] = str(tree)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
    result.put((code, out.getvalue()[-400:]))


def noticed(tree: Path, tests: tuple[str, ...]) -> tuple[bool, str]:
    """Whether some test fails, or takes forever; and the end of what the tests said."""
    context = multiprocessing.get_context("fork")
    result = context.SimpleQueue()
    process = context.Process(target=_run, args=(tree, tests, result))
    process.start()
    process.join(TIMEOUT_S)
    if process.is_alive():
        process.kill()
        return True, "no end"
    code, said = (1, "crashed") if result.empty() else result.get()
    return code != 0, said


def _try_file(file: str, each: int, seed: int) -> tuple[dict[str, int], list[str]]:
    """Draw mutants of a file and try them: counts, and what survived."""
    survivors = []
    with tempfile.TemporaryDirectory(prefix="vtsfind-mutants-") as scratch:
        tree = Path(scratch)
        for part in ("vtsfind", "tests", "pyproject.toml"):
            source, ignored = ROOT / part, shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, tree / part, ignore=ignored) if source.is_dir() else shutil.copy(
                source, tree
            )
        every = list(mutants((tree / file).read_text(encoding="utf-8")))
        fails, said = noticed(tree, TESTS[file])
        if fails:
            raise RuntimeError(f"The tests of {file} fail without any change: {said}")
        order = np.random.default_rng([seed, len(every)]).permutation(len(every))[:each]
        for number in sorted(int(n) for n in order):
            change, mutated = every[number]
            (tree / file).write_text(mutated, encoding="utf-8")
            os.utime(
                tree / file, (number, number)
            )  # so that no compiled one of another mutant is taken for it
            is_noticed, _ = noticed(tree, TESTS[file])
            if not is_noticed:
                survivors.append(f"{file}, {change}")
            print(f"{'noticed ' if is_noticed else 'SURVIVED'} {file} {change}", flush=True)
    count = {"possible": len(every), "tried": len(order), "noticed": len(order) - len(survivors)}
    return count, survivors


def measure(files: list[str], each: int, seed: int, processes: int) -> dict[str, Any]:
    """Draw mutants of all files and try them."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        found = list(pool.map(partial(_try_file, each=each, seed=seed), files))
    survivors = [survivor for _, some in found for survivor in some]
    return {
        "mutants": sum(count["tried"] for count, _ in found),
        "survived": len(survivors),
        "by file": {file: count for file, (count, _) in zip(files, found, strict=True)},
        "tests": sorted({test for file in files for test in TESTS[file]}),
        "survivors": survivors,
    }


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=7, help="mutants of each file")
    parser.add_argument("--files", nargs="+", default=list(TESTS), choices=list(TESTS), metavar="PATH")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    for module in ("cv2", "PIL.Image", "pytest"):
        __import__(module)  # once, before processes are forked
    figures = measure(given.files, given.each, given.seed, given.processes)
    print(json.dumps(figures, indent=1))
    if given.write:
        write_result("mutants", figures)


if __name__ == "__main__":
    main()
