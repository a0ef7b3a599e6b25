"""bqemulator, a stand-in for BigQuery, for the tests; import the fixtures where they are needed.

Google's real client and Airflow's real hook speak to it over HTTP. It is not BigQuery: docs/warehouses.md
says what it cannot tell.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen
from uuid import uuid4

import pytest

from tests.services.stack import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
EMULATOR = Path(os.environ.get("BQEMULATOR", ROOT / ".venv-bqemulator/bin/bqemulator"))
PROJECT, PATIENCE = "project", 60


@dataclass(frozen=True, kw_only=True)
class BigQuery:
    """A dataset of its own; `conn_id` is its Airflow connection."""

    url: str
    dataset: str
    conn_id: str = "bigquery"

    def fields(self, **changes: Any) -> dict[str, Any]:
        """Give the parts of an Airflow connection to it."""
        extra = {"project": PROJECT, "is_anonymous": True, "dataset": self.dataset}
        return {"conn_type": "gcpbigquery", "extra": extra} | changes

    def client(self) -> Any:
        """Open a client as a person does."""
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415
        from google.cloud import bigquery  # noqa: PLC0415

        place = bigquery.DatasetReference(PROJECT, self.dataset)
        return bigquery.Client(
            PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url},
            default_query_job_config=bigquery.QueryJobConfig(default_dataset=place),
        )

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run a statement as a person does."""
        from google.cloud import bigquery  # noqa: PLC0415

        given = [bigquery.ScalarQueryParameter(None, "STRING", value) for value in parameters or ()]
        client = self.client()
        try:
            job = client.query(statement, job_config=bigquery.QueryJobConfig(query_parameters=given))
            return [tuple(row.values()) for row in job.result()]
        finally:
            client.close()


@pytest.fixture(scope="session")
def bigquery_server() -> Iterator[str]:
    """Start one stand-in for the session, and give its URL."""
    if find_spec("google") is None or find_spec("google.cloud.bigquery") is None:
        pytest.skip("Google's client is not installed: make test-cloud")
    if not EMULATOR.exists():
        pytest.skip("bqemulator is not installed: make .venv-bqemulator/.done")
    port = free_port()
    words = ["start", f"--rest-port={port}", f"--grpc-port={free_port()}", "--log-level=error"]
    process = subprocess.Popen([EMULATOR, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until it answers, whatever it says."""
    last = time.monotonic() + PATIENCE
    while time.monotonic() < last and process.poll() is None:
        try:
            urlopen(url, timeout=5).close()
        except HTTPError:
            return
        except (URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("bqemulator does not start")


@pytest.fixture
def bigquery(bigquery_server: str, monkeypatch: pytest.MonkeyPatch) -> BigQuery:
    """Give an empty dataset as the Airflow connection `bigquery`."""
    database = BigQuery(url=bigquery_server, dataset=f"test_{uuid4().hex[:12]}")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_server)
    monkeypatch.setenv("AIRFLOW_CONN_BIGQUERY", json.dumps(database.fields()))
    client = database.client()
    client.create_dataset(database.dataset)
    client.close()
    return database
