"""Reports of loads as they may be: an ordinary one, and all that strains a page."""

from __future__ import annotations

from typing import Any

from airflow_provider_openai_batch.batch.cost.estimate import Estimate
from airflow_provider_openai_batch.batch.report.report_values import (
    Attempt,
    Failure,
    Label,
    Labels,
    ModelUse,
    Report,
    RunFigures,
    SendTime,
    ShardTime,
    Tokens,
)
from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.steps.load.write_report import page_template

TEMPLATE = page_template()
START = 1_780_365_600.0
HOUR = 3_600.0
STATUSES = ("completed", "expired", "cancelled", "failed", "lost", "void", "refused", "synchronous", "open")
HUGE = 10**12
WORDS = (
    "<script>document.body.remove()</script>",
    "\"'><svg onload=alert(1)>&amp;{{ 7*7 }}",
    "x" * 400,
    "a label of many words that goes on " * 6,
    "تسوية النزاع حول المعاملة",
    "\u202egnirts desrever\u202c",
    "卡片遗失或被盗",
    "\u0007bell\u0085and\x1bescape",
)


def make_shard(number: int, *, status: str = "completed", start: float = 60.0) -> ShardTime:
    """Make a shard that was sent once."""
    created = START + start
    ended = None if status == "open" else created + HOUR * (1 + number % 7)
    batch_id = None if status == "synchronous" else f"batch_{number:024x}"
    send = SendTime(
        id="0001-ab12",
        status=status,
        batch_id=batch_id,
        submitted_at=START,
        created_at=created,
        ended_at=ended,
        counts={"ok": 1_000},
    )
    return ShardTime(
        id=f"{number:032x}-0001", attempt=1, parent=None, model="gpt-5-mini", requests=1_000, sends=(send,)
    )


def make_report(**changes: Any) -> Report:
    """Make the report of an ordinary load."""
    fields: dict[str, Any] = {
        "at": START + 9 * HOUR,
        "run_id": "tickets/classify.submit/scheduled__2026-06-02T00:00:00+00:00",
        "snapshot": "0001-ab12cd34",
        "endpoint": "/v1/chat/completions",
        "model": "gpt-5-mini",
        "submitted_at": START,
        "rows": 1_010,
        "written": 1_000,
        "kept": 10,
        "skipped": 7,
        "requests": 900,
        "judged": 1_000,
        "failed": 40,
        "max_failed_ratio": 0.1,
        "counts": {"ok": 970, "failed": 25, "refused": 15},
        "tokens": Tokens(input=61_204, cached=20_412, output=5_114, reasoning=3_200),
        "cost_usd": 0.0123,
        "saved_usd": 0.0123,
        "models": (
            ModelUse(
                model="gpt-5-mini-2025-08-07",
                rows=970,
                tokens=Tokens(input=61_204, cached=20_412, output=5_114, reasoning=3_200),
                cost_usd=0.0123,
            ),
        ),
        "labels": (
            Labels(
                column="category",
                labels=(Label(value="bug", rows=600), Label(value="feature", rows=370)),
                empty=40,
            ),
        ),
        "attempts": (Attempt(attempt=1, rows=1_000), Attempt(attempt=2, rows=10)),
        "failures": (
            Failure(status="failed", code="server_error", param=None, rows=25),
            Failure(status="refused", code="content_filter", param="messages[3].content", rows=15),
        ),
        "shards": (make_shard(1), make_shard(2, status="expired")),
        "key": ("id",),
        "failed_keys": (("order-17",), ("order-21",)),
    }
    return Report(**(fields | changes))


