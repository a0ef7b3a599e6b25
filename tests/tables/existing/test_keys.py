"""Keys as the columns of a table hold them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.steps.keys.target_checks import surviving
from airflow_provider_openai_batch.tables.resolve import resolve_target
from airflow_provider_openai_batch.tables.types import arrow_types
from tests.tables.ends import read, write
from tests.tables.factories import make_landing

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

FIXED = "label text, batch_status text, batch_custom_id text, batch_snapshot_at timestamptz"
NS, TEXT = pa.timestamp("ns"), pa.string()
TIME_NS, TIME_US = pa.time64("ns"), pa.time64("us")
EVE = -1_500  # nanoseconds: before 1970, between two microseconds


def field(kind: Any) -> pa.Field:
    return pa.field("id", kind) if isinstance(kind, pa.DataType) else arrow_types.field_of("id", kind)


def check(warehouse: Warehouse, kind: Any, *values: Any, show_keys: bool = True) -> None:
    """Let rows with these keys pass as submit does."""
    plan = make_landing()
    landing = replace(plan, schema=plan.schema.set(0, field(kind)))
    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))
    target.check(landing)
    batch = pa.RecordBatch.from_arrays([pa.array(values, landing.schema.types[0])], names=["id"])

    assert [batch] == list(surviving(target.keys(landing), ["id"], iter([batch]), show_keys=show_keys))


CHANGED: list[tuple[str, Any, str, Any, Any]] = [
    ("postgres", TEXT, "varchar(3)", "abc", "abcd"),
    ("postgres", TEXT, "varchar(3)", "abc", "a\0b"),
    ("postgres", TEXT, "text", "abcd", "a\0b"),
    ("postgres", TEXT, "mood", "fine", "bad"),
    ("postgres", pa.decimal128(38, 20), "numeric(30, 2)", Decimal("123456789012345678.5"),
     Decimal("0.001")),
    ("postgres", "decimal", "numeric(5, 1)", "1.5", "1.55"),
    ("postgres", "decimal", "numeric(5, 1)", "9999.5", "10000"),
    ("postgres", pa.decimal128(38, 1), "double precision", Decimal("0.5"), Decimal("0.1")),
    ("postgres", pa.int64(), "double precision", 2**53, 2**53 + 1),
    ("postgres", pa.int64(), "real", 2**24, 2**24 + 1),
    ("postgres", pa.timestamp("us"), "timestamp(3)", 5_000, 5),
    ("postgres", NS, "timestamp", 1_000, EVE),
    ("duckdb", NS, "timestamp_ms", -1_000_000, EVE),
    ("duckdb", TEXT, "enum('fine')", "fine", "bad"),
    ("duckdb", pa.decimal128(12, 3), "decimal(9, 1)", Decimal("1.500"), Decimal("1.550")),
    ("sqlite", pa.decimal128(38, 20), "numeric", Decimal("0.5"), Decimal("0.1")),
    ("sqlite", NS, "text", 1_000, EVE),
    ("mariadb", TEXT, "varchar(3) collate utf8mb4_bin", "abc", "abcd"),
    ("mariadb", pa.timestamp("us"), "datetime", 1_000_000, 5),
    ("postgres", TIME_NS, "time", 1_000, 5),
    ("duckdb", TIME_NS, "time", 1_000, 5),
    ("sqlite", TIME_NS, "text", 1_000, 5),
    ("mariadb", TIME_US, "time", 1_000_000, 5),
    ("mariadb", pa.time32("ms"), "time", 1_000, 5),
    ("snowflake", TEXT, "varchar(3)", "abc", "abcd"),
    ("snowflake", pa.decimal128(12, 3), "number(9, 1)", Decimal("1.500"), Decimal("1.550")),
    ("snowflake", "decimal", "number(9, 0)", "15", "1.5"),
    ("bigquery", NS, "datetime", 1_000, EVE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("warehouse", "kind", "declared", "same", "changed"), CHANGED, indirect=["warehouse"]
)
def test_keys_that_the_column_changes(
    warehouse: Warehouse, kind: Any, declared: str, same: Any, changed: Any
) -> None:
    """A key that would come back as another is named before anything is sent."""
    if declared == "mood":
        warehouse.execute("CREATE TYPE mood AS ENUM ('fine')")
    warehouse.execute(f"CREATE TABLE labels (id {declared} PRIMARY KEY, {FIXED})")

    check(warehouse, kind, same)
    with pytest.raises(InvalidRequest, match=r"key column '(id|ID)' of type .* would change some keys, for"):
        check(warehouse, kind, same, changed)


BLURRED = [
    ("postgres", "char(300)", "a", "a "),
    ("sqlite", "text COLLATE nocase", "a", "A"),
    ("sqlite", "text COLLATE rtrim", "a", "a "),
    ("mariadb", "varchar(30)", "a", "á"),
]


@pytest.mark.parametrize(("warehouse", "declared", "key", "like"), BLURRED, indirect=["warehouse"])
def test_keys_that_the_column_takes_for_one(warehouse: Warehouse, declared: str, key: str, like: str) -> None:
    """The database itself is asked, before anything is sent, whether keys that differ are one there."""
    warehouse.execute(f"CREATE TABLE labels (id {declared} PRIMARY KEY, {FIXED})")

    check(warehouse, TEXT, key, "another")
    with pytest.raises(InvalidRequest, match=r"treats different keys of the source as equal, for example '"):
        check(warehouse, TEXT, key, "another", like)
    with pytest.raises(InvalidRequest, match=r"as equal \(key values are not shown"):
        check(warehouse, TEXT, key, "another", like, show_keys=False)


@pytest.mark.parametrize("warehouse", ["postgres"], indirect=True)
def test_keys_of_json_that_are_one(warehouse: Warehouse) -> None:
    """The same of `jsonb`, which has no order of an object's members: found when all was paid."""
    warehouse.execute(f"CREATE TABLE labels (id jsonb PRIMARY KEY, {FIXED})")

    check(warehouse, "json", '{"a":1,"b":2}', '{"a":1}')
    with pytest.raises(InvalidRequest, match="treats different keys of the source as equal, for example '"):
        check(warehouse, "json", '{"a":1,"b":2}', '{"b":2, "a":1}')


