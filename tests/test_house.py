"""The rooms of docs/architecture.md: imports point one way, and every module has its room there."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = [
    {"types", "errors", "noise", "tuning"},
    {"parameters"},
    {"reading", "annotations", "sam", "objects"},
    {"boundaries"},
    {"finding", "contents", "figures", "ddpcr", "tracks"},
    {"preprocess", "region", "context", "drawn", "analysis"},
    {"options", "settings"},
    {"pipeline", "export"},
]
"""Of droplets/, lowest first: a room imports itself and those below it."""
MODULES = sorted((ROOT / "droplets").rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(parts: tuple[str, ...]) -> str:
    """The folder in droplets/, or the module on top."""
    return parts[1].removesuffix(".py")


def height(name: str) -> int:
    return next(i for i, layer in enumerate(LAYERS) if name in layer)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    own = room(path.relative_to(ROOT).parts)
    if own == "__init__":
        return
    for module in imported(path):
        top, *rest = module.split(".")
        assert top not in {"api", "batch", "cli", "store", "app", "config", "training"}
        assert top not in {"auth_middleware", "sam_service"}
        if top == "droplets" and rest and rest[0] != own:
            assert height(rest[0]) < height(own), f"{path.name} imports {module}"


@pytest.mark.parametrize(
    ("own", "below"),
    [
        ("batch", {"droplets", "config"}),
        ("jobs", {"batch", "droplets", "store", "config"}),
        ("cli", {"api", "batch", "droplets", "config", "app", "jobs", "model"}),
    ],
)
def test_the_command_line_stands_on_the_batch_and_that_on_droplets(own, below):
    ours = {path.stem for path in ROOT.glob("*.py")} | {
        path.parent.name for path in ROOT.glob("*/__init__.py")
    }
    for path in (ROOT / own).rglob("*.py"):
        if path.name == "__main__.py":  # puts a program together, of all rooms
            continue
        tops = {module.partition(".")[0] for module in imported(path)}
        assert tops & ours <= {own, *below}, path.name


def test_the_client_stands_on_httpx_alone():
    for path in (ROOT / "client" / "sam_droplet_client").glob("*.py"):
        tops = {module.partition(".")[0] for module in imported(path)} - sys.stdlib_module_names
        assert tops <= {"sam_droplet_client", "httpx", "pandas", "polars"}, path.name


def test_the_batch_prints_nothing():
    for path in (ROOT / "batch").rglob("*.py"):
        assert not {"typer", "rich", "click"} & set(imported(path)), path.name


def test_no_module_bears_a_standard_librarys_name():
    names = {
        path.stem
        for folder in ("api", "batch", "cli", "droplets", "jobs", "store", "training")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert not names & (sys.stdlib_module_names - {"__init__", "types"})


def test_the_page_on_the_house_names_every_room():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name in sorted(set().union(*LAYERS)):
        assert f"{name}.py`" in page or f"droplets/{name}/`" in page, name
    for folder in (
        "droplets",
        "api",
        "batch",
        "cli",
        "client",
        "jobs",
        "store",
        "training",
        "model",
        "benchmarks",
        "examples",
        "notebooks",
        "plugins",
        "web",
        "scripts",
    ):
        assert f"`{folder}/" in page, folder


def numbers(path: Path) -> Iterator[tuple[str, str]]:
    """Names of a module's own numbers, with what they are."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for name, value in zip(names, values, strict=False):
                is_number = isinstance(value, ast.Constant) and isinstance(value.value, int | float)
                if isinstance(name, ast.Name) and name.id.isupper() and is_number:
                    yield name.id, str(value.value)


def test_a_name_stands_for_one_number():
    known: dict[str, tuple[str, Path]] = {}
    for path in MODULES:
        for name, value in numbers(path):
            assert known.setdefault(name, (value, path))[0] == value, f"{name}: {path}, {known[name][1]}"
