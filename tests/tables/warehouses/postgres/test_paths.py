"""PostgreSQL by ADBC and by psycopg: the same rows, the same errors, whichever way is open."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from airflow.providers.postgres.hooks.postgres import PostgresHook

from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.warehouses.postgres import adbc_driver, psycopg_driver, warehouse
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT as POSTGRES
from tests.tables.ends import read, write
from tests.tables.factories import MONDAY, make_landing, make_rows, nothing
from tests.tables.warehouses.postgres.paths import PATHS, WAYS, Driver, hook

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.tables.landing import Written
    from tests.servers import Postgres


def reaches(conn_id: str) -> bool:
    """Tell whether ADBC is used for a connection."""
    return adbc(PostgresHook(conn_id))


def adbc(used: Any) -> bool:
    connection = psycopg_driver.connect(used)
    opened = adbc_driver.connect(used, connection)
    connection.close()
    if opened is not None:
        opened.close()
    return opened is not None


def source(path: str, database: Postgres, statement: str, parameters: Any = None) -> Any:
    query = sql.of_sql(statement, parameters, POSTGRES, percent=True)
    return warehouse.source(hook(path, database.uri), query)


def rows(path: str, database: Postgres, statement: str, parameters: Any = None) -> list[dict[str, Any]]:
    """Read all that a statement gives."""
    made = source(path, database, statement, parameters)
    with made.read(made.columns()) as batches:
        return pa.Table.from_batches(list(batches)).to_pylist()


def test_what_adbc_carries(postgres: Postgres, connect: Any) -> None:
    """Airflow's own hook leads to ADBC, unless something is asked that only psycopg knows."""
    connect("plain", **postgres.fields(extra={"sslmode": "prefer", "options": "-c statement_timeout=9000"}))
    connect("cursor", **postgres.fields(extra={"cursor": "dictcursor"}))

    assert [True, False] == [reaches("plain"), reaches("cursor")]
    assert not adbc(Driver("psycopg", postgres.uri))


@pytest.mark.parametrize(
    ("version", "whole"), [("1.9.0", False), ("1.12.1", False), ("1.13.0", True), ("2.0", True)]
)
def test_old_adbc(version: str, whole: bool) -> None:
    """A version of ADBC that loses a NULL in a list is left alone."""
    assert whole is adbc_driver.is_whole(version)


def test_search_path(postgres: Postgres, connect: Any) -> None:
    """A connection's search path holds for what ADBC reads and writes."""
    postgres.execute("CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.t AS SELECT 7 AS id")
    connect(**postgres.fields(extra={"options": "-c search_path=elsewhere"}))

    write("warehouse", make_landing(), {"id": 1})

    assert [{"id": 7}] == read("warehouse", "id", table="t").to_pylist()
    assert [(1,)] == postgres.execute("SELECT id FROM elsewhere.labels")


def patiently(work: Callable[[], Any]) -> Any:
    """Retry as Airflow would: the server may still be ending the session before."""
    for _ in range(50):
        with suppress(OpenAIBatchError):
            return work()
    return work()


