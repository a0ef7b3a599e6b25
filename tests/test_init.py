"""Promises of the package root."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import airflow_provider_openai_batch as package

#: What a DAG file with the task group does not need.
LATER = (
    "batch.answer", "batch.cost", "batch.decisions", "batch.endpoints", "batch.output", "batch.run", "client",
    "hooks", "store", "tables", "triggers",
)  # fmt: skip
#: Import each module, but for those of a driver that is not installed here.
EACH = """
for name in names:
    try:
        name.endswith('__main__') or importlib.import_module(name)
    except ImportError as error:
        if not (error.name or '').startswith('google'):
            raise
"""
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


def test_the_task_group_takes_no_room_that_only_a_task_needs():
    """A DAG file is parsed in a new process each time: hook, trigger, and checks of answers come later."""
    later = tuple(f"{package.__name__}.{room}" for room in LATER)
    code = (
        "import sys, airflow_provider_openai_batch.task_group;"
        f"print([m for m in sys.modules if m.startswith({later!r})])"
    )

    assert python(code) == "[]"


def test_no_module_imports_pandas():
    """It takes half a second, and pyarrow imports it with the first array that is made of Python's values."""
    code = (
        f"EACH = {EACH!r};"
        "import importlib, pkgutil, sys, airflow_provider_openai_batch as p;"
        "names = [m.name for m in pkgutil.walk_packages(p.__path__, f'{p.__name__}.')];"
        "exec(EACH);"
        "print(len(names) > 300, 'pandas' in sys.modules)"
    )

    assert python(code) == "True False"


def test_airflow_imports_twice():
    """A provider that imports Airflow too early breaks the import of Airflow itself."""
    assert python("import importlib, airflow; importlib.reload(airflow); print('done')") == "done"
