"""Figures are counted as rows go by: each row once, tokens as they are booked, and in bounded memory."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from airflow_provider_openai_batch.batch.output.output import compile_output
from airflow_provider_openai_batch.batch.output.result_schema import FIXED
from airflow_provider_openai_batch.batch.report.report_values import Attempt, Failure, Label, ModelUse, Tokens
from airflow_provider_openai_batch.steps.load import report_figures
from airflow_provider_openai_batch.steps.load.report_figures import Figures

SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["bug", "feature"]},
        "urgent": {"type": ["boolean", "null"]},
        "comment": {"type": "string"},
        "points": {"type": "integer"},
    },
    "required": ["kind", "urgent", "comment", "points"],
    "additionalProperties": False,
}


def counted(rows: list[dict[str, Any]], output_type: Any = None, size: int = 2) -> Figures:
    """Count rows, a few at a time; a row has roles of fixed columns, and output columns by name."""
    outputs = compile_output(output_type).columns
    made = Figures(outputs)
    schema = pa.schema([("id", pa.int64()), *outputs, *FIXED])
    for start in range(0, len(rows), size):
        part = [{"status": "ok"} | row for row in rows[start : start + size]]
        landed = pa.RecordBatch.from_pylist(part, schema=schema)
        found = pa.table({
            name: pa.array([row.get(name) for row in part], kind)
            for name, kind in (
                ("status", pa.string()), ("error_code", pa.string()), ("error_param", pa.string()),
                ("model", pa.string()), ("attempt", pa.int64()),
            )
        })  # fmt: skip
        made.count(landed, found)
    return made


def row(model: str | None = "m", tokens: int | None = 10, cost: float | None = 0.5, **fields: Any) -> Any:
    """Make a row whose answer took some tokens."""
    names = ("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")
    return {"model": model, **dict.fromkeys(names, tokens), "cost_usd": cost, **fields}


def test_models_add_up():
    """Each model has its own sums, and all of them are the whole."""
    made = counted([row(), row(tokens=5), row("n", 1, 0.25), row(tokens=0, cost=0.0)])

    fifteen = Tokens(input=15, cached=15, output=15, reasoning=15)
    one = Tokens(input=1, cached=1, output=1, reasoning=1)
    assert made.models() == (
        ModelUse(model="m", rows=3, tokens=fifteen, cost_usd=1.0),
        ModelUse(model="n", rows=1, tokens=one, cost_usd=0.25),
    )
    assert made.tokens == Tokens(input=16, cached=16, output=16, reasoning=16)


def test_a_model_without_a_price_has_no_cost():
    """One row of unknown cost makes the sum unknown, with tokens or without; an unknown end is not in it."""
    assert counted([row(), row(cost=None)]).models()[0].cost_usd is None
    assert counted([row(), row(tokens=None, cost=None)]).models()[0].cost_usd is None
    assert counted([row(), row(tokens=None, cost=None, status="unknown")]).models()[0].cost_usd == 0.5


def test_rows_without_a_model_count_where_they_took_tokens():
    """Or may have: an error names no model, and costs nothing."""
    assert counted([row(None, None, 0.0, status="error")]).models() == ()
    assert counted([row(None, None, None, status="unknown")]).models() == ()
    (use,) = counted([row(None, None, None, status="invalid")]).models()
    assert (use.model, use.cost_usd) == ("(none)", None)
    assert [use.model for use in counted([row(None)]).models()] == ["(none)"]
    assert [use.model for use in counted([row("a model with a story")]).models()] == ["(other)"]


def test_listed_values_only():
    """Columns whose values the output type lists have a distribution; free text and numbers have none."""
    rows = [
        row(kind="bug", urgent=True, comment="a secret", points=3),
        row(kind="bug", urgent=None, comment="a secret", points=3),
        row(status="failed", kind=None, urgent=False),
    ]
    kinds, urgent = counted(rows, SCHEMA).labels()

    assert kinds.labels == (Label(value="bug", rows=2), Label(value="feature", rows=0))
    assert (kinds.column, kinds.others, kinds.empty) == ("kind", 0, 1)
    assert urgent.labels == (Label(value="true", rows=1), Label(value="false", rows=1))
    assert (urgent.column, urgent.empty) == ("urgent", 1)


def test_a_value_that_is_not_listed_is_not_named():
    """Should a column ever hold one, it is counted among the others."""
    (spread,) = counted([row(label="a"), row(label="a secret")], ["a", "b"]).labels()

    assert ([label.value for label in spread.labels], spread.others) == (["a", "b"], 1)


def test_labels_are_bounded():
    """Of many labels the most frequent are shown, and the others counted."""
    labels = [f"label {n}" for n in range(77)]
    rows = [row(label=labels[n]) for n in range(77) for _ in range(n + 1)]
    (spread,) = counted(rows, labels, size=500).labels()

    assert len(spread.labels) == report_figures.MOST_SHOWN
    assert spread.labels[0] == Label(value="label 76", rows=77)
    assert spread.others == sum(n + 1 for n in range(27))
    assert sum(label.rows for label in spread.labels) + spread.others == len(rows)


def test_attempts():
    """Rows by the attempt of their answer; those without one come last."""
    made = counted([row(attempt=2), row(attempt=1), row(attempt=1), row(attempt=None)])

    assert made.attempts() == (
        Attempt(attempt=1, rows=2), Attempt(attempt=2, rows=1), Attempt(attempt=None, rows=1),
    )  # fmt: skip


def test_reasons_of_failure():
    """Rows that are not ok, by status, code, and parameter; words only."""
    bad: dict[str, Any] = {
        "status": "error",
        "error_code": "invalid_value",
        "error_param": "messages[3].content",
    }
    said = {"status": "error", "error_code": "You said: a secret", "error_param": "a secret"}
    shown, beyond = counted([row(), row(**bad), row(**bad), row(**said), row(status="missing")]).failures()

    assert shown == (
        Failure(status="error", code="invalid_value", param="messages[3].content", rows=2),
        Failure(status="error", code="(no code)", param="(other)", rows=1),
        Failure(status="missing", code=None, param=None, rows=1),
    )
    assert beyond == 0


def test_memory_is_bounded():
    """A server that makes up a code and a model for each row fills no memory; no row goes uncounted."""
    rows = [row(f"m{n}", status="error", error_code=f"code_{n}") for n in range(1_100)]
    made = counted(rows, size=300)

    shown, beyond = made.failures()
    assert (len(shown), sum(failure.rows for failure in shown) + beyond) == (50, 1_100)
    models = Counter({use.model: use.rows for use in made.models()})
    assert (len(models), models["(other)"], models.total()) == (1_001, 100, 1_100)


def test_codes_add_up_over_statuses():
    """A code counts once, whatever its status and parameter; a row without a code counts as its status."""
    bad = [
        row(status="error", error_code="invalid_prompt", error_param="messages"),
        row(status="error", error_code="invalid_prompt"),
        row(status="expired", error_code=None),
    ]

    assert counted([*bad, row()]).errors() == (("invalid_prompt", 2), ("expired", 1))
