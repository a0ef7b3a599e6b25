"""A whole run without Airflow's scheduler: SQLite at both ends, the emulator between them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish, GiveUp, Wait
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.steps.load.load import load
from airflow_provider_openai_batch.steps.submit.stage import stage
from airflow_provider_openai_batch.steps.wait.advance import advance
from airflow_provider_openai_batch.store.run_store import RunStore
from tests.world.pipeline import PROMPT, connect, request_for, run_folder, submit_args

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_openai_batch.client.sync_client import Client
    from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary
    from airflow_provider_openai_batch.steps.submit.staged import Staged
    from airflow_provider_openai_batch.steps.submit.submit_args import SubmitArgs

DAY = 86_400


@dataclass
class Pipeline:
    """One run that tests drive step by step; `rows` are (id, body)."""

    emulator: Any
    folder: Path
    client: Client
    limits: dict[str, Any] = field(default_factory=dict)
    output_type: Any = field(default_factory=lambda: ["bug", "feature"])
    prompt: str = PROMPT
    name: str = "run"
    show_keys: bool = True

    @property
    def run_id(self) -> str:
        return f"dag/task/{self.name}"

    @property
    def store(self) -> RunStore:
        return RunStore(run_folder(f"file://{self.folder}/runs", self.run_id))

    def hide_files(self) -> None:
        """Let the API know none of the files, as where they are of another project."""
        for route in ("file", "content"):
            self.emulator.fault("not_found", route=route, times=None)

    def fill(self, rows: list[tuple[Any, Any]]) -> Pipeline:
        with sqlite3.connect(self.folder / "warehouse.db") as database:
            database.execute("drop table if exists tickets")
            database.execute("create table tickets (id integer, body text)")
            database.executemany("insert into tickets values (?, ?)", rows)
        return self

    def asked(self, **changes: Any) -> SubmitArgs:
        source = {"conn_id": "warehouse", "sql": "select * from tickets", "key": "id"}
        made = submit_args(
            source=source | changes.pop("source", {}),
            request=request_for(self.prompt),
            output_type=self.output_type,
            target={"conn_id": "warehouse", "table": "labels"},
            limits=self.limits,
            run_id=self.run_id,
            show_keys=self.show_keys,
        )
        return replace(made, **changes)

    def stage(self, **changes: Any) -> Staged:
        return stage(self.asked(**changes), self.store, self.client)

    def submit(self, **changes: Any) -> Wait | Finish | GiveUp:
        return self.advance(self.stage(**changes).attempt)

    def advance(self, attempt: Any = None) -> Wait | Finish | GiveUp:
        return advance(self.store, self.client, Settings(), attempt)

    def wait(self, days: float = 3) -> Wait | Finish | GiveUp:
        """Move the clock a quarter of an hour at a time until the run ends, or for some days."""
        step: Wait | Finish | GiveUp = self.advance()
        for _ in range(int(days * 96)):
            if not isinstance(step, Wait):
                return step
            self.emulator.advance(900)
            step = self.advance()
        return step

    def load(self) -> LoadSummary:
        return load(self.store, self.client, Settings(), show_keys=self.show_keys)

    def run(self) -> LoadSummary:
        self.submit()
        self.wait()
        return self.load()

    def table(self, columns: str = "id, label, batch_status", table: str = "labels") -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.folder / "warehouse.db") as database:
            return database.execute(f"select {columns} from {table} order by id").fetchall()

    def statuses(self) -> dict[str, int]:
        with sqlite3.connect(self.folder / "warehouse.db") as database:
            return dict(database.execute("select batch_status, count(*) from labels group by 1").fetchall())

    @property
    def times_executed(self) -> list[int]:
        """How often each request gave an answer that is paid for."""
        return [entry.times for entry in self.emulator.ledger if entry.status == 200]

    @property
    def sent(self) -> int:
        """How many requests all batches hold."""
        return sum(batch["request_counts"]["total"] for batch in self.emulator.batches())


@pytest.fixture
def pipeline(
    openai_batch_emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    """A run over ten tickets."""
    warehouse = {"conn_type": "sqlite", "host": str(tmp_path / "warehouse.db")}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(warehouse))
    openai_batch_emulator.restart(seconds_to_complete=600)
    client = connect(openai_batch_emulator.base_url, key=openai_batch_emulator.api_key)
    made = Pipeline(emulator=openai_batch_emulator, folder=tmp_path, client=client)
    yield made.fill([(n, f"ticket {n}") for n in range(10)])
    client.close()
