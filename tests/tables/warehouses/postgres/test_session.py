"""PostgreSQL, read and written through Airflow's hook."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.resolve import resolve_target
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.warehouses.postgres import warehouse
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT as POSTGRES
from airflow_provider_openai_batch.tables.warehouses.postgres.errors import explain
from tests.servers import Postgres
from tests.tables.ends import read, write
from tests.tables.factories import MONDAY, make_landing, make_rows, nothing
from tests.tables.warehouses.postgres.paths import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_TYPE = """
CREATE TYPE mood AS ENUM ('fine');
CREATE TABLE t (id bigint, i2 smallint, i4 int, f4 real, f8 double precision, b bool, n numeric(12, 3),
  free numeric, body text, v varchar(20), raw bytea, d date, ts timestamp, tz timestamptz, u uuid, j jsonb,
  js json, tags text[], ints int[], m mood, span interval);
INSERT INTO t VALUES (9007199254740993, 1, 2, 0.1, 0.1, true, 12.340, 100.500, 'a', 'b', '\\x00ff',
  '2026-01-05', '2026-01-05 06:00:00.123456', '2026-01-05 06:00:00+02',
  '11111111-2222-3333-4444-555555555555', '{"b": 1, "a": [1.50]}', '{"b":1}',
  ARRAY['x', NULL, '"y"'], ARRAY[1, NULL], 'fine', '1 day');
INSERT INTO t (id) VALUES (2);
"""


@pytest.fixture
def latin(postgres_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give a database that lacks most characters as an Airflow connection."""
    name = f"latin_{uuid4().hex[:12]}"
    postgres_server.psql(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    database = Postgres(postgres_server.get_uri(database=name), "latin")
    monkeypatch.setenv("AIRFLOW_CONN_LATIN", json.dumps(database.fields()))
    yield "latin"
    postgres_server.psql(f"DROP DATABASE {name} WITH (FORCE)")


def test_an_encoding_that_lacks_characters_is_refused(latin: str) -> None:
    """An emoji in one answer would stop the load of all, after they are paid for."""
    target = resolve_target(arguments.target({"conn_id": latin, "table": "labels"}))

    with pytest.raises(InvalidRequest, match="encoded in LATIN1"):
        target.check(make_landing())


def test_read_types(postgres: Postgres) -> None:
    """The server declares the types; what Arrow has no exact form for is text as the server prints it."""
    postgres.execute(EVERY_TYPE)
    with_names = postgres.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum"
    )

    table = read("postgres", *(row[0] for row in with_names), table="t")

    row, empty = table.to_pylist()
    assert {
        "id": 9007199254740993, "i2": 1, "i4": 2, "f8": 0.1, "b": True, "n": Decimal("12.340"),
        "free": "100.5", "body": "a", "v": "b", "raw": b"\x00\xff", "d": date(2026, 1, 5),
        "ts": datetime.fromisoformat("2026-01-05T06:00:00.123456"),
        "tz": datetime(2026, 1, 5, 4, tzinfo=UTC), "u": "11111111-2222-3333-4444-555555555555",
        "j": '{"a": [1.50], "b": 1}', "js": '{"b":1}', "tags": ["x", None, '"y"'], "ints": [1, None],
        "m": "fine", "span": "1 day",
    } == {name: value for name, value in row.items() if name != "f4"}  # fmt: skip
    assert pa.float32() == table.schema.field("f4").type
    assert b"uuid" == table.schema.field("u").metadata[b"logical"]
    assert b"decimal" == table.schema.field("free").metadata[b"logical"]
    assert {"id": 2} == {name: value for name, value in empty.items() if value is not None}


def test_parameters_and_percent(postgres: Postgres) -> None:
    """Parameters are the driver's; without any, a percent sign is only itself."""
    sql = "SELECT 1 AS id, 'x' AS \"50%\" WHERE 'abc' LIKE 'a%'"

    assert ["x"] == read("postgres", "50%", sql=sql)["50%"].to_pylist()
    with_parameters = "SELECT %(x)s::int AS id, 'x' AS \"50%%\";"
    assert [{"50%": "x", "id": 7}] == read(
        "postgres", "50%", "id", sql=with_parameters, parameters={"x": 7}
    ).to_pylist()


def test_error_in_sql(postgres: Postgres) -> None:
    """The server's own words are shown for a wrong query."""
    with pytest.raises(InvalidRequest, match=r'column "nope" does not exist \(SQLSTATE 42703\)'):
        read("postgres", "id", sql="SELECT nope AS id")


def test_values_never_in_errors(postgres: Postgres) -> None:
    """A text that a cast refuses is not quoted."""
    with pytest.raises(InvalidRequest, match="22P02") as caught:
        read("postgres", "id", sql="SELECT cast(x AS int) AS id FROM (VALUES ('secret')) AS t (x)")

    assert "secret" not in str(caught.value)


def test_long_names(postgres: Postgres) -> None:
    """A new column has the name that PostgreSQL leaves of a long one; two that become one are an error."""
    write(postgres.conn_id, make_landing(pa.field("ü" * 32, pa.string())), {"id": 1, "ü" * 32: "x"})

    assert [("x",)] == postgres.execute(f"SELECT {'ü' * 31} FROM labels")
    clash = make_landing(pa.field("ü" * 32, pa.string()), pa.field("ü" * 31, pa.string()))
    with pytest.raises(InvalidRequest, match="are one column in the target"):
        write(postgres.conn_id, clash, {"id": 1}, table="other")