def test_key_of_another_scale(warehouse: Warehouse) -> None:
    """A decimal key that a later night reads with more digits is the same key."""
    tonight, tomorrow = (make_landing(key_type=pa.decimal128(12, scale)) for scale in (2, 3))

    write(warehouse.conn_id, tonight, {"id": Decimal("1.50"), "label": "old"})
    write(warehouse.conn_id, tomorrow, {"id": Decimal("1.500"), "label": "new"})

    assert [("new",)] == warehouse.execute("SELECT label FROM labels")


def test_nanoseconds_are_cut(warehouse: Warehouse) -> None:
    """A moment is held as the microsecond that it is in, where the database keeps no more, never rounded."""
    moments = (pa.field("at", NS), pa.field("zoned", pa.timestamp("ns", tz="Europe/Berlin")))
    values = {"at": pa.scalar(EVE, NS), "zoned": pa.scalar(1_999, moments[1].type)}

    write(warehouse.conn_id, make_landing(*moments), {"id": 1} | values)
    at, zoned = read(warehouse.conn_id, "at", "zoned", table="labels").to_pylist()[0].values()

    if warehouse.name == "duckdb":
        assert EVE == at.value
    elif warehouse.name != "sqlite":
        assert "1969-12-31T23:59:59.999998" == at.isoformat()
    if warehouse.name == "sqlite":
        assert ("1969-12-31T23:59:59.999998", "1970-01-01T00:00:00.000001Z") == (at, zoned)
    else:
        assert datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC) == zoned.replace(tzinfo=zoned.tzinfo or UTC)
