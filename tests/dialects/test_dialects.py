"""A whole run, rows to table, against servers that copy the API and differ."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Due, Finish, GiveUp, Wait
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import AsyncClient, Client
from airflow_provider_openai_batch.exceptions import OpenAIBatchError
from airflow_provider_openai_batch.steps.look.async_look import look
from airflow_provider_openai_batch.steps.wait.advance import cancel
from tests.dialects.server import DAY, Dialect, Server, serving
from tests.dialects.vendors import ALL, ERRORS, NO_LISTS, Case
from tests.steps.conftest import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROWS = [(n, f"ticket {n}") for n in range(4)] + [(4, "bad ticket"), (5, "flaky ticket")]
DONE = [(n, "ok", 1) for n in range(4)] + [(4, "error", 1), (5, "ok", 2)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The other server."""
    with serving() as served:
        yield served


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[openai.OpenAI]:
    """Connections to it."""
    with openai.OpenAI(base_url=server.base_url, api_key="sk-dialects", max_retries=0) as opened:
        yield opened


@pytest.fixture
def pipeline(server: Server, api: openai.OpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Six tickets: four are answered, the API refuses one, and one fails at first."""
    warehouse = {"conn_type": "sqlite", "host": str(tmp_path / "warehouse.db")}
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(warehouse))
    made = Pipeline(emulator=server, folder=tmp_path, client=Client(api), limits={"max_failed_ratio": 1})
    return made.fill(ROWS)


def end(pipeline: Pipeline, server: Server) -> dict[str, int]:
    """Wait by the server's clock until the run ends, for three days at most, and load."""
    step: Any = pipeline.advance()
    for _ in range(36):
        if not isinstance(step, Wait):
            break
        server.advance(7_200)
        step = pipeline.advance()
    assert step == Finish()
    server.advance(60)  # a `Date` tells whole seconds only: the time may seem to go back a little
    return pipeline.load().counts


def nothing_ran_twice(server: Server) -> bool:
    """Tell whether each request was answered once, and only the one that failed was asked again."""
    others = {count for text, count in server.asked.items() if "flaky" not in text}
    return set(server.answered.values()) <= {0, 1} and others <= {1}


cases = pytest.mark.parametrize("case", ALL.values(), ids=ALL)


@cases
def test_every_row_lands_once(pipeline: Pipeline, server: Server, case: Case) -> None:
    """However a server writes it: each row has its status, nothing ran twice, nothing is left."""
    server.speak(case.dialect)

    pipeline.submit()

    assert end(pipeline, server) == case.counts
    assert nothing_ran_twice(server)
    assert server.cancels == 0
    assert (server.files == {}) == case.cleaned
    if "ok" in case.counts:
        assert DONE == pipeline.table("id, batch_status, batch_attempt")
        assert len(server.ours) == 2


#: Only what a list, a file, or a time looks like has a part in a doubt.
GROUPS = ("vendor", "ids", "http", "list", "calls", "batch: times", "batch: local", "files: no")
doubtful = {n: c for n, c in ALL.items() if c.lost != "untried" and n.startswith(GROUPS)}


@pytest.mark.parametrize("case", doubtful.values(), ids=doubtful)
def test_lost_answers_of_create(pipeline: Pipeline, server: Server, case: Case) -> None:
    """A batch whose create was not answered is found, or waited for; never is a second one made beside it.

    The second create did not act at all: what a whole list does not show, and what cannot run any more,
    is sent again. All else is unknown in the end.
    """
    server.speak(case.dialect)
    server.loses = ["after", "before"]
    pipeline.limits |= {"requests_per_shard": 3}

    pipeline.submit()

    found, again = case.lost == "solved", (case.never or case.lost) == "solved"
    assert end(pipeline, server).get("unknown", 0) == 3 * (2 - found - again)
    landed = [row for row in pipeline.table("id, batch_status, batch_attempt") if row[1] != "unknown"]
    assert set(landed) <= set(DONE)
    assert len(server.ours) == 1 + again + (DONE[-1] in landed)
    assert nothing_ran_twice(server)
    assert server.cancels == 0


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_trigger_sees_the_end_of_a_doubt(pipeline: Pipeline, server: Server, status: int) -> None:
    """Where no batches are listed, the trigger still learns how late it is, and lets the run end."""
    server.speak(Dialect(refuses={"list": status}))
    server.loses = ["after"]
    pipeline.submit()
    server.advance(DAY)

    async def seen() -> Any:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="sk", max_retries=0) as api:
            return (await look(pipeline.store, AsyncClient(api), Settings())).step

    assert asyncio.run(seen()) == Due()


@pytest.mark.parametrize("dialect", NO_LISTS.values(), ids=NO_LISTS)
def test_answer_that_is_no_list(pipeline: Pipeline, server: Server, dialect: Dialect) -> None:
    """What cannot be read is not taken for an empty list: nothing is sent before it can be."""
    server.speak(dialect)

    with pytest.raises(OpenAIBatchError, match="Nothing was sent"):
        pipeline.submit()
    assert server.files == {}


@pytest.mark.parametrize(("status", "error"), ERRORS.values(), ids=ERRORS)
def test_refusal_is_said_in_the_servers_words(
    pipeline: Pipeline, server: Server, status: int, error: Callable[[int, str], Any]
) -> None:
    """However a server says no: nothing exists then, and the task fails with what it said."""
    server.speak(Dialect(refuses={"create": status}, error=error))

    step = pipeline.submit()

    assert isinstance(step, GiveUp)
    assert "Not here." in step.error
    assert server.files == {}


def test_page_is_no_refusal(pipeline: Pipeline, server: Server) -> None:
    """Without an error of the API's own nobody knows whether the create acted."""
    server.speak(Dialect(refuses={"create": 400}, error=lambda status, message: f"<html>{message}"))

    assert isinstance(pipeline.submit(), Wait)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 501])
def test_cancel_that_is_refused(pipeline: Pipeline, server: Server, status: int) -> None:
    """A batch that cannot be cancelled runs to its end, and its answers land."""
    server.speak(Dialect(refuses={"cancel": status}))
    pipeline.submit()

    cancel(pipeline.store, pipeline.client)

    assert end(pipeline, server) == {"ok": 5, "error": 1}


def test_cancel_that_fails_stops_no_other(pipeline: Pipeline, server: Server) -> None:
    """Each batch is asked to end, whatever becomes of the first call; the failure is told."""
    server.speak(Dialect(stumbles={"cancel": 500}))
    pipeline.limits |= {"requests_per_shard": 2}
    pipeline.submit()

    with pytest.raises(openai.InternalServerError):
        cancel(pipeline.store, pipeline.client)
    assert (len(server.ours), server.cancels) == (3, 2)


def test_delete_that_is_denied_is_no_fence(pipeline: Pipeline, server: Server) -> None:
    """A file that the API says it kept may still become a batch: the doubt stays."""
    server.speak(Dialect(deleted=False))
    server.loses = ["before"]

    pipeline.submit()

    assert end(pipeline, server) == {"unknown": 6}
    assert server.ours == []
