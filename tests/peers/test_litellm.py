"""LiteLLM's proxy in front of another server: every row lands, and no request runs twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from airflow_provider_openai_batch.batch.decisions.actions import Finish
from airflow_provider_openai_batch.client.sync_client import Client
from airflow_provider_openai_batch.steps.run_folder.read import read_run
from tests.peers.gateway import BEHIND, BIN, KEY, Gateway, get, port_of
from tests.services.stack import free_port
from tests.steps.conftest import pipeline  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.steps.conftest import Pipeline

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (BIN / "litellm").exists(),
        reason="LiteLLM is not installed; `make .venv-litellm` does so, if the package index has it",
    ),
]

ROWS = 60
LINE = (
    b'{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", '
    b'"body": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hi"}]}}'
)


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Gateway]:
    """Start the proxy in front of llmock, which answers with what it was asked."""
    upstream = f"http://127.0.0.1:{free_port()}/v1"
    gateway = Gateway(tmp_path / "gateway", upstream)
    place = ["--host", "127.0.0.1", "--port", port_of(upstream)]
    yield from serving(gateway, [str(BIN / "llmock"), "serve", *place, "--response-style", "echo"])


@pytest.fixture
def emulated(pipeline: Pipeline, tmp_path: Path) -> Iterator[Gateway]:  # noqa: F811
    """Start the proxy in front of the emulator."""
    pipeline.emulator.restart(seconds_to_complete=0)
    yield from serving(Gateway(tmp_path / "gateway", pipeline.emulator.base_url))


def serving(gateway: Gateway, server: Sequence[str] = ()) -> Iterator[Gateway]:
    """Serve, and leave nothing running."""
    gateway.folder.mkdir()
    try:
        gateway.serve(server)
        yield gateway
    finally:
        gateway.stop()


def opened(gateway: Gateway, **headers: str) -> openai.OpenAI:
    """Open connections to the proxy."""
    told: dict[str, Any] = {"base_url": gateway.base_url, "api_key": KEY, "default_headers": headers}
    return openai.OpenAI(**told, max_retries=0)


def land(pipeline: Pipeline, gateway: Gateway, **headers: str) -> dict[str, int]:  # noqa: F811
    """Send all tickets through the proxy, look until the run has ended, and load."""
    with opened(gateway, **headers) as api:
        pipeline.client = Client(api)
        pipeline.fill([(number, f"ticket {number}.") for number in range(ROWS)])
        pipeline.submit()
        gateway.wait("the run has not ended", lambda: isinstance(pipeline.advance(), Finish))
        return dict(pipeline.load().counts)


def test_rows_land_from_a_foreign_server(pipeline: Pipeline, foreign: Gateway):  # noqa: F811
    """Each ticket is in one batch of the server's, once, and its row holds the answer to itself."""
    pipeline.output_type = None

    assert land(pipeline, foreign) == {"ok": ROWS}

    batches = get(f"{foreign.upstream}/batches", BEHIND)["data"]
    assert [batch["request_counts"]["completed"] for batch in batches] == [ROWS]
    rows = pipeline.table("id, answer, batch_attempt")
    assert [(number, attempt) for number, _, attempt in rows] == [(number, 1) for number in range(ROWS)]
    assert all(f"ticket {number}." in answer for number, answer, _ in rows)


def test_rows_land_where_files_have_no_metadata(pipeline: Pipeline, emulated: Gateway):  # noqa: F811
    """The proxy answers 500 to what a file is: its content is collected, and each request runs once."""
    pipeline.emulator.fault("metadata_unavailable")

    assert land(pipeline, emulated) == {"ok": ROWS}

    with opened(emulated) as api, pytest.raises(openai.InternalServerError):
        api.files.retrieve(api.files.create(file=("tickets.jsonl", LINE), purpose="batch").id)
    assert pipeline.times_executed == [1] * ROWS
    assert len(pipeline.emulator.batches()) == 1


def test_rows_land_by_ids_of_the_proxy(pipeline: Pipeline, emulated: Gateway):  # noqa: F811
    """The proxy puts the model into the ids of files and batches, so none is the server's own."""
    assert land(pipeline, emulated, **{"x-litellm-model": "gpt-5-mini"}) == {"ok": ROWS}

    (send,) = read_run(pipeline.store).sends
    (batch,) = pipeline.emulator.batches()
    assert send.batch is not None
    assert batch["id"] not in {send.batch.id, ""}
    assert pipeline.times_executed == [1] * ROWS
