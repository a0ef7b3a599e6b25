"""What holds tokens is listed whole once for a task, not before each of its creates.

KIND: a call whose price grows with what the account has done lately, paid again for each shard.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Wait
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.steps.look.live_batches import LiveBatches
from airflow_provider_openai_batch.steps.wait.advance import advance

if TYPE_CHECKING:
    from tests.steps.conftest import Pipeline

OTHERS, PAGES = 250, 3
ENDPOINT = "/v1/chat/completions"
LINE = (
    b'{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-5-mini"}}\n'
)
SHARDS = 8


class Lists:
    """A client, and how often it has called for a page of batches."""

    def __init__(self, emulator: Any, budgets: dict[str, int] | None = None) -> None:
        self.calls: Counter[str] = Counter()
        http = openai.DefaultHttpxClient(event_hooks={"request": [self._count]})
        api = openai.OpenAI(base_url=emulator.base_url, api_key=emulator.api_key, http_client=http)
        self.client = Client(api, budgets)

    @property
    def pages(self) -> int:
        return self.calls["/v1/batches"]

    def _count(self, request: Any) -> None:
        if request.method == "GET":
            self.calls[request.url.path] += 1


@pytest.fixture
def busy(openai_batch_emulator: Any) -> Any:
    """Give an emulator whose account has batches of others on three pages."""
    client = Lists(openai_batch_emulator).client
    for _ in range(OTHERS):
        create(client, "1")
    openai_batch_emulator.advance(3_600)
    return openai_batch_emulator


def create(client: Client, tokens: str) -> str:
    """Create a batch of another run, and return its id."""
    file = client.upload("rows.jsonl", io.BytesIO(LINE))
    created: Any = client.create(file.id, ENDPOINT, {"tokens": tokens, "model": "gpt-5-mini"})
    return str(created.batch.id)


def test_what_is_new_takes_a_page(busy: Any):
    """All were listed once; then a batch that another process has made is seen by one call."""
    lists = Lists(busy)
    lists.client.file_exists("file-1")  # the answer has the API's time
    live = LiveBatches(lists.client, lag=600)
    assert (len(live.with_new()), lists.pages) == (OTHERS, PAGES)

    made = create(Lists(busy).client, "1")

    assert made in {batch.id for batch in live.with_new()}
    assert lists.pages == PAGES + 1


@pytest.mark.parametrize(("budget", "has_room"), [(100_000, True), (300, False)])
def test_shards_are_counted_by_what_is_new(busy: Any, pipeline: Pipeline, budget: int, has_room: bool):
    """A submit of many shards lists the account's batches once, and again only where its budget is full."""
    lists = Lists(busy, {"gpt-5-mini": budget})
    run = replace(pipeline, client=lists.client, limits={"requests_per_shard": 1})
    staged = run.fill([(n, f"ticket {n}") for n in range(SHARDS)]).stage()
    lists.calls.clear()
    before = len(busy.batches())

    step = advance(run.store, lists.client, Settings(), staged.attempt)

    assert isinstance(step, Wait)
    sent = len(busy.batches()) - before
    assert sent == SHARDS if has_room else 0 < sent < SHARDS
    assert lists.pages <= 2 * PAGES + 2 * SHARDS
