"""A real Airflow with its UI, two teams, and a person of each: what they see, they see in a browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from airflow_provider_openai_batch.pytest_plugin import OpenAIBatchEmulator
from tests.services.composed import ROOT, Composed

if TYPE_CHECKING:
    from pathlib import Path

#: Ann's team has the DAG; Eve's has none.
PASSWORDS = {"ann": "ann-knows-it", "eve": "eve-knows-it"}
USERS = "ann:op:support,eve:op:sales"
DAG, GROUP = "nightly_classification", "classify"
#: 80 tickets are 40 requests, for half are alike; these are four batches that take long.
REQUESTS_PER_SHARD, SECONDS = 10, 6_000
BUNDLES = "airflow.dag_processing.bundles.local.LocalDagBundle"
TARGET = 'target={"conn_id": "warehouse", "table": "ticket_labels"},'
#: Looks are as frequent as a test is impatient.
OFTEN = f'{TARGET}\n        wait={{"poke_interval": 5, "max_wait": 5}},'


class Watched(Composed):
    """The services of `docker-compose.yaml` with the first example, where people sign in."""

    def __init__(self, folder: Path, server: Any) -> None:
        super().__init__(folder, server)
        #: The emulator's clock.
        self.openai = OpenAIBatchEmulator(folder / "api")
        self.openai._port = int(self.emulator.rpartition(":")[2])
        self.dashboard = f"{self.emulator}/dashboard"
        passwords = folder / "passwords.json"
        passwords.write_text(json.dumps(PASSWORDS))
        kwargs = {"path": str(folder / "dags")}
        bundle = {"name": "support", "classpath": BUNDLES, "kwargs": kwargs, "team_name": "support"}
        connection = json.loads(self.environment["AIRFLOW_CONN_OPENAI_DEFAULT"])
        connection["extra"] |= {
            "dashboard_url": self.dashboard, "limits": {"requests_per_shard": REQUESTS_PER_SHARD}
        }  # fmt: skip
        self.environment |= {
            "AIRFLOW__API__BASE_URL": self.api,
            "AIRFLOW__CORE__MULTI_TEAM": "True",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": USERS,
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "AIRFLOW_CONN_OPENAI_DEFAULT": json.dumps(connection),
        }

    def set_up(self) -> None:
        """Make the databases, the teams, and the DAG."""
        super().set_up()
        for team in ("support", "sales"):
            self.run(self.airflow("teams", "create", team))
        text = (ROOT / f"example_dags/{DAG}.py").read_text()
        assert TARGET in text
        (self.folder / "dags").mkdir()
        (self.folder / f"dags/{DAG}.py").write_text(text.replace(TARGET, OFTEN))

    def command(self, name: str) -> list[str]:
        """Return a service's command; the triggerer is that of the team."""
        team = ["--team-name", "support"] if name == "triggerer" else []
        return [*super().command(name), *team]

    def token(self) -> str:
        """Sign Ann in."""
        asked = json.dumps({"username": "ann", "password": PASSWORDS["ann"]}).encode()
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{self.api}/auth/token", asked, headers)) as answer:
            return str(json.load(answer)["access_token"])

    def begin(self) -> str:
        """Switch the DAG on, and return its run when that waits for its batches."""
        self.openai.take(SECONDS)
        self.wait("no DAG", lambda: self.call("PATCH", f"/api/v2/dags/{DAG}", {"is_paused": False}))
        run = self.wait("no run", lambda: self.call("GET", f"/api/v2/dags/{DAG}/dagRuns")["dag_runs"])[0]
        self.wait("not deferred", lambda: self.state(run["dag_run_id"], "wait") == "deferred")
        return str(run["dag_run_id"])

    def state(self, run: str, task: str) -> str | None:
        """Return the state of a task of the group."""
        found = self.call("GET", f"/api/v2/dags/{DAG}/dagRuns/{quote(run)}/taskInstances/{GROUP}.{task}")
        state: str | None = found["state"]
        assert state not in {"failed", "upstream_failed"}, self.logs()
        return state

    def task_url(self, run: str, task: str, tab: str = "") -> str:
        """Return where Airflow shows a task: its log, or another tab."""
        return f"{self.api}/dags/{DAG}/runs/{quote(run)}/tasks/{GROUP}.{task}{tab}"
