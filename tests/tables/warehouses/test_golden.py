"""One golden table per database, read by every path: the hashes are equal, and never change."""

from __future__ import annotations

import hashlib
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.request.compile_template import compile_template
from airflow_provider_openai_batch.batch.text import values
from airflow_provider_openai_batch.tables.resolve import resolve_source
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.warehouses.duckdb.dialect import DIALECT as DUCKDB
from airflow_provider_openai_batch.tables.warehouses.postgres import warehouse
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT as POSTGRES
from airflow_provider_openai_batch.tables.warehouses.sqlite.dialect import DIALECT as SQLITE
from tests.batch.hashes import input_hash
from tests.batch.made import names, requests
from tests.tables.warehouses.postgres.paths import PATHS, hook

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Postgres

POSTGRES_TABLE = """
CREATE TYPE mood AS ENUM ('fine', 'it''s');
CREATE DOMAIN cents AS numeric(9, 2);
CREATE TABLE golden (id bigint, i2 smallint, i4 int, f4 real, f8 double precision, b bool, n numeric(12, 3),
  n50 numeric(50, 10), free numeric, c cents, body text, v varchar(20), padded char(6), raw bytea, d date,
  ts timestamp, tz timestamptz, t time, u uuid, j jsonb, js json, m mood, span interval, days daterange,
  net inet, point point, tags text[], f4s real[], f8s double precision[], ints int[], shorts smallint[],
  longs bigint[], bools bool[], dates date[], moments timestamp[], zoned timestamptz[], prices numeric[]);
INSERT INTO golden VALUES
(9007199254740993, -32768, 2147483647, 0.1, 0.1, true, 12.340, 1.5, 100.500, 1.5, E'caf\\u00e9 \\t\\\\N\\n',
 'v', 'ab', '\\x00ff', '2026-01-05', '2026-01-05 06:00:00.123456', '2026-01-05 06:00:00.1+02', '06:00:00.5',
 '11111111-2222-3333-4444-555555555555', '{"b": 1, "a": [1.50, null]}', '{"b":1,  "a": 1.50}', 'it''s',
 '1 day 02:03:04', '[2026-01-05,2026-01-07)', '10.0.0.1/8', '(0.1,2)', ARRAY['x', NULL, '"y"', ''],
 ARRAY[0.1, NULL], ARRAY[0.1, 1e300], ARRAY[1, NULL], ARRAY[1], ARRAY[9007199254740993], ARRAY[true, NULL],
 ARRAY[date '2026-01-05'], ARRAY[timestamp '2026-01-05 06:00'], ARRAY[timestamptz '2026-01-05 06:00+02'],
 ARRAY[1.50, NULL]),
(-1, 0, 0, 1e-7, 1e22, false, -0.001, 0, 0.000, 0, '', '', '', '', '0001-01-01', '9999-12-31 23:59:59.999999',
 '1900-01-01 00:00+00', '00:00', '00000000-0000-0000-0000-000000000000', '"x"', 'null', 'fine', '-1 mon',
 'empty', '::1', '(1,2)', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'),
(2, 1, 1, 'NaN', '-Infinity', NULL, 999999999.999, 12345678901234567890.0123456789, 'NaN', NULL, 'x', 'y',
 'z', 'a', '2000-02-29', '2000-01-01', '2000-01-01', '24:00', NULL, '1.0', '[]', NULL, '1.5 sec', NULL, NULL,
 NULL, NULL, ARRAY['NaN'::real], ARRAY['Infinity'::float8], NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
(3, 1, 1, 3.4028235e38, 5e-324, NULL, 1000, 1000, 1e20, 9, 'x', 'y', 'z', 'a', NULL, NULL, NULL, NULL, NULL,
 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO golden (id) VALUES (4);
"""
DUCKDB_TABLE = """
CREATE TABLE golden AS SELECT * FROM (VALUES
  (9007199254740993, 0.1::DOUBLE, true, 'caf\u00e9', '\\x00\\xFF'::BLOB, DATE '2026-01-05',
   TIMESTAMP '2026-01-05 06:00:00.123456', UUID '11111111-2222-3333-4444-555555555555', ['x', NULL, '"y"']),
  (-1, 1e22::DOUBLE, false, '', ''::BLOB, DATE '0001-01-01', TIMESTAMP '9999-12-31 23:59:59.999999',
   NULL, []),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) AS t (id, f8, b, body, raw, d, ts, u, tags)
"""
SQLITE_TABLE = """
CREATE TABLE golden (id INTEGER, body TEXT, score REAL, raw BLOB, price DECIMAL(9, 2));
INSERT INTO golden VALUES (9007199254740993, 'caf\u00e9', 0.1, x'00ff', 1.5), (-1, '', 1e22, x'', 2.25),
  (4, NULL, NULL, NULL, NULL);
"""


