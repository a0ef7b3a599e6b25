"""Values of the source that the columns of an existing table refuse: found before anything is paid."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.steps.submit.carried_value_checks import require_room
from airflow_provider_openai_batch.tables.resolve import resolve_target
from airflow_provider_openai_batch.tables.types import arrow_types
from tests.tables.conformance.promises import DATABASES
from tests.tables.factories import make_landing, make_rows, nothing

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

FIXED = "batch_status text, batch_custom_id text, batch_snapshot_at timestamptz"
TEXT, F64, US = pa.string(), pa.float64(), pa.timestamp("us")
FAR, NEAR = datetime.fromisoformat("2400-01-01"), datetime.fromisoformat("2026-01-05")
LIST = pa.list_(pa.int64())


def nested(levels: int) -> str:
    """Write JSON of so many levels, with brackets in its texts too."""
    return '{"[{\\"[":' * levels + "1" + "}" * levels


#: The database, our type, the column's, what it takes, and what it refuses.
REFUSED: list[tuple[str, Any, str, Any, Any]] = [
    ("postgres", TEXT, "varchar(3)", "ab\0c", "abcd"),
    ("postgres", TEXT, "char(3)", "abc", "abcd"),
    ("postgres", TEXT, "mood", "fine", "bad"),
    ("postgres", F64, "real", 3.4e38, 3.5e38),
    ("postgres", F64, "real", float("inf"), -1e39),
    ("postgres", F64, "real", float("nan"), 1e-60),
    ("postgres", F64, "numeric(5,2)", 999.99, 1000.0),
    ("postgres", F64, "numeric(5,2)", float("nan"), float("inf")),
    ("postgres", pa.decimal128(20, 2), "numeric(5,2)", Decimal("-999.99"), Decimal("1000.00")),
    ("postgres", "decimal", "numeric(5,2)", "999.99", "1000"),
    ("postgres", "decimal", "double precision", "1e300", "1e309"),
    ("postgres", "json", "varchar(9)", '{"a":1}', '{"a":12345}'),
    ("postgres", "json", "jsonb", '[1e131071,1e-16383,0e200000,"1e200000"]', '{"a":[1e131072]}'),
    ("postgres", "json", "jsonb", f'[{"9" * 131072}]', f'[{"9" * 131073}]'),
    ("postgres", "json", "jsonb", f'[0.{"9" * 16383}]', f'[0.{"9" * 16384}]'),
    ("postgres", "json", "jsonb", '"\\"1e200000"', '{"\\"":1e-16384}'),
    ("postgres", "json", "jsonb", "-12e131070", "-12e131071"),
    ("postgres", "json", "json", "1e200000", None),
    ("postgres", "json", "text", "1e200000", None),
    ("duckdb", "json", "json", "1e200000", None),
    ("postgres", pa.bool_(), "varchar(4)", True, False),
    ("postgres", pa.struct([("a", pa.int64())]), "varchar(9)", {"a": 1}, {"a": 123456}),
    ("duckdb", TEXT, "enum('fine')", "fine", "bad"),
    ("duckdb", F64, "float", 3.4e38, 3.5e38),
    ("duckdb", F64, "decimal(5,2)", 999.99, 1000.0),
    ("duckdb", F64, "decimal(5,2)", 1.5, float("nan")),
    ("duckdb", pa.decimal128(20, 2), "decimal(5,2)", Decimal("999.99"), Decimal("1000.00")),
    ("duckdb", "decimal", "decimal(5,2)", "999.99", "NaN"),
    ("duckdb", US, "timestamp_ns", NEAR, FAR),
    ("duckdb", pa.date32(), "timestamp_ns", NEAR.date(), FAR.date()),
    ("duckdb", LIST, "bigint[2]", [1, 2], [1, 2, 3]),
    ("mariadb", TEXT, "varchar(3)", "abc", "abcd"),
    ("mariadb", TEXT, "tinytext character set latin1", "é" * 255, "é" * 256),
    ("mariadb", TEXT, "tinytext character set utf8mb4", "é" * 127, "é" * 128),
    ("mariadb", TEXT, "varchar(9) character set latin1", "é", "日"),
    ("mariadb", TEXT, "enum('fine')", "fine", "bad"),
    ("mariadb", pa.binary(), "varbinary(2)", b"\0\xff", b"abc"),
    ("mariadb", pa.binary(), "tinyblob", b"\xff" * 255, b"\xff" * 256),
    ("mariadb", pa.binary(3), "binary(3)", b"abc", None),
    ("mariadb", F64, "float", 3.4e38, 3.5e38),
    ("mariadb", F64, "decimal(5,2)", float("nan"), 1000.0),
    ("mariadb", pa.decimal256(60, 2), "decimal(40,2)", Decimal("9" * 38), Decimal("9" * 39)),
    ("mariadb", "decimal", "decimal(5,2)", "999.99", "1000"),
    ("mariadb", "decimal", "decimal(5,2)", "999.99", "Infinity"),
    ("mariadb", US, "timestamp(6) null", NEAR, FAR),
    ("mariadb", pa.timestamp("s", "UTC"), "timestamp null", NEAR.replace(tzinfo=UTC),
     datetime.fromisoformat("1900-01-01T00:00:00Z")),
    ("mariadb", pa.date32(), "timestamp null", NEAR.date(), date(1900, 1, 1)),
    ("mariadb", pa.list_(pa.string()), "varchar(9)", ["abc"], ["abcdefgh"]),
    ("mariadb", "json", "varchar(9)", '{"a":1}', '{"a":12345}'),
    ("mariadb", "json", "json", nested(31), nested(33)),
    ("mariadb", "json", "varchar(99)", '{"a":"[[["}', f'["{"a" * 99}"]'),
    ("duckdb", pa.duration("us"), "interval", None, 1),
    ("duckdb", pa.struct([("a", TEXT)]), "struct(a integer)", {"a": "1"}, {"a": "x"}),
    ("duckdb", pa.map_(TEXT, TEXT), "map(varchar, integer)", [("a", "1")], [("a", "x")]),
    ("duckdb", TEXT, "bignum", "123", "x"),
    ("postgres", TEXT, "inet", "1.2.3.4", "x"),
    ("postgres", pa.list_(TEXT), "inet[]", ["1.2.3.4"], ["1.2.3.4", "x"]),
    ("postgres", pa.int64(), "even", 2, 3),
    ("mariadb", pa.int64(), "year", 2026, 9999),
    ("snowflake", F64, "number(5,2)", 999.99, 1000.0),
    ("snowflake", "decimal", "number(5,2)", "999.99", "1000"),
    ("sqlite", TEXT, "varchar(3)", "abcd", None),
    ("sqlite", F64, "real", 1e308, None),
]  # fmt: skip


def carry(warehouse: Warehouse, kind: Any, *values: Any, write: bool) -> None:
    """Check rows that carry these values as submit does, or load them."""
    field = pa.field("value", kind) if isinstance(kind, pa.DataType) else arrow_types.field_of("value", kind)
    landing = make_landing(field, carried=("value",))
    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))
    target.check(landing)
    [rows] = make_rows(
        landing, *({"id": place, "value": value} for place, value in enumerate((None, *values)))
    )
    if write:
        target.write(landing, iter([rows]), nothing)
    else:
        require_room(target.carried(landing), landing, rows.select(["id", "value"]))


@pytest.mark.parametrize(
    ("warehouse", "kind", "declared", "taken", "refused"), REFUSED, indirect=["warehouse"]
)
def test_values_that_a_column_refuses(
    warehouse: Warehouse, kind: Any, declared: str, taken: Any, refused: Any
) -> None:
    """The kind of fault: a value of the source that an existing column does not take fails a paid load."""
    if declared == "mood":
        warehouse.execute("CREATE TYPE mood AS ENUM ('fine')")
    if declared == "even":
        warehouse.execute("CREATE DOMAIN even AS bigint CHECK (value % 2 = 0)")
    warehouse.execute(f"CREATE TABLE labels (id bigint PRIMARY KEY, value {declared}, {FIXED})")

    carry(warehouse, kind, taken, write=False)
    carry(warehouse, kind, taken, write=True)
    if refused is None:
        return
    with pytest.raises(OpenAIBatchError):
        carry(warehouse, kind, taken, refused, write=True)
    with pytest.raises(
        InvalidRequest, match=r"column '(value|VALUE)' of type .* does not take .*, for example '2'\. .*Widen"
    ):
        carry(warehouse, kind, taken, refused, write=False)


@pytest.mark.parametrize("warehouse", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("kind", "declared", "taken", "rounded"),
    [
        (
            pa.decimal128(20, 2),
            "decimal(20,2)",
            Decimal("1234567890123.25"),
            Decimal("123456789012345678.25"),
        ),
        (pa.decimal256(40, 2), "number", Decimal("-0.50"), Decimal("12345678901234567890123456.25")),
        (pa.decimal128(20, 0), "numeric", Decimal(2**63 - 1), Decimal(2**63 + 1)),
        ("decimal", "numeric", "-9223372036854775808", "0.1000000000000000055"),
        ("decimal", "double", "NaN", "1e400"),
        ("decimal", "text", "0.1000000000000000055", None),
    ],
)
def test_decimals_that_sqlite_would_round(
    warehouse: Warehouse, kind: Any, declared: str, taken: Any, rounded: Any
) -> None:
    """The kind of fault: a database takes a value and keeps another one, without a word."""
    warehouse.execute(f"CREATE TABLE labels (id bigint PRIMARY KEY, value {declared}, {FIXED})")

    carry(warehouse, kind, taken, write=True)

    [[held]] = warehouse.execute("SELECT value FROM labels WHERE id = 1")
    assert str(Decimal(str(held)).normalize()) == str(Decimal(taken).normalize())
    if rounded is not None:
        with pytest.raises(InvalidRequest, match=r"column 'value' of type .* does not take .*'2'\. Widen"):
            carry(warehouse, kind, taken, rounded, write=False)


@pytest.mark.parametrize("warehouse", ["mariadb"], indirect=True)
def test_a_new_table_has_the_depth_of_its_database(warehouse: Warehouse) -> None:
    """The kind of fault: JSON that is deeper than a database reads fails the load, also of an answer."""
    landing = make_landing(
        arrow_types.field_of("value", "json"), arrow_types.field_of("said", "json"), carried=("value",)
    )
    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))
    [rows] = make_rows(landing, {"id": 1, "value": nested(31)}, {"id": 2, "value": nested(33)})

    with pytest.raises(InvalidRequest, match=r"'value' of type JSON does not take .*, for example '2'"):
        require_room(target.carried(landing), landing, rows.select(["id", "value"]))
    assert "nested deeper" in str(target.bounds(landing)["said"].refuses(nested(33)))
    assert target.bounds(landing)["said"].refuses(nested(31)) is None
    assert target.write(landing, iter([rows.slice(0, 1)]), nothing).written == 1


@pytest.mark.parametrize("warehouse", ["postgres"], indirect=True)
def test_a_new_table_has_the_numbers_of_its_database(warehouse: Warehouse) -> None:
    """The kind of fault: JSON with a number that is too long for a database fails the load."""
    landing = make_landing(arrow_types.field_of("value", "json"), carried=("value",))
    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))
    [rows] = make_rows(landing, {"id": 1, "value": "1e131071"}, {"id": 2, "value": "1e131072"})

    with pytest.raises(InvalidRequest, match=r"'value' of type JSONB does not take .*, for example '2'"):
        require_room(target.carried(landing), landing, rows.select(["id", "value"]))
    assert target.write(landing, iter([rows.slice(0, 1)]), nothing).written == 1


@pytest.mark.parametrize("warehouse", [*DATABASES], indirect=True)
def test_half_of_a_pair_in_json(warehouse: Warehouse) -> None:
    """The kind of fault: an escape that is half of a character is JSON to a source and none to a target."""
    landing = make_landing(arrow_types.field_of("value", "json"), carried=("value",))
    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))
    [rows] = make_rows(landing, {"id": 1, "value": r'{"a":"\ud83d\ude00 \ud800"}'})

    target.write(landing, iter([rows]), nothing)

    [(found,)] = warehouse.execute("SELECT value FROM labels")
    half = {"sqlite": chr(0xD800)}.get(warehouse.name, "\ufffd")
    assert (json.loads(found) if isinstance(found, str) else found) == {"a": f"\U0001f600 {half}"}
