"""Landings and rows with everything filled in that a test does not care about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from airflow_provider_openai_batch.tables.landing import Landing

MONDAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
STAMP = pa.timestamp("us", tz="UTC")


def fixed(role: str, kind: pa.DataType) -> pa.Field:
    """Make the field of a fixed column."""
    return pa.field(f"batch_{role}", kind, metadata={"batch": role})


FIXED = (
    fixed("status", pa.string()),
    fixed("error_message", pa.string()),
    fixed("input_tokens", pa.int64()),
    fixed("cost_usd", pa.float64()),
    fixed("custom_id", pa.string()),
    fixed("run_id", pa.string()),
    fixed("snapshot_at", STAMP),
)


def make_landing(
    *columns: pa.Field, key: tuple[str, ...] = ("id",), key_type: pa.DataType | None = None, **changes: Any
) -> Landing:
    """Make a landing of a key, a label, and the fixed columns."""
    chosen = columns or (pa.field("label", pa.string()),)
    keys = [pa.field(name, key_type or pa.int64()) for name in key]
    given = {"mode": "merge", "partition": {}, "run_id": "dag/task/run", "prefix": "batch_"} | changes
    return Landing(schema=pa.schema([*keys, *chosen, *FIXED]), key=key, **given)


def make_rows(landing: Landing, *rows: dict[str, Any], at: datetime = MONDAY) -> list[pa.RecordBatch]:
    """Make one batch of rows that are `ok` unless they say otherwise."""
    defaults = {
        "batch_status": "ok", "batch_custom_id": "0" * 32, "batch_run_id": landing.run_id,
        "batch_snapshot_at": at,
    }  # fmt: skip
    return [pa.RecordBatch.from_pylist([defaults | row for row in rows], schema=landing.schema)]


def nothing() -> None:
    """Guard nothing."""
