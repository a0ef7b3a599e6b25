"""Many runs over one small token queue: all finish, and none is told of an error."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Due, Finish, Wait
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.same_origin import AsyncSameOrigin
from airflow_provider_openai_batch.client.sync_client import AsyncClient, Client
from airflow_provider_openai_batch.steps.look.async_look import look
from airflow_provider_openai_batch.steps.wait.advance import advance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.steps.conftest import Pipeline

LIMIT = 200_000
RUNS = 30
ROWS = 12
TEXT = "word " * 3_000  # 15 kB: about 3,750 tokens, estimated as 5,000
BUDGETS = {"the connection names it": {"gpt-5-mini": LIMIT}, "the API names it": {}}
DAY = 96  # steps of a quarter of an hour


class Backfill:
    """Some runs, each with a client of its own, over one server."""

    def __init__(
        self, pipeline: Pipeline, budgets: dict[str, int], runs: int = RUNS, **settings: Any
    ) -> None:
        self.emulator = pipeline.emulator
        self.budgets = budgets
        self.emulator.restart(**{"seconds_to_complete": 600, "queue_tokens": LIMIT} | settings)
        self.runs = [replace(pipeline, name=f"run{n}", client=self._client()) for n in range(runs)]
        with sqlite3.connect(pipeline.folder / "warehouse.db") as database:
            database.execute("create table words (run integer, id integer, body text)")
            rows = [(n, n * ROWS + row, f"{n} {row} {TEXT}") for n in range(runs) for row in range(ROWS)]
            database.executemany("insert into words values (?, ?, ?)", rows)

    def submit(self) -> None:
        """Start all runs at once."""
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._submit, range(len(self.runs))))

    def wait(self) -> int:
        """Look at all runs as triggers do, and advance those that are due, until all have ended."""
        for quarter in range(2 * DAY):
            waiting = [run for run in self.runs if not self._has_ended(run)]
            if not waiting:
                return quarter
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda run: advance(run.store, run.client, Settings()), waiting))
            self.emulator.advance(900)
        return 2 * DAY

    def step(self, run: Pipeline) -> Any:
        """Return what a look at a run says, as its trigger sees it."""
        return asyncio.run(self._look(run))

    def _has_ended(self, run: Pipeline) -> bool:
        step = self.step(run)
        assert isinstance(step, Wait | Finish) or step.__class__.__name__ == "Due"
        return isinstance(step, Finish)

    async def _look(self, run: Pipeline) -> Any:
        api = openai.AsyncOpenAI(
            base_url=self.emulator.base_url,
            api_key=self.emulator.api_key,
            http_client=AsyncSameOrigin(verify=False),
        )
        async with api:
            return (await look(run.store, AsyncClient(api, self.budgets), Settings())).step

    def _submit(self, number: int) -> None:
        run = self.runs[number]
        staged = run.stage(source={"sql": f"select id, body from words where run = {number}"})
        advance(run.store, run.client, Settings(), staged.attempt)

    def _client(self) -> Client:
        api = openai.OpenAI(base_url=self.emulator.base_url, api_key=self.emulator.api_key)
        return Client(api, self.budgets)

    def peak(self) -> int:
        """The most tokens that were live at a time, by our own estimate."""
        lives = [
            (
                batch["created_at"],
                batch["completed_at"] or batch["failed_at"],
                int(batch["metadata"]["tokens"]),
            )
            for batch in self.emulator.batches()
            if batch["status"] == "completed"
        ]
        return max(sum(held for start, end, held in lives if start <= at < end) for at, _, _ in lives)


@pytest.fixture(params=["the API names it", pytest.param("the connection names it", marks=pytest.mark.long)])
def backfill(pipeline: Pipeline, request: pytest.FixtureRequest) -> Iterator[Backfill]:
    """Thirty staged runs, their budget known from the start or not."""
    made = Backfill(pipeline, BUDGETS[request.param])
    yield made
    for run in made.runs:
        run.client.close()


def test_thirty_runs_over_a_small_budget(backfill: Backfill):
    """All finish, none starves, nothing runs twice, and no step raises what Airflow would retry.

    `-rP` shows the peak over our own budget: runs that count at the same moment take the same room, and
    then the API refuses some for nothing.
    """
    backfill.submit()
    quarters = backfill.wait()
    loaded = [run.load() for run in backfill.runs]

    failed = sum(batch["status"] == "failed" for batch in backfill.emulator.batches())
    print(  # noqa: T201
        f"{RUNS} runs in {quarters / 4:.1f} h; {failed} refusals; "
        f"peak {backfill.peak() / LIMIT:.2f} of our own budget"
    )
    assert [one.counts for one in loaded] == [{"ok": ROWS}] * RUNS
    assert backfill.emulator.totals["most_executions"] == 1
    assert backfill.emulator.totals["executions"] == RUNS * ROWS
    assert backfill.emulator.files() == []
    with closing(sqlite3.connect(backfill.runs[0].folder / "warehouse.db")) as database:
        assert database.execute("select count(*), count(distinct id) from labels").fetchone() == (
            RUNS * ROWS,
            RUNS * ROWS,
        )


def test_a_refused_run_goes_when_another_one_has_ended(pipeline: Pipeline):
    """Two runs meet at an empty queue for one: the second has its turn after 30 s, not minutes later."""
    backfill = Backfill(pipeline, {}, runs=2, seconds_to_complete=30, queue_tokens=LIMIT // 3)
    backfill.submit()
    backfill.emulator.advance(5)
    for run in backfill.runs:
        advance(run.store, run.client, Settings())
    assert sorted(batch["status"] for batch in backfill.emulator.batches()) == ["failed", "in_progress"]
    assert [type(backfill.step(run)) for run in backfill.runs] == [Wait, Wait]

    backfill.emulator.advance(40)

    assert [type(backfill.step(run)) for run in backfill.runs] == [Due, Due]
    for run in backfill.runs:
        advance(run.store, run.client, Settings())
    backfill.emulator.advance(40)
    assert [type(advance(run.store, run.client, Settings())) for run in backfill.runs] == [Finish, Finish]
    for run in backfill.runs:
        run.client.close()
