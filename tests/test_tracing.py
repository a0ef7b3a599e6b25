"""Spans of a run, as OpenTelemetry gets them from Airflow."""

from __future__ import annotations

import gzip
import os
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_openai_batch import tracing
from airflow_provider_openai_batch.batch.decisions.progress import Progress
from airflow_provider_openai_batch.exceptions import TooManyFailures
from airflow_provider_openai_batch.links import airflow_version
from airflow_provider_openai_batch.steps.load.load_summary import LoadSummary
from tests.client.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("opentelemetry.sdk", reason="Airflow 3 brings the SDK")
LOADED = LoadSummary(
    rows=4, written=3, kept=1, counts={"ok": 3, "error": 1}, judged=4, failed=1, model="m", tokens=(90, 8)
)
ROW_TEXT = "canary-bird-in-a-row"
DAG = """
from datetime import datetime, timezone
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_openai_batch import OpenAIBatchTaskGroup

with DAG("traced", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
    OpenAIBatchTaskGroup(
        "g",
        source={"conn_id": "warehouse", "table": "tickets", "key": "id"},
        request={"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "{text}"}]},
        target={"conn_id": "warehouse", "table": "answers"},
        limits={"max_failed_ratio": 1},
        wait={"poke_interval": 1},
    )

if __name__ == "__main__":
    assert str(dag.test().state) == "success"
"""


@pytest.fixture(scope="module")
def recorder() -> Iterator[Any]:
    """Give what the process's one tracer provider records; it stays, and records nothing after the tests."""
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: PLC0415

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    exporter.shutdown()


def recorded(recorder: Any) -> tuple[str, dict[str, Any], str, str | None, int]:
    (span,) = recorder.get_finished_spans()
    recorder.clear()
    status = span.status
    return span.name, dict(span.attributes), status.status_code.name, status.description, len(span.events)


def test_counts_are_attributes(recorder: Any) -> None:
    """What is unknown is left out."""
    progress = Progress(at=160.0, since=100.0, batches=2, done=1, requests=40, answered=24, failed=2)

    with tracing.span("look", "file:///run") as counted:
        counted(tracing.of_look(progress))
    look = recorded(recorder)
    with tracing.span("load", "file:///run") as counted:
        counted(tracing.of_load(LOADED))
    load = recorded(recorder)

    assert look == (
        "openai_batch.look",
        {"openai_batch.run_uri": "file:///run", "openai_batch.batches": 2, "openai_batch.batches_done": 1,
         "openai_batch.requests": 40, "openai_batch.answered": 24, "openai_batch.failed": 2},
        "UNSET", None, 0,
    )  # fmt: skip
    assert load[1]["openai_batch.rows_failed"] == 1
    assert "openai_batch.cost_usd" not in load[1]


def test_an_error_is_its_class_alone(recorder: Any) -> None:
    """A message may quote a server, so neither it nor a traceback is recorded; counts are, where known."""
    with pytest.raises(ValueError, match=ROW_TEXT), tracing.span("submit", "file:///run"):
        raise ValueError(ROW_TEXT)
    error = recorded(recorder)
    with pytest.raises(TooManyFailures), tracing.span("load", "file:///run"):
        raise TooManyFailures("too many", LOADED)
    failures = recorded(recorder)

    assert error[1:] == ({"openai_batch.run_uri": "file:///run"}, "ERROR", "ValueError", 0)
    assert failures[1]["openai_batch.rows_failed"] == 1
    assert failures[2:4] == ("ERROR", "TooManyFailures")


def test_a_skip_is_not_an_error(recorder: Any) -> None:
    """A preview ends so."""
    with pytest.raises(AirflowSkipException), tracing.span("submit", "file:///run"):
        raise AirflowSkipException

    assert recorded(recorder)[2] == "UNSET"


@pytest.mark.long
@pytest.mark.skipif(airflow_version() < (3, 2), reason="Airflow sends them from a tracer of its own")
def test_a_run_sends_its_spans(
    airflow_home: Path, airflow_db: Path, connection: Any, tmp_path: Path, openai_batch_emulator: Any
) -> None:
    """An OTLP server gets a span of each task with its counts, and no text of a row."""
    with sqlite3.connect(tmp_path / "warehouse.db") as connected:
        connected.execute("create table tickets (id integer primary key, text text)")
        connected.executemany("insert into tickets values (?, ?)", [(n, f"{ROW_TEXT} {n}") for n in range(8)])
    connection("warehouse", conn_type="sqlite", host=str(tmp_path / "warehouse.db"))
    openai_batch_emulator.fault("fail_requests", share=0.25, status=400, permanent=True, times=None)
    file = airflow_home / "dags" / "traced.py"
    file.write_text(DAG)

    with collecting() as (url, bodies):
        env = {
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "AIRFLOW__OPENAI_BATCH__WORK_PATH": f"file://{tmp_path / 'runs'}",
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url,
        }
        done = subprocess.run(
            [sys.executable, str(file)], env=os.environ | env, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]

    spans = dict(spans_of(bodies))
    with sqlite3.connect(tmp_path / "warehouse.db") as connected:
        ((failed, tokens),) = connected.execute(
            "select sum(batch_status <> 'ok'), sum(batch_input_tokens) from answers"
        ).fetchall()
    assert (spans["submit"]["rows"], spans["submit"]["requests"], spans["submit"]["model"]) == (
        8,
        8,
        "gpt-4.1-mini",
    )
    assert (spans["look"]["batches_done"], spans["look"]["requests"]) == (1, 8)
    assert (spans["load"]["rows_failed"], spans["load"]["input_tokens"]) == (failed, tokens)
    assert ROW_TEXT.encode() not in b"".join(bodies)


class Collecting(ThreadingHTTPServer):
    """Takes what an exporter sends."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Collector)
        self.bodies: list[bytes] = []


class Collector(BaseHTTPRequestHandler):
    server: Collecting

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_zipped = self.headers.get("Content-Encoding") == "gzip"
        self.server.bodies.append(gzip.decompress(body) if is_zipped else body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def collecting() -> Iterator[tuple[str, list[bytes]]]:
    """Listen as an OTLP server does; gives its address, and the bodies that arrive."""
    with running(Collecting()) as server:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", server.bodies


def spans_of(bodies: list[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield our spans by name, each with its attributes."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415
        ExportTraceServiceRequest,
    )

    for body in bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                if span.name.startswith("openai_batch."):
                    values = {one.key: one.value for one in span.attributes}
                    yield (
                        span.name.removeprefix("openai_batch."),
                        {
                            name.removeprefix("openai_batch."): getattr(value, value.WhichOneof("value"))
                            for name, value in values.items()
                        },
                    )
