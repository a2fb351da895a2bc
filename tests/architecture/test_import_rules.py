"""The rules of the house: who may import whom, and what each layer may use of others' packages."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {
    "sessions",
    "imaging",
    "screenplays",
    "activities",
    "workflows",
    "providers",
    "storage",
    "service",
    "runtime",
    "webhooks",
    "api",
    "cli",
    "client",
}

THIRD_PARTY = {
    "sessions": {"pydantic", "pydantic_core"},
    "imaging": {"PIL"},
    "screenplays": {"typst"},
    "webhooks": {"httpx2", "standardwebhooks"},
    "client": {"httpx2", "pydantic"},
    "activities": {"temporalio.activity", "temporalio.exceptions"},
    "workflows": {"temporalio.workflow", "temporalio.common", "temporalio.exceptions"},
    "service": {
        "temporalio.client",
        "temporalio.common",
        "temporalio.converter",
        "temporalio.exceptions",
        "temporalio.service",
        "temporalio.api",
    },
}
"""What a layer may import from other people's packages: finer than import-linter can tell, and nothing else."""

DETERMINISTIC = {
    "asyncio",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "itertools",
    "typing",
}
"""What workflow code may use of the standard library: without a clock, randomness, files, the environment."""


def _imports(file: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, at whatever depth; `from a import b` counts as a.b."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports by a relative path"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imports_of(package: str) -> Iterator[tuple[str, str]]:
    for file in sorted((ROOT / package).rglob("*.py")):
        yield from ((str(file.relative_to(ROOT)), name) for name in _imports(file))


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_within(name: str, allowed: set[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)


def test_the_contracts_of_the_layers_are_kept() -> None:
    """Every contract in pyproject.toml holds; the output names the import that breaks one."""
    # A process of its own: it sets up logging anew, and would silence the loggers that other tests listen to.
    program = Path(sys.executable).with_name("lint-imports")
    finished = subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert finished.returncode == 0, finished.stdout


@pytest.mark.parametrize("package", THIRD_PARTY)
def test_a_layer_uses_no_more_of_other_packages_than_the_table_says(package: str) -> None:
    """The domain is pydantic and the standard library; the engine sees of Temporal only what it needs."""
    foreign = [
        (file, name)
        for file, name in _imports_of(package)
        if _top(name) not in OURS | sys.stdlib_module_names and not _is_within(name, THIRD_PARTY[package])
    ]
    assert [] == foreign


def test_workflow_code_uses_only_what_is_deterministic() -> None:
    """No module that could tell a workflow the time or roll dice for it is even imported."""
    forbidden = [
        (file, name)
        for file, name in _imports_of("workflows")
        if _top(name) in sys.stdlib_module_names and _top(name) not in DETERMINISTIC
    ]
    assert [] == forbidden


def test_every_package_of_the_house_is_under_the_rules() -> None:
    """A new top-level package has to find its place in the layers."""
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests", "bench"}

    assert OURS == packages


def test_workflows_drag_neither_vendor_nor_database_into_an_interpreter() -> None:
    """Importing every workflow module leaves the heavy packages out: replay and the sandbox stay quick."""
    modules = [f"workflows.{file.stem}" for file in (ROOT / "workflows").glob("*.py") if file.stem != "__init__"]
    heavy = ["openai", "sqlalchemy", "alembic", "obstore", "fastapi", "PIL", "structlog", "httpx2", "typer"]
    program = (
        f"import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(json.dumps([name for name in {heavy!r} if name in sys.modules]))"
    )
    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert len(modules) >= 5
    assert [] == json.loads(finished.stdout)


@pytest.mark.parametrize("package", sorted(OURS))
def test_packages_export_nothing_from_their_init(package: str) -> None:
    """A package's __init__ is a docstring at most, so that importing one module never imports its neighbours."""
    for file in (ROOT / package).rglob("__init__.py"):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body), file
