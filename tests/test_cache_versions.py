"""Cached features, verdicts and candidates are used again only if the code that made them is the code that is there.

The versions in `vtsfind.find.versions` are raised by hand. This file reminds of it: `golden/cache_versions.json` has, for
each version, the SHA-256 of the code that it covers, without comments and docstrings.

If a test here fails, ask whether the change can give other results for the same photos. If so, raise the version. Then
write the new digests: `python tests/test_cache_versions.py`.
"""

import ast
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from vtsfind.find import versions

PACKAGE = Path(versions.__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden" / "cache_versions.json"
SOURCES = {
    "FEATURES_VERSION": (
        "base/contents.py",
        "find/features/extract.py",
        "find/features/features.py",
        "find/features/packed.py",
        "media/containers.py",
        "media/contents.py",
        "media/damage.py",
        "media/descriptions.py",
        "media/earlier_compression.py",
        "media/enlargement.py",
        "media/orientation.py",
        "media/pixels_digest.py",
        "media/quality.py",
        "media/screens.py",
        "media/shot_quality.py",
    ),
    "VERDICTS_VERSION": (
        "find/verification/block_grid.py",
        "find/verification/borders.py",
        "find/verification/close_calls.py",
        "find/verification/colours.py",
        "find/verification/compare_in_full.py",
        "find/verification/comparison.py",
        "find/verification/decision.npz",
        "find/verification/decision.py",
        "find/verification/enlarged.py",
        "find/verification/explained.py",
        "find/verification/full_frame.py",
        "find/verification/full_size.py",
        "find/verification/measures.py",
        "find/verification/motion.py",
        "find/verification/overlay.py",
        "find/verification/photometry.py",
        "find/verification/quantiles.py",
        "find/verification/registration.py",
        "find/verification/replaced.py",
        "find/verification/tones.py",
        "find/verification/trees.py",
        "find/verification/verify.py",
        "media/jpeg_compression.py",
    ),
    "CANDIDATES_VERSION": (
        "find/candidates/local_features.py",
        "find/candidates/visual_words.npz",
        "find/candidates/visual_words.py",
        "find/hamming/knn.py",
    ),
    "SEARCH_VERSION": (
        "engine/duplicates/candidates.py",
        "engine/duplicates/collection.py",
        "engine/duplicates/full_frame.py",
        "engine/duplicates/pipeline.py",
        "engine/duplicates/searched.py",
        "engine/duplicates/verification.py",
        "engine/duplicates/verifier.py",
        "find/candidates/hash_codes.py",
        "find/clustering/representatives.py",
        "find/clustering/union_find.py",
        "find/hamming/all_pairs.py",
        "find/hamming/known_pairs.py",
        "find/hamming/chunk_pairs.py",
        "find/hamming/mih.py",
        "find/hamming/search.py",
    ),
}


def shape(node: Any) -> Any:
    """A syntax tree as nested lists, the same for every version of Python that reads it."""
    if isinstance(node, list):
        return [shape(each) for each in node if not is_left_out(each)]
    if not isinstance(node, ast.AST):
        return repr(node)
    children = [
        [name, shape(value)]
        for name, value in ast.iter_fields(node)
        if value not in (None, []) and name not in {"kind", "type_comment"}
    ]
    return [type(node).__name__, *children]


def is_left_out(node: Any) -> bool:
    """Whether a statement does nothing: an import, or a docstring of a module, a function or an attribute."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return True
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def code_digest(names: tuple[str, ...]) -> str:
    shapes = [shape_of_file(PACKAGE / name) for name in names]
    return hashlib.sha256(json.dumps(shapes).encode()).hexdigest()


def shape_of_file(path: Path) -> Any:
    """The syntax tree of code; the digest of anything else, such as fitted numbers."""
    content = path.read_bytes()
    return shape(ast.parse(content)) if path.suffix == ".py" else hashlib.sha256(content).hexdigest()


def current() -> dict[str, dict[str, Any]]:
    return {
        name: {"version": getattr(versions, name), "code": code_digest(names)}
        for name, names in SOURCES.items()
    }


@pytest.mark.parametrize("name", SOURCES)
def test_a_version_is_raised_when_its_code_may_give_other_results(name: str) -> None:
    golden = json.loads(GOLDEN.read_bytes())
    assert current()[name] == golden[name], (
        f"The code that {name} covers has changed. Raise {name} in vtsfind/find/versions.py if the same photos may give"
        " other results now. Then run: python tests/test_cache_versions.py"
    )


def test_comments_and_docstrings_are_no_change() -> None:
    code = "x = 1\n\ndef f(a):\n    return a + 1\n"
    commented = (
        '"""Says why."""\nx = 1  # one\n"""The first."""\n\ndef f(a):\n    """Add one."""\n    return a + 1\n'
    )
    same = [shape(ast.parse(each)) for each in (code, commented)]
    assert same[0] == same[1]
    assert shape(ast.parse(code.replace("+ 1", "+ 2"))) != same[0]


@pytest.mark.parametrize("name", SOURCES)
def test_every_module_that_a_result_depends_on_is_covered(name: str) -> None:
    rests_on = SOURCES if name == "SEARCH_VERSION" else ("FEATURES_VERSION", name)
    covered = {source for each in rests_on for source in SOURCES[each]}
    # Which threads, types, and the versions themselves.
    plain = {"find/threads.py", "find/hamming/distance.py", "find/pairs.py", "find/versions.py"}
    for source in SOURCES[name]:
        if not source.endswith(".py"):
            continue
        for line in (PACKAGE / source).read_text(encoding="utf-8").splitlines():
            if line.startswith("from vtsfind.find."):
                assert line.split()[1].removeprefix("vtsfind.").replace(".", "/") + ".py" in covered | plain


def test_every_module_of_features_and_verification_is_covered() -> None:
    listed = {name for names in SOURCES.values() for name in names}
    for room in ("features", "verification"):
        for path in (PACKAGE / "find" / room).glob("*.py"):
            assert path.name == "__init__.py" or path.relative_to(PACKAGE).as_posix() in listed


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(current(), indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"Wrote {GOLDEN}.\n")
