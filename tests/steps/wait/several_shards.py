"""A run of several shards, and a client that lets a test act before its calls."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import openai

from airflow_provider_openai_batch.client.same_origin import SameOrigin
from airflow_provider_openai_batch.client.transfers import Transfers
from tests.world.pipeline import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.steps.conftest import Pipeline

#: Seconds that a thread of a test waits for another, and how many shards its run has.
LONGEST, SHARDS = 60.0, 6
CALLS = {
    "upload": re.compile(r"POST .*/files"),
    "create": re.compile(r"POST .*/batches"),
    "content": re.compile(r"GET .*/content"),
    "delete": re.compile(r"DELETE .*"),
}


class Stopped(BaseException):
    """Airflow ends the task here, as it does at a time-out."""


class Calls:
    """Counts the calls of a client by kind; `before` is called with each kind and number, by its thread."""

    def __init__(self, before: Callable[[str, int], object] = lambda kind, number: None) -> None:
        self.counts: Counter[str] = Counter()
        self.before = before

    def hear(self, request: Any) -> None:
        """Count a request that is about to leave."""
        line = f"{request.method} {request.url.path}"
        for kind, pattern in CALLS.items():
            if pattern.fullmatch(line):
                self.counts[kind] += 1
                self.before(kind, self.counts[kind])


def cut(pipeline: Pipeline, shards: int) -> Calls:
    """Let the run have so many shards of one row, and count the calls of its client."""
    pipeline.limits = {"requests_per_shard": 1}
    pipeline.fill([(number, f"ticket {number}") for number in range(shards)])
    calls, http = Calls(), SameOrigin(verify=False)
    http.event_hooks = {**http.event_hooks, "request": [calls.hear]}
    pipeline.client.close()
    emulator = pipeline.emulator
    pipeline.client = connect(emulator.base_url, key=emulator.api_key, http=http)
    pipeline.client.transfers = Transfers(least=0)
    return calls


def files_without_a_batch(pipeline: Pipeline) -> int:
    """Count the input files that no batch was made of."""
    used = {batch["input_file_id"] for batch in pipeline.emulator.batches()}
    files = (file for file in pipeline.emulator.files() if file["purpose"] == "batch")
    return sum(file["id"] not in used for file in files)


def failing(number: int, error: BaseException) -> Callable[[int], None]:
    """Return what fails at the call of this number."""

    def fail(call: int) -> None:
        if call == number:
            raise error

    return fail


def error_of(status: int, **headers: str) -> openai.APIStatusError:
    """Return what the SDK raises for an answer of this status."""
    request = httpx.Request("POST", "https://api.test/v1/files")
    response = httpx.Response(status, headers=headers, request=request)
    return openai.APIStatusError("The server says so.", response=response, body={})
