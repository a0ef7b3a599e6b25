"""Promises of the package root."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import airflow_provider_openai_batch as package

HEAVY = ("openai", "pandas", "pyarrow", "numpy", "duckdb", "sqlglot")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_every_public_name_is_there():
    """What `__all__` lists can be imported from the root and knows itself by that name."""
    assert [getattr(package, name).__name__ for name in package.__all__] == package.__all__
    assert package.__all__ == sorted(package.__all__)


def test_unknown_name_is_an_attribute_error():
    """A typing error is told as Python does."""
    assert not hasattr(package, "OpenAIBatchOperator")


def test_no_name_hides_a_submodule():
    """A lazy name that equals a submodule would change its meaning once that is imported."""
    assert not {module.name for module in pkgutil.iter_modules(package.__path__)} & set(package.__all__)


def test_root_and_provider_info_import_no_airflow():
    """Airflow imports them while it is imported itself."""
    code = (
        "import sys; from airflow_provider_openai_batch.get_provider_info import get_provider_info;"
        "get_provider_info(); print([m for m in sys.modules if m.split('.')[0] == 'airflow'])"
    )

    assert python(code) == "[]"


def test_a_dag_file_loads_nothing_heavy():
    """Parsing a DAG file takes only what parsing needs."""
    code = (
        "import sys, airflow_provider_openai_batch as p; [getattr(p, name) for name in p.__all__];"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )

    assert python(code) == "[]"


def test_airflow_imports_twice():
    """A provider that imports Airflow too early breaks the import of Airflow itself."""
    assert python("import importlib, airflow; importlib.reload(airflow); print('done')") == "done"