def test_no_second_connection(
    postgres: Postgres, connect: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Where ADBC cannot connect, psycopg goes on, and the log says so without a secret."""
    postgres.execute(
        "DROP ROLE IF EXISTS single; CREATE ROLE single LOGIN PASSWORD 'hush' CONNECTION LIMIT 1; "
        "GRANT ALL ON SCHEMA public TO single"
    )
    connect(**postgres.fields(login="single", password="hush"))

    patiently(lambda: write("warehouse", make_landing(), {"id": 1, "label": "x"}))
    table = patiently(lambda: read("warehouse", "id", "label", table="labels"))
    postgres.execute("DROP OWNED BY single; DROP ROLE single")

    said = caplog.text + "".join(capfd.readouterr())
    assert [{"id": 1, "label": "x"}] == table.to_pylist()
    assert "ADBC cannot connect to PostgreSQL" in said
    assert "hush" not in said


@pytest.mark.parametrize("path", WAYS)
def test_parameters(postgres: Postgres, path: str) -> None:
    """The driver's placeholders mean the same on every path, and a value is never SQL."""
    asked = "SELECT %s AS id, %s AS body, %s::date AS day, '5%%' AS share, 1 = ANY(%s) AS is_one"
    by_name = "SELECT %(x)s AS x WHERE 'a' LIKE 'a%%'"
    nasty = "'); DROP TABLE t; -- \\ $1 ? %"

    assert [{"id": 7, "body": nasty, "day": date(2026, 1, 5), "share": "5%", "is_one": True}] == rows(
        path, postgres, asked, [7, nasty, date(2026, 1, 5), [1, 2]]
    )
    assert [{"x": Decimal("1.5")}] == [
        {"x": Decimal(row["x"])} for row in rows(path, postgres, by_name, {"x": Decimal("1.5")})
    ]


@pytest.mark.parametrize("path", WAYS)
def test_no_rows(postgres: Postgres, path: str) -> None:
    """A query without rows tells its types by one empty batch."""
    made = source(path, postgres, "SELECT 1::bigint AS id, ARRAY['x'] AS tags WHERE false")

    with made.read(["tags", "id"]) as batches:
        (batch,) = batches

    assert ([pa.list_(pa.string()), pa.int64()], 0) == (batch.schema.types, batch.num_rows)


@pytest.mark.parametrize("path", WAYS)
def test_error_after_many_rows(postgres: Postgres, path: str) -> None:
    """A query that fails midway tells its SQLSTATE, and no value."""
    made = source(path, postgres, "SELECT 1 / (50000 - g) AS id, repeat('secret', 99) AS s "
                                  "FROM generate_series(1, 60000) AS g")  # fmt: skip

    with made.read(["id", "s"]) as batches:
        seen = next(batches).num_rows
        with pytest.raises(InvalidRequest, match="22012") as caught:
            list(batches)

    assert seen > 0
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("path", WAYS)
def test_cancelled(postgres: Postgres, path: str) -> None:
    """A query that the server cancels is retried."""
    made = source(path, postgres, "SELECT g AS id, pg_cancel_backend(pg_backend_pid())::text AS s "
                                  "FROM generate_series(1, 9) AS g")  # fmt: skip

    with pytest.raises(OpenAIBatchError, match="57014") as caught, made.read(["id", "s"]) as batches:
        list(batches)

    assert not isinstance(caught.value, InvalidRequest)


@pytest.mark.parametrize("path", WAYS)
def test_reader_that_goes(postgres: Postgres, path: str) -> None:
    """A reader that stops early leaves no query behind."""
    endless = "SELECT generate_series(1, 1000000000) AS id, 'endless' AS s"
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%endless%%' AND pid <> pg_backend_pid()"
    )

    with source(path, postgres, endless).read(["id", "s"]) as batches:
        assert next(batches).num_rows > 0

    until = time.monotonic() + 60
    while postgres.execute(running, ()) != [(0,)] and time.monotonic() < until:
        pass
    assert [(0,)] == postgres.execute(running, ())


@pytest.mark.parametrize("path", WAYS)
def test_arrays_of_arrays(postgres: Postgres, path: str) -> None:
    """An array of two dimensions is refused, not laid out as one."""
    for value in ("'{{1,2},{3,4}}'::int[]", "'{{a}}'::text[]"):
        with pytest.raises(InvalidRequest, match="'x' holds a value that does not fit its type list"):
            rows(path, postgres, f"SELECT {value} AS x")


@pytest.mark.parametrize("path", WAYS)
def test_arrays_that_begin_elsewhere(postgres: Postgres, path: str) -> None:
    """The kind of fault: an array whose first place is another than 1 cannot be read by one driver."""
    query = """
        SELECT '[2:3]={1,2}'::int[] AS a, '[0:1]={x,NULL}'::text[] AS b, '[-1:-1]={1.5}'::float8[] AS c,
               '{}'::int[] AS d, NULL::int[] AS e, '{3}'::bigint[] AS f
    """

    assert [([1, 2], ["x", None], [1.5], [], None, [3])] == [
        tuple(row.values()) for row in rows(path, postgres, query)
    ]


LACKING = (
    "date '0044-03-15 BC'", "timestamptz 'infinity'", "date '12026-01-05'", "date '-infinity'",
    "timestamp 'infinity'", "ARRAY[date 'infinity']", "timestamp '12026-01-05'", "'NaN'::numeric(9, 2)",
)  # fmt: skip


@pytest.mark.parametrize("path", WAYS)
def test_values_that_python_lacks(postgres: Postgres, path: str) -> None:
    """What Python and Arrow have no form for is an error on every path, which does not show it."""
    for value in LACKING:
        with pytest.raises(InvalidRequest) as caught:
            rows(path, postgres, f"SELECT {value} AS x")

        assert not any(part in str(caught.value).lower() for part in ("infinity", "44", "12026", "nan "))


def test_many_rows(postgres: Postgres) -> None:
    """Batches of ADBC are no longer than any others, and their values stay in order."""
    made = source(
        "adbc", postgres, "SELECT g AS id, repeat('x', 900) AS s FROM generate_series(1, 20000) AS g"
    )

    with made.read(["id", "s"]) as batches:
        found = list(batches)

    assert max(batch.num_rows for batch in found) <= 4096
    assert list(range(1, 20001)) == pa.Table.from_batches(found)["id"].to_pylist()


