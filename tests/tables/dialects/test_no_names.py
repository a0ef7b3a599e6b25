"""Only dialects and drivers know databases by name: a fifth database is a module in each of two folders."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import airflow_provider_openai_batch
from airflow_provider_openai_batch.tables.dialects.connections import READ, WAREHOUSES, WRITTEN

PRODUCT = Path(airflow_provider_openai_batch.__file__).parent
#: Where names are at home: values of dialects with the list of them, and drivers.
HOMES = (PRODUCT / "tables" / "dialects", PRODUCT / "tables" / "warehouses")
#: Types of connections, and sqlglot's names: what a database is called.
NAMES = {*WAREHOUSES, *READ, *(dialect.name for dialect in (*WRITTEN, *READ.values()))}
ELSEWHERE = sorted(path for path in PRODUCT.rglob("*.py") if not any(map(path.is_relative_to, HOMES)))


def literals(source: str) -> list[str]:
    """Find the texts of a program that are a database's name."""
    constants = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [value for value in constants if isinstance(value, str) and value in NAMES]


def imported(source: str) -> set[str]:
    """Find the modules that a program imports."""
    nodes = list(ast.walk(ast.parse(source)))
    froms = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return froms | {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}


def test_no_database_is_named_elsewhere() -> None:
    """Generic code asks a dialect what it can do; how many literals of names there are is zero."""
    found = {str(path.relative_to(PRODUCT)): literals(path.read_text()) for path in ELSEWHERE}

    assert {} == {path: names for path, names in found.items() if names}


def test_no_dialect_is_imported_elsewhere() -> None:
    """Generic code is given dialects: it imports none, and only `resolve` the list of them."""
    listed = "airflow_provider_openai_batch.tables.dialects."
    known = {f"{listed}{dialect.name}" for dialect in WRITTEN} | {f"{listed}connections"}
    found = {str(path.relative_to(PRODUCT)): known & imported(path.read_text()) for path in ELSEWHERE}

    assert {"tables/resolve.py": {f"{listed}connections"}} == {path: to for path, to in found.items() if to}


@pytest.mark.parametrize("folder", HOMES, ids=lambda folder: folder.name)
def test_each_database_has_its_modules(folder: Path) -> None:
    """A dialect's name is that of its module, of its driver, and of the one who lists it."""
    assert all((folder / f"{dialect.name}.py").exists() for dialect in WRITTEN)


def test_a_name_would_be_found() -> None:
    """The count sees what it is to see."""
    assert ["mysql", "redshift"] == literals("if x == 'mysql':\n    y = {'redshift': 'mysql 8'}")
