"""The wheel works where it is installed: beside each Airflow, and with the oldest versions it allows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
DAG_FILE = "nightly_classification.py"


def run(*command, **environment):
    """Run a command; return its output, or show it if it failed."""
    # What this session's Airflow was told is not for the Airflow of another environment.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env=kept | {"PYTHONWARNINGS": "ignore"} | environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel from a copy of what is packaged."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ["pyproject.toml", "README.md", "LICENSE"]:
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "airflow_provider_openai_batch", folder / "airflow_provider_openai_batch")
    run(UV, "build", "--wheel", "--out-dir", folder / "dist", folder)
    return next((folder / "dist").glob("*.whl"))


class Installed:
    """A virtual environment with the wheel, and an Airflow home of its own."""

    def __init__(self, folder, wheel, *options):
        self.home = folder / "airflow"
        self.bin = folder / "env/bin"
        run(UV, "venv", "--python", sys.executable, folder / "env")
        run(UV, "pip", "install", "--python", self.bin / "python", f"{wheel}[duckdb,emulator]", *options)
        self.airflow("db", "migrate")

    def airflow(self, *words, **environment):
        settings = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__OPENAI_BATCH__FIRST_LOOK": "0",
        }
        return run(self.bin / "python", "-m", "airflow", *words, **settings, **environment)


@pytest.fixture(
    scope="module",
    params=[
        ("--constraint", "constraints.txt"),
        ("--constraint", "constraints-2.11.txt"),
        ("--resolution", "lowest-direct"),
    ],
    ids=["3.3", "2.11", "lowest"],
)
def installed(request, tmp_path_factory, wheel):
    """Install the wheel beside an Airflow."""
    option, value = request.param
    value = ROOT / value if option == "--constraint" else value
    return Installed(tmp_path_factory.mktemp("installed"), wheel, option, value)


def test_airflow_shows_the_provider(installed):
    """Airflow lists the provider and its connection type."""
    assert "airflow-provider-openai-batch" in installed.airflow("providers", "list", "-o", "plain")
    assert "openai_batch" in installed.airflow("providers", "hooks", "-o", "plain")


def test_the_connection_can_be_tested(installed, openai_batch_emulator):
    """`airflow connections test` reaches the API."""
    connection = json.dumps(openai_batch_emulator.connection)
    said = installed.airflow(
        "connections",
        "test",
        "openai_default",
        AIRFLOW_CONN_OPENAI_DEFAULT=connection,
        AIRFLOW__CORE__TEST_CONNECTION="Enabled",
    )

    assert "Connection success!" in said


def test_an_example_runs(installed, openai_batch_emulator, tmp_path):
    """`nightly_classification` runs from the command line, and labels each ticket once."""
    warehouse = tmp_path / "warehouse.duckdb"
    query = [
        installed.bin / "python",
        "-c",
        "import duckdb, sys; print(duckdb.connect(sys.argv[1]).sql(sys.argv[2]))",
    ]
    run(*query, warehouse, "create table tickets as select i as id, '2026-06-01'::date as day, "
        "'No ' || i as subject, 'Help!' as body from range(30) as numbers (i)")  # fmt: skip
    installed.airflow(
        "dags",
        "test",
        DAG_FILE.removesuffix(".py"),
        "2026-06-02T12:00:00",
        AIRFLOW_CONN_OPENAI_DEFAULT=json.dumps(openai_batch_emulator.connection),
        AIRFLOW_CONN_WAREHOUSE=json.dumps({"conn_type": "duckdb", "host": str(warehouse)}),
        AIRFLOW__OPENAI_BATCH__WORK_PATH=f"file://{tmp_path / 'runs'}",
    )

    counted = run(
        *query, warehouse, "select batch_status, count(*), count(distinct id) from ticket_labels group by 1"
    )
    assert counted.split().count("30") == 2
