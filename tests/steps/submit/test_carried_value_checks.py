"""What the target refuses of a source's values is found before anything is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.decisions.decision_input import Settings
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.load.load import load
from airflow_provider_openai_batch.steps.submit.stage import stage
from tests.tables.conftest import (
    Warehouse,
    bigquery,
    bigquery_server,
    connect,
    duckdb_file,
    mariadb,
    mariadb_server,
    postgres,
    postgres_server,
    snowflake,
    snowflake_server,
    sqlite_file,
    warehouse,
)

__all__ = [
    "bigquery", "bigquery_server", "connect", "duckdb_file", "mariadb", "mariadb_server", "postgres",
    "postgres_server", "snowflake", "snowflake_server", "sqlite_file", "warehouse",
]  # fmt: skip
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


def asked(pipeline: Any, rows: pa.Table, where: dict[str, Any] | None = None, **changes: Any) -> Any:
    target = arguments.target({"conn_id": "warehouse", "table": "labels"} | (where or {}))
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


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ('{"a":[1e400,"\\ud800 \\u0000"]}', True),
        ('{"a":1,"a":2}', True),
        (None, True),
        ("[1,]", False),
        ('{"a":NaN}', False),
        ('"\\ud800', False),
        ('["a\nb"]', False),
        ("", False),
        ("1 2", False),
        ("[" * 5_000 + "]" * 5_000, False),
    ],
)
def test_a_text_that_is_said_to_be_json(pipeline: Any, value: str | None, fits: bool):
    """The kind of fault: a type says JSON, its reader passes the text on, and the paid load fails."""
    column = pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}", value]))
    rows = pa.table({"id": [1, 2], "body": ["a", "b"], "price": column})
    given = replace(asked(pipeline, rows), target=None)

    if fits:
        assert stage(given, pipeline.store, pipeline.client).requests == 2
        return
    with pytest.raises(InvalidRequest, match=r"'price' has type JSON, but .* for example '2'\. Fix"):
        stage(given, pipeline.store, pipeline.client)
    assert pipeline.sent == 0


def test_json_of_a_database(pipeline: Any, duckdb_file: Any):
    """The same of a database, whose JSON has commas at the end."""
    with duckdb.connect(str(duckdb_file)) as database:
        database.execute("create table t as select 7 as id, 'x' as body, '[1,]'::json as price")
    source = arguments.source({"conn_id": "warehouse", "table": "t", "key": "id", "carry": ["price"]})
    given = replace(pipeline.asked(target=None), source=source)

    with pytest.raises(InvalidRequest, match=r"'price' has type JSON, but .* for example '7'\. Fix"):
        stage(given, pipeline.store, pipeline.client)

    assert pipeline.sent == 0


@pytest.mark.parametrize("price", [None, float("nan")])
def test_null_in_a_column_that_takes_none(pipeline: Any, warehouse: Warehouse, price: float | None):
    """The kind of fault: a carried NULL, or what is written as one, meets NOT NULL when all is paid."""
    warehouse.execute(TABLE.format("double precision not null"))
    given = asked(pipeline, prices(**{"2": price}), {"conn_id": warehouse.conn_id})  # type: ignore[arg-type]

    if price is not None and warehouse.name in {"duckdb", "postgres"}:
        pipeline.advance(stage(given, pipeline.store, pipeline.client).attempt)
        pipeline.wait()
        assert pipeline.load().written == 3
        return
    with pytest.raises(
        InvalidRequest, match=r"'price' of .* not take NULL, .* for example '2'\. Drop NOT NULL"
    ):
        stage(given, pipeline.store, pipeline.client)
    assert pipeline.sent == 0


PLACES = ["a table", "files"]


def partition(pipeline: Any, place: str, **values: Any) -> dict[str, Any]:
    """Replace a partition of a table, or of files."""
    files = {"path": f"file://{pipeline.folder}/parts", "conn_id": None, "table": None}
    return (files if place == "files" else {}) | {"mode": "replace_partition", "partition": values}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("other", [2.5, None])
def test_a_row_of_another_partition(pipeline: Any, duckdb_file: Any, place: str, other: float | None):
    """The kind of fault: a row that is not of the partition stops the load when all is paid."""
    where = partition(pipeline, place, PRICE=1)
    rows = pa.table({"id": [1, 2], "body": ["a", "b"], "price": [1.0, other]})

    with pytest.raises(InvalidRequest, match="'price' of the source is not always 1, the value of target"):
        stage(asked(pipeline, rows, where), pipeline.store, pipeline.client)
    assert pipeline.sent == 0


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["label", "Label", "batch_model"])
def test_a_partition_by_an_answer(pipeline: Any, duckdb_file: Any, place: str, name: str):
    """The same of a column of the answers, which are not known before they are paid."""
    where = partition(pipeline, place, **{name: "bug"})

    with pytest.raises(InvalidRequest, match=f"names '{name}', which is a column of the answers"):
        stage(asked(pipeline, prices(), where), pipeline.store, pipeline.client)
    assert pipeline.sent == 0
