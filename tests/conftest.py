"""One Airflow home per session: set before Airflow is imported, its database migrated on first use."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from datetime import timedelta
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from datetime import datetime

HOME = Path(tempfile.mkdtemp(prefix="airflow-home-"))
DATABASE = HOME / "airflow.db"
RUNS = count()
#: Few tests that take long each: begun last, they would keep one worker busy while the others have ended.
FIRST = ("tests/simulation/", "tests/mutations/", "tests/crashes/", "tests/test_tickets.py")

# Airflow reads these when it is imported, which test modules do before any fixture runs.
os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(HOME / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{DATABASE}",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(HOME / "logs"),
    "AIRFLOW__OPENAI_BATCH__FIRST_LOOK": "0",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_ANALYTICS": "false",
}
for _name in [name for name in os.environ if name.startswith("AIRFLOW_CONN_")]:
    del os.environ[_name]
(HOME / "dags").mkdir()

# The tests start hundreds of processes; without this each would compile Airflow and the rest anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes the longest."""
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """Return the session's AIRFLOW_HOME."""
    return HOME


@pytest.fixture(scope="session")
def airflow_db(request: pytest.FixtureRequest) -> Path:
    """Provide a migrated metadata database; each Airflow version migrates one once and keeps a copy."""
    cache = Path(request.config.cache.mkdir("airflow-db"))  # type: ignore[union-attr]
    kept = cache / f"{version('apache-airflow')}-{sys.version_info.minor}.db"
    if kept.exists():
        shutil.copyfile(kept, DATABASE)
    else:
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        fresh = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(DATABASE, fresh)
        fresh.replace(kept)
    return DATABASE


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch):
    """Set an Airflow connection for the length of a test."""

    def set_connection(conn_id: str, **fields: object) -> None:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    return set_connection


@pytest.fixture
def run_dag(airflow_db: Path):
    """Return how to run a file's DAG once through Airflow, in this process; it gives the DAG run."""

    def run(source: Path, date: datetime | None, **options: Any) -> Any:
        # Airflow 3 tests a DAG only if it is in the DAGs folder.
        path = HOME / "dags" / source.name
        shutil.copyfile(source, path)
        dag = runpy.run_path(str(path))["dag"]
        # Airflow 2 would first delete an earlier run of the same time.
        date = date and date + timedelta(seconds=next(RUNS))
        name = "logical_date" if "logical_date" in dag.test.__code__.co_varnames else "execution_date"
        return dag.test(**{name: date}, **options)

    return run