@pytest.mark.parametrize("state", ["08006", "40001", "40P01", "53300", "55P03", "57P01", "57014", "58030"])
def test_passing_states(state: str) -> None:
    """A lost connection, a deadlock, a lock, or a shutdown is retried; it is not a fault of the DAG."""
    with pytest.raises(OpenAIBatchError, match=state) as caught, told("Doing", explain):
        raise psycopg.errors.lookup(state)

    assert type(caught.value) is OpenAIBatchError


def test_create_with_binary_key(postgres: Postgres) -> None:
    """A new table has the result's types, a primary key, and text keys that differ by every byte."""
    landing = make_landing(
        pa.field("label", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("extra", pa.string(), metadata={"logical": "json"}),
        pa.field("price", pa.decimal128(12, 3)),
        key_type=pa.string(),
    )
    row = {"label": "x\ty\\N\n", "score": 0.1, "tags": ["a,b", None, '"\\'], "extra": '{"a": 1}'}

    written = write("postgres", landing, {"id": "A", **row, "price": Decimal("1.500")}, {"id": "a"})

    assert Written(written=2, kept=0) == written
    assert [
        ("A", "x\ty\\N\n", 0.1, ["a,b", None, '"\\'], {"a": 1}, Decimal("1.500"), MONDAY)
    ] == postgres.execute(
        "SELECT id, label, score, tags, extra, price, batch_snapshot_at FROM labels WHERE id = 'A'"
    )
    assert [("C",)] == postgres.execute(
        "SELECT collation_name FROM information_schema.columns WHERE table_name = 'labels' "
        "AND column_name = 'id'"
    )


TABLE = (
    "id bigint PRIMARY KEY, label text, batch_status text, batch_custom_id text, "
    "batch_snapshot_at timestamptz"
)


def test_no_right(postgres: Postgres, connect: Any) -> None:
    """A user who may not write is told so by the check."""
    postgres.execute(f"CREATE TABLE labels ({TABLE})")
    postgres.execute("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; GRANT SELECT ON labels TO reader")
    connect(**postgres.fields(login="reader"))

    with pytest.raises(InvalidRequest, match="permission denied for table labels"):
        write("warehouse", make_landing(), {"id": 1})
    postgres.execute("REVOKE ALL ON labels FROM reader")


def test_cursor_of_the_connection(postgres: Postgres, connect: Any) -> None:
    """A connection whose extra asks for rows as dicts is read and written like any other."""
    connect(**postgres.fields(extra='{"cursor": "dictcursor"}'))

    write("warehouse", make_landing(), {"id": 1, "label": "x"})

    assert [{"id": 1, "label": "x"}] == read("warehouse", "id", "label", table="labels").to_pylist()


def test_column_types_of_the_database(postgres: Postgres) -> None:
    """A type that only the database knows takes what it can read."""
    postgres.execute("CREATE TYPE kind AS ENUM ('bug')")
    postgres.execute(f"CREATE TABLE labels ({TABLE.replace('label text', 'label kind')})")

    assert Written(written=1, kept=0) == write(
        "postgres", make_landing(carried=("label",)), {"id": 1, "label": "bug"}
    )
    with pytest.raises(OpenAIBatchError, match="22P02") as caught:
        write("postgres", make_landing(carried=("label",)), {"id": 1, "label": "secret"})
    assert "secret" not in str(caught.value)


def test_partitioned_table(postgres: Postgres) -> None:
    """A partitioned table is a target like any other."""
    columns = TABLE.replace(" PRIMARY KEY", "")
    postgres.execute(f"CREATE TABLE labels ({columns}, day text, UNIQUE (day, id)) PARTITION BY LIST (day)")
    postgres.execute("CREATE TABLE labels_1 PARTITION OF labels FOR VALUES IN ('2026-01-05')")
    landing = make_landing(mode="replace_partition", partition={"day": "2026-01-05"})

    assert Written(written=1, kept=0) == write("postgres", landing, {"id": 1})


def test_unreachable_is_retried(connect: Any) -> None:
    """A server that does not answer is not a fault of the DAG."""
    connect(conn_type="postgres", host="127.0.0.1", port=1, login="x", schema="x")

    with pytest.raises(OpenAIBatchError) as caught:
        read("warehouse", "id", table="t")

    assert not isinstance(caught.value, InvalidRequest)


def test_copy_by_psycopg_2(postgres: Postgres) -> None:
    """The older driver copies rows, and an error among them stays what it is."""
    landing = make_landing()
    target = warehouse.target(Driver("psycopg2", postgres.uri), ("labels",))
    rows = make_rows(landing, *({"id": n, "label": "x\ty\\" * 1000} for n in range(50)))

    def broken() -> Iterator[pa.RecordBatch]:
        yield from rows
        raise InvalidRequest("no more rows")

    target.check(landing)
    with pytest.raises(InvalidRequest, match="no more rows"):
        target.write(landing, broken(), nothing)

    assert Written(written=50, kept=0) == target.write(landing, iter(rows), nothing)
    assert [(50, "x\ty\\" * 1000)] == postgres.execute("SELECT count(*), min(label) FROM labels")


def test_unreachable_by_psycopg_2() -> None:
    """An error of the older driver without a SQLSTATE is retried."""
    source = warehouse.source(Driver("psycopg2", "host=127.0.0.1 port=1"), sql.of_table("t", None, POSTGRES))

    with pytest.raises(OpenAIBatchError, match="OperationalError"):
        source.columns()