def read(source: Any) -> pa.Table:
    with source.read(source.columns()) as batches:
        return pa.Table.from_batches(list(batches))


def hashes(table: pa.Table) -> list[tuple[str, str]]:
    """Name each row's request and hash its input as staging does, with every column in the template."""
    texts = {name: values.texts(table.column(name)) for name in table.column_names}
    asked = " ".join(f"{{{name}}}" for name in texts)
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": asked}]}
    template = compile_template("/v1/chat/completions", body, list(texts))
    rows = [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]
    return [(name, input_hash(row)) for name, row in zip(names(requests(template, texts)), rows, strict=True)]


def pin(table: pa.Table) -> str:
    """Fold the hashes of all rows into one."""
    return hashlib.sha256(repr(sorted(hashes(table))).encode()).hexdigest()[:16]


@pytest.mark.parametrize("path", PATHS)
def test_postgres(postgres: Postgres, path: str) -> None:
    """ADBC and both generations of psycopg give one schema and one text of every value."""
    postgres.execute(POSTGRES_TABLE)
    query = sql.of_sql("SELECT * FROM golden ORDER BY id", None, POSTGRES, percent=True)

    table = read(warehouse.source(hook(path, postgres.uri), query))

    assert "62261ccc60c1473a" == pin(table)
    assert {
        "f4": pa.float32(),
        "n50": pa.decimal256(50, 10),
        "free": pa.string(),
        "c": pa.decimal128(9, 2),
    } == {name: table.schema.field(name).type for name in ("f4", "n50", "free", "c")}


def test_postgres_sessions(postgres: Postgres, connect: Any) -> None:
    """What the role or the connection sets for the texts of values changes none of them."""
    postgres.execute(POSTGRES_TABLE)
    settings = "-c timezone=Asia/Tokyo -c datestyle=german -c intervalstyle=iso_8601 -c extra_float_digits=0"
    connect(**postgres.fields(extra={"options": f"{settings} -c bytea_output=escape"}))
    asked = {"key": "id", "sql": "SELECT * FROM golden"}

    usual, other = (
        read(resolve_source(arguments.source(asked | {"conn_id": conn_id})))
        for conn_id in ("postgres", "warehouse")
    )

    assert hashes(usual) == hashes(other)


def test_duckdb(duckdb_file: Path) -> None:
    """Arrow and the plain driver give one text of every value."""
    with duckdb.connect(str(duckdb_file)) as connection:
        connection.execute(DUCKDB_TABLE)
    by_arrow = resolve_source(arguments.source({"conn_id": "warehouse", "key": "id", "table": "golden"}))
    by_driver = sql.CursorSource(
        driver=sql.Driver(partial(duckdb.connect, str(duckdb_file))),
        query=sql.of_table("golden", None, DUCKDB),
    )

    assert ["fb98534d6a7f7d3a"] * 2 == [pin(read(by_arrow)), pin(read(by_driver))]


def test_sqlite(sqlite_file: Path) -> None:
    """Declared types and types that the values tell give one text of every value."""
    with sqlite3.connect(sqlite_file) as connection:
        connection.executescript(SQLITE_TABLE)
    by_declaration = resolve_source(
        arguments.source({"conn_id": "warehouse", "key": "id", "table": "golden"})
    )
    by_values = sql.CursorSource(
        driver=sql.Driver(partial(sqlite3.connect, sqlite_file)),
        query=sql.of_table("golden", None, SQLITE),
    )

    assert ["b4ebc5f00648be52"] * 2 == [pin(read(by_declaration)), pin(read(by_values))]
