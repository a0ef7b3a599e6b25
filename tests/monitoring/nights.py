"""Two nights over tickets, in any database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.cost.prices import Price, Prices
from tests.monitoring.page import QUERIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

PRICES = Prices(models={"gpt-5-mini": Price(input=0.25, cached_input=0.025, output=2)})
TEAMS = ("apps", "web")
#: Long enough for the emulator to cache half of it.
LONG = "word " * 3_000
FIRST, SECOND = "label_tickets/classify.submit/scheduled__1", "label_more/submit/manual__2/0"
COLUMNS = (
    "id", "team", "label", "batch_status", "batch_error_code", "batch_error_message", "batch_model",
    "batch_cost_usd", "batch_input_tokens", "batch_cached_tokens", "batch_custom_id", "batch_prompt_version",
    "batch_run_id", "batch_snapshot_at", "batch_processed_at",
)  # fmt: skip


@dataclass
class Nights:
    """Two nights over tickets of two teams, some of which share a request, and some fail."""

    pipeline: Any
    conn_id: str
    execute: Callable[[str], list[tuple[Any, ...]]]
    loads: list[Any] = field(default_factory=list)

    def fill(self, ids: Iterable[int]) -> None:
        """Add tickets: every fourth has the text of the one before it, which is of the other team."""
        for n in ids:
            text = f"{LONG if n % 8 == 2 else ''}ticket {n - (n % 4 == 1)}"
            self.execute(f"insert into tickets values ({n}, '{TEAMS[n % 2]}', '{text}')")

    def stage(self, run_id: str) -> Any:
        """Stage what a night asks."""
        self.pipeline.name = run_id.rpartition("/")[2]
        source = {"conn_id": self.conn_id, "sql": "select * from tickets", "key": "id", "carry": ["team"]}
        target = arguments.target({"conn_id": self.conn_id, "table": "ticket_labels"})
        return self.pipeline.stage(source=source, target=target, run_id=run_id)

    def run(self, run_id: str) -> Any:
        """Do a whole night, a day after the one before."""
        self.pipeline.emulator.advance(86_400)
        staged = self.stage(run_id)
        self.pipeline.advance(staged.attempt)
        self.pipeline.wait()
        self.loads.append(self.pipeline.load())
        return staged

    def rows(self) -> list[dict[str, Any]]:
        """Return the target's rows."""
        taken = self.execute(f"select {', '.join(COLUMNS)} from ticket_labels order by id")
        return [dict(zip(COLUMNS, row, strict=True)) for row in taken]

    def ask(self, name: str) -> list[tuple[Any, ...]]:
        """Run a query of the page."""
        return self.execute(QUERIES[name])


def two_nights(made: Nights) -> Nights:
    """Let the first night have failed rows, which the second one asks again; its new ones are refused."""
    pipeline = made.pipeline
    pipeline.client.prices = PRICES
    pipeline.output_type = ["bug", "feature"]
    pipeline.limits = {"max_failed_ratio": 1, "max_attempts": 1}
    made.execute("create table tickets (id integer, team varchar(20), body text)")
    made.fill(range(20))
    pipeline.emulator.fault("fail_requests", share=0.3, status=500, times=1)
    made.run(FIRST)
    made.fill(range(20, 40))
    pipeline.emulator.fault("fail_requests", share=0.3, status=400, permanent=True, times=1)
    made.run(SECOND)
    assert [sorted(loaded.counts) for loaded in made.loads] == [["failed", "ok"], ["error", "ok"]]
    return made


def in_duckdb(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Run a query where the time zone is not UTC, as on many a machine."""
    with duckdb.connect(str(path)) as database:
        database.execute("set timezone = 'Pacific/Auckland'")
        return database.execute(query).fetchall()


def in_sqlite(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Run a query in a file."""
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(query).fetchall()
