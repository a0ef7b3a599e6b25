"""The batches of `apache-airflow-providers-common-ai`: its own adapter, and what its users add to it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pandas as pd
import psycopg2
import pyarrow.parquet as pq
from airflow.providers.common.ai.batch.openai import OpenAIBatchAdapter
from airflow.providers.common.ai.batch.output_schema import build_output_spec
from airflow.providers.common.ai.batch.results import stream_results_to_jsonl
from airflow.sdk import ObjectStoragePath
from openai import OpenAI
from pydantic import BaseModel, ConfigDict

from benchmarks.peers.warming import two_rows
from benchmarks.task import LABELS, MODEL, MOST_REQUESTS, SYSTEM, prompt

if TYPE_CHECKING:
    from collections.abc import Iterator

SELECT = "SELECT region, ticket FROM tickets"
KEY = "0123456789abcdef"


class Form(BaseModel):
    """The answer, as its users declare it."""

    model_config = ConfigDict(extra="forbid")

    label: Literal[LABELS]  # type: ignore[valid-type]
    urgency: int
    summary: str
    confidence: float


def warm(**given: Any) -> None:
    """Take two rows the whole way."""
    two_rows((submit, results), **given)


def build(source: dict[str, str], folder: str, **_: Any) -> None:
    """Read the rows, validate the requests, and submit them to a client that writes them to disk.

    The fingerprint that its operator makes of all requests is left out.
    """
    files = SimpleNamespace(create=_Disk(Path(folder)))
    batches = SimpleNamespace(create=lambda **_: SimpleNamespace(id="batch"))
    adapter = OpenAIBatchAdapter(client=SimpleNamespace(files=files, batches=batches))
    for number, requests in enumerate(_requests(source)):
        _submit(adapter, requests, f"{KEY[:-3]}{number:03}")


def submit(source: dict[str, str], folder: str, api: dict[str, Any], **_: Any) -> None:
    """Send the rows, and keep the names of the batches."""
    adapter = OpenAIBatchAdapter(client=_client(api))
    sent = [
        (_submit(adapter, requests, f"{KEY[:-3]}{number:03}"), len(requests))
        for number, requests in enumerate(_requests(source))
    ]
    Path(folder, "sent.json").write_text(json.dumps(sent))


def results(source: dict[str, str], folder: str, api: dict[str, Any], **_: Any) -> None:
    """Land the results as its operator does, and join them to their rows by position, as its users do."""
    spec, adapter = build_output_spec(Form), OpenAIBatchAdapter(client=_client(api))
    answers = []
    for number, (batch, count) in enumerate(json.loads(Path(folder, "sent.json").read_text())):
        landed = Path(folder, f"{number}.jsonl")
        stream_results_to_jsonl(
            adapter=adapter,
            batch_id=batch,
            output_spec=spec,
            request_count=count,
            custom_id_prefix=KEY,
            destination=ObjectStoragePath(f"file://{landed}"),
        )
        with landed.open() as file:
            rows = [json.loads(line) for line in file]
        answers += [
            {
                "position": number * MOST_REQUESTS + row["index"],
                "status": row["status"],
                **(row["output"] or {}),
            }
            for row in rows
        ]
    rows = pd.read_parquet(source["path"], columns=["id", "region"]).reset_index(names="position")
    table = rows.merge(pd.DataFrame(answers), on="position", how="left")
    table.drop(columns="position").to_parquet(Path(folder, "table.parquet"))


def _submit(adapter: OpenAIBatchAdapter, requests: list[dict[str, str]], key: str) -> str:
    asked = {
        "model": MODEL,
        "output_spec": build_output_spec(Form),
        "idempotency_key": key,
        "system_prompt": SYSTEM,
    }
    adapter.validate_requests(requests, **asked)
    return adapter.submit(requests, input_fingerprint=KEY, **asked).batch_id


def _requests(source: dict[str, str]) -> Iterator[list[dict[str, str]]]:
    """Read the rows, up to the limit of a batch at once."""
    requests: list[dict[str, str]] = []
    for regions, tickets in _columns(source):
        requests += [{"prompt": prompt(*row)} for row in zip(regions, tickets, strict=True)]
        while len(requests) >= MOST_REQUESTS:
            yield requests[:MOST_REQUESTS]
            requests = requests[MOST_REQUESTS:]
    if requests:
        yield requests


def _columns(source: dict[str, str]) -> Iterator[tuple[list[str], list[str]]]:
    if path := source.get("path"):
        for batch in pq.ParquetFile(path).iter_batches(10_000, columns=["region", "ticket"]):
            yield batch["region"].to_pylist(), batch["ticket"].to_pylist()
    elif path := source.get("duckdb"):
        with closing(duckdb.connect(path, read_only=True)) as connection:
            cursor = connection.execute(SELECT)
            while rows := cursor.fetchmany(10_000):
                yield tuple(zip(*rows, strict=True))  # type: ignore[misc]
    else:
        with closing(psycopg2.connect(source["postgres"])) as connection:
            cursor = connection.cursor("tickets")
            cursor.itersize = 10_000
            cursor.execute(SELECT)
            while rows := cursor.fetchmany(10_000):
                yield tuple(zip(*rows, strict=True))


def _client(api: dict[str, Any]) -> OpenAI:
    return OpenAI(base_url=api["host"], api_key=api["password"])


class _Disk:
    """Takes the files that are uploaded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, file: tuple[str, bytes], purpose: str) -> SimpleNamespace:
        name, content = file
        Path(self._folder, name).write_bytes(content)
        return SimpleNamespace(id=name)
