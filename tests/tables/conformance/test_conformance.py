"""Every warehouse does what every other does, or an explicit list says why not.

The tests themselves stand beside those of the modules that they try. This runs all of one database:
`pytest tests/tables -m conformance -k NAME`.
"""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.tables.warehouses.registry import WRITTEN
from tests.tables.conformance.promises import DATABASES, PROMISES, SKIPS

if TYPE_CHECKING:
    from collections.abc import Callable

TABLES = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(path.relative_to(TABLES).with_suffix("").parts) for path in TABLES.rglob("test_*.py")
)


def of_warehouses(module: str) -> dict[str, Callable[..., Any]]:
    """Find the tests of a module that are given a warehouse."""
    found = vars(importlib.import_module(f"tests.tables.{module}"))
    tests = {name: test for name, test in found.items() if name.startswith("test_") and callable(test)}
    return {name: test for name, test in tests.items() if "warehouse" in inspect.signature(test).parameters}


def databases(test: Callable[..., Any]) -> set[str]:
    """Name the databases that a test is run on."""
    for mark in getattr(test, "pytestmark", []):
        names, values = mark.args[:2] if mark.name == "parametrize" else ("", ())
        columns = names.split(",") if isinstance(names, str) else list(names)
        if "warehouse" in columns:
            rows = [value if isinstance(value, tuple) else (value,) for value in values]
            return {row[columns.index("warehouse")] for row in rows}
    return set(DATABASES)


@pytest.mark.parametrize("module", MODULES)
def test_each_test_is_of_a_promise(module: str) -> None:
    """A promise that one warehouse is held to is one that all are held to: no test is beside the list."""
    listed = [name for tests in PROMISES.values() for name in tests.get(module, ())]

    assert sorted(of_warehouses(module)) == sorted(listed)


@pytest.mark.parametrize("promise", PROMISES)
def test_each_database_is_tried_unless_it_says_why(promise: str) -> None:
    """A database that a test is not run on is listed with the reason; one that it is run on is not."""
    tests = {
        name: of_warehouses(module)[name] for module, names in PROMISES[promise].items() for name in names
    }

    left_out = {name: set(DATABASES) - databases(test) for name, test in tests.items()}

    assert left_out == {name: set(SKIPS.get(name, {})) for name in tests}


def test_each_dialect_has_a_database() -> None:
    """A new dialect is held to the promises from its first day."""
    assert sorted(DATABASES.values()) == sorted(dialect.name for dialect in WRITTEN)


def test_each_reason_is_of_a_test() -> None:
    """Reasons do not outlive their tests."""
    names = {name for tests in PROMISES.values() for listed in tests.values() for name in listed}

    assert set(SKIPS) <= names
