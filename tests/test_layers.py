"""The order of imports, who may import which distribution, and the size of files and functions."""

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "qeval"
LAYERS = [
    {"errors", "units", "value"},
    {"registry"},
    {"suite", "exchange"},
    {"record", "stats", "presets", "models"},
    {"tokens", "dialects", "scorers"},
    {"turns"},
    {"loading", "plan", "transport", "store"},
    {"conversation"},
    {"judging", "crew"},
    {"runner", "compare"},
    {"report", "simulator"},
    {"session"},
    {"cli", "pytest_plugin"},
]
ROW = {name: row for row, names in enumerate(LAYERS) for name in names}
ALLOWED = {
    "msgspec": None,  # everywhere: the base of every value
    "jinja2": {"loading", "report", "tokens"},
    "markupsafe": {"report"},
    "yaml": {"loading", "transport", "simulator"},
    "jsonschema": {"scorers"},
    "referencing": {"scorers"},
    "tiktoken": {"tokens"},
    "tokenizers": {"tokens"},
    "httpx2": {"transport"},
    "aiohttp": {"transport"},
    "tabulate": {"report"},
    "starlette": {"simulator"},
    "uvicorn": {"simulator"},
    "tqdm": {"session"},
    "pytest": {"pytest_plugin"},
    "_pytest": {"pytest_plugin"},  # the parts of a failure's text, which pytest does not export
    "vcr": {"transport", "pytest_plugin"},
}
FILES = sorted(set(PACKAGE.rglob("*.py")) - set(PACKAGE.glob("__*__.py")))
STANDARD = __import__("sys").stdlib_module_names


def imported(path: Path) -> set[str]:
    """Dotted names of everything that a file imports anywhere, deferred imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own_name(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path: Path) -> None:
    own = own_name(path)
    assert own in ROW, f"{own} has no row in LAYERS"
    names = {n.split(".")[1] for n in imported(path) if n.startswith("qeval.")}
    uphill = {n for n in names - {own, "__version__"} if ROW[n] >= ROW[own]}

    assert not uphill, f"{own} (row {ROW[own]}) may not import {sorted(uphill)}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_distributions_are_imported_only_where_they_belong(path: Path) -> None:
    own = own_name(path)
    for name in {n.split(".")[0] for n in imported(path)} - STANDARD - {"qeval"}:
        assert name in ALLOWED, f"{name} has no row in ALLOWED"
        rooms = ALLOWED[name]
        assert rooms is None or own in rooms, f"{own} may not import {name}"


def test_only_a_pool_and_the_adapter_know_httpx2() -> None:
    speakers = {
        path.relative_to(PACKAGE).as_posix()
        for path in FILES
        if any(n.split(".")[0] == "httpx2" for n in imported(path))
    }

    assert speakers == {"transport/adapter.py", "transport/pool_httpx2.py"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_module_imports_itself_by_way_of_another() -> None:
    every = {module_name(path): path for path in PACKAGE.rglob("*.py")}
    arrows = {
        name: {
            target
            for dotted in imported(path)
            for target in (dotted, dotted.rpartition(".")[0])
            # A package's own `__init__` runs before its modules anyway.
            if target in every and not name.startswith(f"{target}.") and target != name
        }
        for name, path in every.items()
    }
    order = graphlib.TopologicalSorter(arrows)

    assert list(order.static_order())
