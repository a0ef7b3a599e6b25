"""What the target refuses of a source's values is found before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.advance import Settings
from airflow_provider_openai_batch.steps.load import load
from airflow_provider_openai_batch.steps.stage import stage
from tests.tables.conftest import connect, duckdb_file

__all__ = ["connect", "duckdb_file"]
TABLE = (
    "create table labels (id bigint primary key, price {}, label text, batch_status text, "
    "batch_custom_id text, batch_run_id text, batch_snapshot_at timestamptz, "
    "batch_input_hash text, batch_prompt_version text)"
)


def prices(**changes: float) -> pa.Table:
    """Three rows with a price."""
    given = {"1": 1.5, "2": 2.5, "3": 3.5} | changes
    return pa.table(
        {
            "id": [int(key) for key in given],
            "body": [f"row {key}" for key in given],
            "price": list(given.values()),
        }
    )


def asked(pipeline: Any, rows: pa.Table, **changes: Any) -> Any:
    target = arguments.target({"conn_id": "warehouse", "table": "labels"})
    source = arguments.source({"key": "id", "carry": ["price"]}, has_rows=True)
    return replace(pipeline.asked(target=target, rows=rows, **changes), source=source)


def test_a_price_that_the_table_has_no_room_for(pipeline: Any, duckdb_file: Any):
    """The kind of fault: a carried value that an existing column refuses fails a load that is paid for."""
    with duckdb.connect(str(duckdb_file)) as database:
        database.execute(TABLE.format("decimal(5, 2)"))
    given = asked(pipeline, prices(**{"2": 1e6}))

    with pytest.raises(InvalidRequest, match=r"'price' of type .* does not take .* for example '2'\. Widen"):
        stage(given, pipeline.store, pipeline.client)

    assert pipeline.sent == 0


def test_rows_that_are_answered_stop_nothing(pipeline: Any, duckdb_file: Any):
    """A row that is not asked is not loaded: its value may be what it likes."""
    with duckdb.connect(str(duckdb_file)) as database:
        database.execute(TABLE.format("decimal(5, 2)"))
    pipeline.advance(stage(asked(pipeline, prices()), pipeline.store, pipeline.client).attempt)
    pipeline.wait()
    assert pipeline.load().written == 3

    given = asked(pipeline, prices(**{"2": 1e6, "4": 4.5}), run_id="dag/task/next")

    assert stage(given, pipeline.store, pipeline.client).skipped == 3


def test_a_table_that_only_the_load_knows(pipeline: Any, duckdb_file: Any):
    """Without submit's target the load tries the values before it writes, and says which row it is."""
    with duckdb.connect(str(duckdb_file)) as database:
        database.execute(TABLE.format("decimal(5, 2)"))
    given = replace(asked(pipeline, prices(**{"2": 1e6})), target=None)
    pipeline.advance(stage(given, pipeline.store, pipeline.client).attempt)
    pipeline.wait()

    target = arguments.target({"conn_id": "warehouse", "table": "labels"})
    with pytest.raises(InvalidRequest, match="'price' of type"):
        load(pipeline.store, pipeline.client, Settings(), target)
