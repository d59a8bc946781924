"""The rules of the package's shape: who imports whom, who may print, exit, and touch files."""

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from importlinter.application import use_cases
from importlinter.configuration import configure

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "vtsfind"
MODULES = sorted(PACKAGE.rglob("*.py"))

TALK = {"print", "input", "sys.exit", "exit", "quit"}
MAY_TALK = {"cli", "report"}
FILE_CHANGES = {
    f"os.{name}"
    for name in ("remove", "unlink", "rename", "renames", "replace", "link", "symlink", "rmdir", "removedirs")
} | {"shutil.move", "shutil.rmtree"}
FILE_METHODS = {"unlink", "rename", "rmdir", "hardlink_to", "symlink_to"}
MAY_CHANGE_FILES = {"store", "act/actions"}


def calls(module: Path) -> Iterator[tuple[int, str]]:
    """Line and name of every call; of a method on something nameless, the name with a dot before it."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                yield node.lineno, function.id
            elif isinstance(function, ast.Attribute):
                owner = function.value.id if isinstance(function.value, ast.Name) else ""
                yield node.lineno, f"{owner}.{function.attr}"


def layer(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0]


def places_of(names: set[str], methods: set[str], allowed: set[str]) -> list[str]:
    return [
        f"{module.relative_to(ROOT)}:{line} calls {name}"
        for module in MODULES
        if not allowed & {layer(module), module.parent.relative_to(PACKAGE).as_posix()}
        for line, name in calls(module)
        if name in names or (name.rpartition(".")[2] in methods and "." in name)
    ]


def test_only_cli_and_report_print_prompt_or_exit() -> None:
    assert places_of(TALK, set(), MAY_TALK) == []


def test_only_store_and_the_actions_remove_rename_or_link_files() -> None:
    assert places_of(FILE_CHANGES, FILE_METHODS, MAY_CHANGE_FILES) == []


def test_the_rules_see_what_they_look_for() -> None:
    store = [name for module in MODULES if layer(module) == "store" for _, name in calls(module)]
    assert any(name.rpartition(".")[2] in FILE_METHODS | {"replace"} for name in store)
    talkers = [name for module in MODULES if layer(module) in MAY_TALK for _, name in calls(module)]
    assert TALK.intersection(talkers)


def test_every_layer_contract_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    configure()
    assert use_cases.lint_imports(config_filename="pyproject.toml", cache_dir=None) is use_cases.SUCCESS


def name_of(module: Path) -> str:
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(node: ast.AST, names: set[str]) -> Iterator[str]:
    """The modules of the package that a syntax tree imports, late ones too, but those that only a type checker sees."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for statement in node.orelse:
            yield from imports(statement, names)
        return
    if isinstance(node, ast.Import):
        yield from names.intersection(each.name for each in node.names)
    if isinstance(node, ast.ImportFrom) and node.module:
        for each in node.names:
            submodule = f"{node.module}.{each.name}"
            yield from names & {submodule if submodule in names else node.module}
    for child in ast.iter_child_nodes(node):
        yield from imports(child, names)


def import_graph() -> dict[str, set[str]]:
    names = {name_of(module) for module in MODULES}
    return {
        name_of(module): set(imports(ast.parse(module.read_bytes()), names)) - {name_of(module)}
        for module in MODULES
    }


def cycle_in(graph: dict[str, set[str]]) -> list[str]:
    """The modules of one cycle, the first one again at the end; none if there is no cycle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle_not_even_late() -> None:
    assert cycle_in(import_graph()) == []


def test_a_circle_of_imports_would_be_seen() -> None:
    graph = import_graph()
    assert "vtsfind.base.records" in graph["vtsfind.store.index"]
    graph["vtsfind.base.records"] = {"vtsfind.engine.duplicates.pipeline"}  # as a late import might
    assert "vtsfind.base.records" in cycle_in(graph)
