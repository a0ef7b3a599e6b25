"""The answer of `create` is lost: what we make of it, and what the strongest peer makes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.steps.conftest import pipeline  # noqa: F401 - a fixture

pytestmark = pytest.mark.long

PEER = "apache-airflow-providers-common-ai[openai]==1.0.0"
ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


def run(*command: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing of this session's Airflow."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    words = [str(word) for word in command]
    return subprocess.run(
        words, capture_output=True, text=True, check=False, env=kept | environment, timeout=600
    )


@pytest.fixture(scope="module")
def peer_python(request: pytest.FixtureRequest) -> Path:
    """Install the peer into an environment of its own, beside the Airflow that we are tested with."""
    folder = Path(request.config.cache.mkdir("peers")) / "env"  # type: ignore[union-attr]
    python = folder / "bin/python"
    if not python.exists():
        made = run(sys.executable, "-m", "venv", folder)
        assert made.returncode == 0, made.stderr
    wanted = ["--quiet", "--constraint", ROOT / "constraints.txt", PEER]
    installed = run(UV, "pip", "install", "--python", python, *wanted)
    if installed.returncode:  # uv does not read pip's configuration
        installed = run(python, "-m", "pip", "install", *wanted)
    if installed.returncode:
        pytest.skip(f"No package index gives {PEER}: {installed.stderr.strip().splitlines()[-1]}")
    return python


@pytest.fixture(scope="module")
def peer_home(peer_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrate the Airflow that the peer runs in."""
    home = tmp_path_factory.mktemp("peer")
    migrated = run(peer_python, "-m", "airflow", "db", "migrate", AIRFLOW_HOME=str(home))
    assert migrated.returncode == 0, migrated.stderr
    return home


@pytest.fixture
def run_peer(peer_python: Path, peer_home: Path, tmp_path: Path, openai_batch_emulator: Any):
    """Return how to run the peer's DAG over some texts; it gives the batch that the peer knows of."""
    address = {name: openai_batch_emulator.connection[name] for name in ("password", "host")}
    environment = {
        "AIRFLOW_HOME": str(peer_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "tests/peers"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_PEER": json.dumps({"conn_type": "pydanticai", **address}),
        "RESULTS": f"file://{tmp_path / 'results'}",
    }

    def run_dag(texts: list[str]) -> str:
        command = [peer_python, "-m", "airflow", "dags", "test", "peer"]
        done = run(*command, **environment, TICKETS=json.dumps(texts))
        assert done.returncode == 0, done.stdout + done.stderr
        state = next((tmp_path / "results/_airflow_batch_state").glob("*.json"))
        return str(json.loads(state.read_text())["batch_id"])

    return run_dag


@pytest.mark.parametrize("fault", ["server_error", "reset"])
def test_lost_answer_of_create(pipeline: Any, run_peer: Any, fault: str):  # noqa: F811
    """On one server, with one lost answer each: our run has one batch, the peer's has two and knows one."""
    emulator = pipeline.emulator
    emulator.fault(fault, route="create", after=True)

    assert pipeline.run().counts == {"ok": 10}
    ours = emulator.batches()

    emulator.take(0)
    emulator.fault(fault, route="create", after=True)
    known = run_peer([f"Classify: ticket {n}" for n in range(10)])
    theirs = emulator.batches()[len(ours) :]

    assert (len(ours), len(theirs)) == (1, 2)
    assert [entry.times for entry in emulator.ledger if entry.batch_id == ours[0]["id"]] == [1] * 10
    assert known == theirs[1]["id"]
    assert [batch["request_counts"]["completed"] for batch in theirs] == [10, 10]
