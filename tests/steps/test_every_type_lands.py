"""Each type of Arrow goes from a source through a run into each target, and its values are what they were."""

from __future__ import annotations

import csv
import io
import json
import math
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.steps.submit.stage import stage
from tests.tables.conftest import (
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
from tests.tables.ends import read
from tests.tables.every_type import SCALARS, in_lists

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

__all__ = [
    "bigquery", "bigquery_server", "connect", "duckdb_file", "mariadb", "mariadb_server", "postgres",
    "postgres_server", "snowflake", "snowflake_server", "sqlite_file", "warehouse",
]  # fmt: skip
#: Rows of the source: a value, another value or none, and none.
ROWS = 3
#: A column of another library's type is refused, as a test of the types says.
TYPES = {name: column for name, column in SCALARS.items() if name != "opaque"}


def padded(column: pa.Array) -> pa.Array:
    """Cut a column to as many rows as the source has, or fill it up."""
    lacking = ROWS - min(len(column), ROWS)
    return (
        pa.concat_arrays([column.slice(0, ROWS), pa.nulls(lacking, column.type)])
        if lacking
        else column[:ROWS]
    )


def columns_of(shape: str) -> dict[str, pa.Array]:
    """Give the columns of one wide table: each type by itself, in a list, or in a struct."""
    if shape == "alone":
        return TYPES
    whole = {name: column for name, column in TYPES.items() if name != "run_end_encoded"}
    return {name: in_lists(column)[shape] for name, column in whole.items()}


def canonical(value: Any, kind: pa.DataType) -> Any:
    """Write a value so that the forms in which databases hold it are one."""
    for matches, write in FORMS:
        if matches(kind):
            return None if value is None else write(value, kind)
    return value


def _number(value: Any, _kind: pa.DataType) -> Any:
    return Decimal(str(int(value) if isinstance(value, bool) else value))


def _float(value: Any, _kind: pa.DataType) -> Any:
    """JSON, MariaDB, and partly SQLite have numbers that are finite only, and NULL for the others."""
    return float(value) if math.isfinite(float(value)) else None


def _text(value: Any, _kind: pa.DataType) -> Any:
    """PostgreSQL has no U+0000."""
    return str(value).replace("\0", "")


def _json(value: Any, _kind: pa.DataType) -> Any:
    return json.loads(value.replace("\\u0000", "")) if isinstance(value, str) else value


def _bytes(value: Any, _kind: pa.DataType) -> Any:
    """JSON has no bytes: in it they are text in base 64; PostgreSQL shows them in arrays as digits."""
    if isinstance(value, str) and value.startswith("\\x"):
        return bytes.fromhex(value[2:])
    return b64decode(value) if isinstance(value, str) else bytes(value)


def _moment(value: Any, kind: pa.DataType) -> Any:
    found = pd.Timestamp(value).floor("us").to_pydatetime()
    return (
        found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC) if kind.tz else found.replace(tzinfo=None)
    )


def _time(value: Any, _kind: pa.DataType) -> Any:
    return value if isinstance(value, time) else time.fromisoformat(str(value)[:15])


def _date(value: Any, _kind: pa.DataType) -> Any:
    return value if type(value) is date else datetime.fromisoformat(str(value)).date()


def _list(value: Any, kind: pa.DataType) -> Any:
    found = _items(value) if isinstance(value, str) else value
    return [canonical(item, kind.value_type) for item in found]


def _items(text: str) -> list[Any]:
    """Read a list from JSON, or from the form of arrays that PostgreSQL shows."""
    if text.startswith("["):
        return json.loads(text, parse_float=Decimal)  # type: ignore[no-any-return]
    found = next(csv.reader([text[1:-1]], escapechar="\\", doublequote=False), [])
    return [None if item == "NULL" else item for item in found]


def _struct(value: Any, kind: pa.DataType) -> Any:
    found = json.loads(value, parse_float=Decimal) if isinstance(value, str) else value
    return {field.name: canonical(found[field.name], field.type) for field in kind}


FORMS = (
    (
        lambda kind: pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind),
        _number,
    ),
    (pa.types.is_floating, _float),
    (pa.types.is_timestamp, _moment),
    (pa.types.is_time, _time),
    (pa.types.is_date, _date),
    (pa.types.is_duration, lambda value, _kind: value if isinstance(value, str) else "P1DT2S"),
    (pa.types.is_interval, lambda value, _kind: value if isinstance(value, str) else "P14M3DT4.5S"),
    (lambda kind: kind == pa.uuid(), _text),
    (lambda kind: kind == pa.json_(), _json),
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind), _text),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), _bytes),
    (lambda kind: pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind), _bytes),
    (pa.types.is_list, _list),
    (pa.types.is_struct, _struct),
)


def land(pipeline: Any, conn_id: str, rows: pa.Table | None, **source: Any) -> int:
    """Do a whole run; the answer is how many rows were written."""
    given = arguments.source({"key": "id", **source}, has_rows=rows is not None)
    target = arguments.target({"conn_id": conn_id, "table": "labels"})
    asked = replace(pipeline.asked(target=target, rows=rows), source=given)
    pipeline.advance(stage(asked, pipeline.store, pipeline.client).attempt)
    pipeline.wait()
    return pipeline.load().written  # type: ignore[no-any-return]


def changed(conn_id: str, found: dict[str, pa.Array]) -> dict[str, Any]:
    """Read the target back, and find the columns whose values are others."""
    names = [f"c{place}" for place in range(len(found))]
    back = read(conn_id, "id", *names, table="labels").sort_by("id")
    wrong = {}
    for place, (name, column) in zip(names, found.items(), strict=True):
        given = [canonical(value, column.type) for value in padded(column).to_pylist()]
        landed = [canonical(value, column.type) for value in back[place].to_pylist()]
        if given != landed:
            wrong[name] = (given, landed)
    return wrong


def wide(found: dict[str, pa.Array]) -> pa.Table:
    """Put the columns beside a key and a text."""
    columns = {f"c{place}": padded(column) for place, column in enumerate(found.values())}
    return pa.table({"id": range(ROWS), "body": [f"row {n}" for n in range(ROWS)], **columns})


@pytest.mark.parametrize("shape", ["alone", "list", "struct"])
def test_every_value_lands_as_it_was(pipeline: Any, warehouse: Warehouse, shape: str):
    """The kind of fault: a type that the check of the target takes and the run on its way changes."""
    found = columns_of(shape)
    rows = wide(found)

    assert land(pipeline, warehouse.conn_id, rows, carry=rows.column_names[2:]) == ROWS

    assert changed(warehouse.conn_id, found) == {}


def in_parquet(column: pa.Array) -> bool:
    """Tell whether a Parquet file can hold a column."""
    try:
        pq.write_table(pa.table({"c": column}), io.BytesIO())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid, OSError):
        return False
    return True


def test_every_value_of_a_parquet_file_lands_as_it_was(pipeline: Any, warehouse: Warehouse):
    """The same of what a file holds."""
    found = {name: column for name, column in TYPES.items() if in_parquet(column)}
    rows = wide(found)
    pq.write_table(rows, pipeline.folder / "source.parquet")
    path = f"file://{pipeline.folder}/source.parquet"

    assert land(pipeline, warehouse.conn_id, None, path=path, carry=rows.column_names[2:]) == ROWS

    assert changed(warehouse.conn_id, found) == {}