def _strained() -> Report:
    labels = [*WORDS, *(f"label_number_{n}" for n in range(42))]
    return make_report(
        run_id="a" * 250 + "/" + WORDS[0],
        model="m" * 300,
        rows=12 * HUGE,
        counts={str(status): HUGE for status in RowStatus},
        cost_usd=None,
        priced=False,
        saved_usd=None,
        tokens=Tokens(input=9 * HUGE, cached=HUGE, output=HUGE, reasoning=HUGE),
        models=tuple(
            ModelUse(
                model=f"{n}" + "m" * 199,
                rows=HUGE,
                tokens=Tokens(input=9 * HUGE, cached=HUGE, output=HUGE, reasoning=HUGE),
            )
            for n in range(3)
        ),
        labels=(
            Labels(
                column="c" * 200,
                labels=tuple(Label(value=value, rows=HUGE - n) for n, value in enumerate(labels)),
                others=27 * HUGE,
                empty=5,
            ),
        ),
        failures=tuple(
            Failure(status=str(status), code="c" * 64, param="p" * 64, rows=HUGE) for status in RowStatus
        ),
        failures_beyond=HUGE,
        shards=tuple(
            make_shard(n, status=STATUSES[n % 9] if n % 5 == 0 else "completed", start=n * 400.0)
            for n in range(260)
        ),
        failed_keys=(("k" * 300, "l" * 300), (WORDS[0],)),
        source=WORDS[0] * 9,
        target=WORDS[1] * 9,
        partition=WORDS[3],
        dag_run_url='https://airflow.example/"><script>alert(1)</script>',
        earlier=tuple(
            make_earlier(
                n % 9,
                run_id=WORDS[n % 8],
                model=WORDS[1],
                rows=HUGE * n,
                cost_usd=HUGE / 3 if n % 3 else None,
            )
            for n in range(20)
        ),
    )


def make_earlier(number: int, **changes: Any) -> RunFigures:
    """Make the figures of a run some nights ago; every figure drifts a little from night to night."""
    bugs = 700 - 8 * number
    fields: dict[str, Any] = {
        "at": START + 9 * HOUR - 24 * HOUR * (12 - number),
        "run_id": f"tickets/classify.submit/scheduled__2026-05-{21 + number:02}T00:00:00+00:00",
        "model": "gpt-5-mini",
        "prompt_version": "1f" * 16,
        "rows": 1_000 + 13 * number,
        "judged": 1_000,
        "failed": 12 + number % 4 * 5,
        "cost_usd": None if number == 4 else 0.0105 + 0.0001 * number,
        "labels": (
            Labels(
                column="category",
                labels=(Label(value="bug", rows=bugs), Label(value="feature", rows=960 - bugs)),
                empty=40,
            ),
        ),
    }
    return RunFigures(**(fields | changes))


COMPARED = make_report(
    source="warehouse.tickets, with a condition",
    target="warehouse.ticket_labels",
    partition="(id % 2) = 0",
    dag_run_url="https://airflow.example/dags/tickets/runs/scheduled__2026-06-02T00%3A00%3A00%2B00%3A00",
    prompt_version="2e" * 16,
    estimate=Estimate(
        requests=900, input_tokens=60_000, output_tokens=9_000, cost_usd=0.02, synchronous_usd=0.04
    ),
    earlier=tuple(make_earlier(n) for n in range(12)),
)
EMPTY = make_report(
    rows=0, written=0, kept=0, skipped=0, requests=0, judged=0, failed=0, counts={}, tokens=Tokens(),
    models=(), labels=(Labels(column="category", labels=(Label(value="bug", rows=0),)),), attempts=(),
    failures=(), shards=(), cost_usd=0.0, saved_usd=0.0, failed_keys=(),
)  # fmt: skip
ALL_FAILED = make_report(
    counts={"error": 1_010}, failed=1_000, tokens=Tokens(), models=(), cost_usd=0.0, saved_usd=0.0,
    labels=(Labels(column="category", labels=(Label(value="bug", rows=0),), empty=1_010),),
    failures=(Failure(status="error", code="invalid_request_error", param="response_format", rows=1_010),),
    failed_keys=None,
)  # fmt: skip
REPORTS = {
    "ordinary": make_report(),
    "compared": COMPARED,
    "strained": _strained(),
    "empty": EMPTY,
    "all_failed": ALL_FAILED,
    "unsent": make_report(shards=(make_shard(1), ShardTime(
        id="s2", attempt=1, parent="s1", model="gpt-5-mini", requests=3, sends=(),
    ))),
}  # fmt: skip