ODD = """
CREATE TYPE mood AS ENUM ('fine', 'it''s');
CREATE DOMAIN brief AS varchar(4);
CREATE DOMAIN cents AS numeric(9, 2);
"""
COLUMNS: dict[str, tuple[pa.DataType, dict[str, str], str, Any]] = {
    "flag": (pa.bool_(), {}, "boolean", True),
    "flag_text": (pa.bool_(), {}, "text", False),
    "number": (pa.int64(), {}, "numeric", 7),
    "number_text": (pa.int64(), {}, "text", 7),
    "i2": (pa.int16(), {}, "smallint", 5),
    "i4": (pa.int32(), {}, "bigint", -5),
    "u8": (pa.uint64(), {}, "numeric(20)", 2**64 - 1),
    "f4": (pa.float32(), {}, "real", 0.1),
    "f8": (pa.float64(), {}, "double precision", 0.1),
    "f8_short": (pa.float64(), {}, "real", 0.1),
    "f8_numeric": (pa.float64(), {}, "numeric(9, 2)", 1.555),
    "f8_text": (pa.float64(), {}, "text", 1e20),
    "price": (pa.decimal128(12, 3), {}, "numeric(12, 3)", Decimal("1.500")),
    "price_free": (pa.decimal128(12, 3), {}, "numeric", Decimal("10000.500")),
    "price_text": (pa.decimal128(12, 3), {}, "text", Decimal("-0.001")),
    "price_cents": (pa.decimal128(12, 3), {}, "cents", Decimal("1.500")),
    "decimal": (pa.string(), {"logical": "decimal"}, "numeric", "12345678901234567890.5"),
    "body": (pa.string(), {}, "text", "a\tb\\N\n\0é"),
    "varied": (pa.string(), {}, "varchar(9)", "abc"),
    "padded": (pa.string(), {}, "char(5)", "abc"),
    "limited": (pa.string(), {}, "brief", "abc"),
    "mood": (pa.string(), {}, "mood", "it's"),
    "net": (pa.string(), {}, "inet", "10.0.0.1/8"),
    "raw": (pa.binary(), {}, "bytea", b"\x00\xff"),
    "fixed": (pa.binary(2), {}, "bytea", b"\x00\xff"),
    "day": (pa.date32(), {}, "date", date(2026, 1, 5)),
    "day_moment": (pa.date32(), {}, "timestamp", date(2026, 1, 5)),
    "naive": (pa.timestamp("us"), {}, "timestamp", datetime.fromisoformat("2026-01-05T06:00:00.123456")),
    "naive_short": (pa.timestamp("us"), {}, "timestamp(0)", datetime.fromisoformat("2026-01-05T06:00:00.9")),
    "seconds": (pa.timestamp("s"), {}, "timestamp", datetime.fromisoformat("2026-01-05T06:00:00")),
    "nanos": (pa.timestamp("ns"), {}, "timestamp", datetime.fromisoformat("2026-01-05T06:00:00.123456")),
    "zoned": (pa.timestamp("us", tz="UTC"), {}, "timestamptz", datetime(2026, 1, 5, tzinfo=UTC)),
    "tokyo": (pa.timestamp("us", tz="Asia/Tokyo"), {}, "timestamptz", datetime(2026, 1, 5, tzinfo=UTC)),
    "zoned_naive": (pa.timestamp("us", tz="UTC"), {}, "timestamp", datetime(2026, 1, 5, tzinfo=UTC)),
    "hour": (pa.time64("us"), {}, "time", clock(6, 30)),
    "id_": (pa.string(), {"logical": "uuid"}, "uuid", "11111111-2222-3333-4444-555555555555"),
    "extra": (pa.string(), {"logical": "json"}, "jsonb", '{"b": 1, "a": [1.50]}'),
    "extra_plain": (pa.string(), {"logical": "json"}, "json", '{"b": 1,  "a": [1.50]}'),
    "nested": (pa.list_(pa.list_(pa.int64())), {}, "jsonb", [[1], []]),
    "tags": (pa.list_(pa.string()), {}, "text[]", ["a,b", None, '"\\', "", "NULL", "x\0"]),
    "tags_short": (pa.list_(pa.string()), {}, "varchar(3)[]", ["abc", None]),
    "moods": (pa.list_(pa.string()), {}, "mood[]", ["fine", None]),
    "longs": (pa.list_(pa.int64()), {}, "bigint[]", [1, None]),
    "shorter": (pa.list_(pa.int64()), {}, "int[]", [1, None]),
    "reals": (pa.list_(pa.float32()), {}, "real[]", [0.1, None]),
    "doubles": (pa.list_(pa.float64()), {}, "double precision[]", [0.1, 1e300]),
    "flags": (pa.list_(pa.bool_()), {}, "boolean[]", [True, None]),
    "days": (pa.list_(pa.date32()), {}, "date[]", [date(2026, 1, 5)]),
    "moments": (pa.list_(pa.timestamp("us", tz="UTC")), {}, "timestamptz[]", [MONDAY]),
    "prices": (pa.list_(pa.decimal128(9, 2)), {}, "numeric[]", [Decimal("1.50"), None]),
    "none": (pa.list_(pa.string()), {}, "text[]", []),
}  # fmt: skip


def load(path: str, database: Postgres, table: str, kinds: Any, *given: dict[str, Any]) -> Written:
    """Write rows into a table of these columns."""
    declared = ", ".join(f"{name} {kind}" for name, (_, _, kind, _) in kinds.items())
    database.execute(
        f"CREATE TABLE {table} (id text PRIMARY KEY, {declared}, batch_status text, batch_custom_id text, "
        "batch_snapshot_at timestamptz)"
    )
    fields = [pa.field(name, arrow, metadata=meaning) for name, (arrow, meaning, _, _) in kinds.items()]
    landing = make_landing(*fields, key_type=pa.string(), carried=tuple(kinds))
    target = warehouse.target(hook(path, database.uri), (table,))
    return target.write(landing, iter(make_rows(landing, *given)), nothing)


def test_every_type(postgres: Postgres) -> None:
    """Values of every type, into every type that takes them, are the same rows on every path."""
    postgres.execute(ODD)
    whole = {"id": "1"} | {name: value for name, (_, _, _, value) in COLUMNS.items()}

    found = []
    for path in PATHS:
        load(
            path, postgres, path, {n: k for n, k in COLUMNS.items() if k[2] not in {"brief", "cents"}}, whole
        )
        found.append(postgres.execute(f"SELECT {path}::text FROM {path}"))
    with_domains = []
    for path in PATHS:
        load(path, postgres, f"{path}_d", COLUMNS, whole, {"id": "2"})
        with_domains.append(postgres.execute(f"SELECT {path}_d::text FROM {path}_d ORDER BY id"))

    assert found[0] == found[1] == found[2]
    assert with_domains[0] == with_domains[1] == with_domains[2]
    assert ["1.500", "10000.500", "1.50"] == list(
        postgres.execute(
            "SELECT price::text, price_free::text, price_cents::text FROM adbc_d WHERE id = '1'"
        )[0]
    )


@pytest.mark.parametrize("path", WAYS)
def test_nothing_is_cut(postgres: Postgres, path: str) -> None:
    """A text that is too long is an error, never a shorter text."""
    postgres.execute(ODD)

    for number, kind in enumerate(["varchar(3)", "char(3)", "brief", "varchar(3)[]"]):
        is_list = kind.endswith("]")
        kinds = {"x": (pa.list_(pa.string()) if is_list else pa.string(), {}, kind, None)}
        with pytest.raises(OpenAIBatchError, match="22001") as caught:
            load(path, postgres, f"t{number}", kinds, {"id": "1", "x": ["10101"] if is_list else "10101"})

        assert "10101" not in str(caught.value)
        assert [] == postgres.execute(f"SELECT * FROM t{number}")


@pytest.mark.parametrize("path", WAYS)
def test_vectors(postgres: Postgres, path: str) -> None:
    """Embeddings go into pgvector's types, NULL among them; a NULL inside is an error."""
    postgres.execute("CREATE EXTENSION IF NOT EXISTS vector")

    for number, kind in enumerate(["vector(3)", "halfvec(3)", "vector"]):
        kinds = {"embedding": (pa.list_(pa.float32()), {}, kind, None)}
        load(path, postgres, f"t{number}", kinds, {"id": "1", "embedding": [0.5, -1, 3e-5]}, {"id": "2"})
        with pytest.raises(OpenAIBatchError, match=r"22\w+"):
            load(path, postgres, f"broken{number}", kinds, {"id": "1", "embedding": [0.5, None, 1]})

        assert [("1", True), ("2", None)] == postgres.execute(
            f"SELECT id, embedding = '[0.5,-1,3e-5]'::{kind} FROM t{number} ORDER BY id"
        )


@pytest.mark.parametrize("path", WAYS)
def test_texts_with_nul(postgres: Postgres, path: str) -> None:
    """A NUL, which PostgreSQL's text has no room for, is left out of keys and texts."""
    kinds = {"label": (pa.string(), {}, "text", None)}

    load(path, postgres, "t", kinds, {"id": "a\0b", "label": "\0"}, {"id": "c"})

    assert [("ab", ""), ("c", None)] == postgres.execute("SELECT id, label FROM t ORDER BY id")
