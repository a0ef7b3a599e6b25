"""PostgreSQL to PostgreSQL, rows of about 1 KB: our paths against the named cursor and `insert_rows`."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
from adbc_driver_postgresql import dbapi
from airflow.providers.postgres.hooks.postgres import PostgresHook

from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.landing import Landing
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.warehouses.postgres import warehouse
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT as POSTGRES
from airflow_provider_openai_batch.tables.warehouses.postgres.source import PostgresSource
from benchmarks.lines import Bench, Line, compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.children import Usage

#: So many rows of PostgreSQL are read and written.
ROWS = 200_000
#: What reading and writing may use at most, above the imports.
MOST_MB = 280
TABLE = """
CREATE TABLE tickets AS SELECT g::bigint AS id, repeat(md5(g::text), 22) AS ticket,
  'subject ' || g AS subject, timestamptz '2026-01-05' + g * interval '1 second' AS opened_at,
  (g % 10000 / 100.0)::numeric(12, 2) AS amount, g / 7.0::double precision AS score, g % 2 = 0 AS is_open,
  date '2026-01-05' + g % 365 AS day, md5(g::text)::uuid AS ref, ARRAY['a' || g % 9, NULL, 'c'] AS tags,
  jsonb_build_object('number', g, 'text', md5(g::text)) AS extra
FROM generate_series(1, {rows}) AS g
"""
NEW_TABLES = (
    "DROP TABLE IF EXISTS ours, theirs",
    "CREATE TABLE theirs (id bigint, ticket text, label text)",
)
NARROW = ("id", "ticket")
WIDE = (*NARROW, "subject", "opened_at", "amount", "score", "is_open", "day", "ref", "tags", "extra")
FIXED = {
    "status": pa.string(), "error_message": pa.string(), "input_tokens": pa.int64(), "cost_usd": pa.float64(),
    "custom_id": pa.string(), "run_id": pa.string(), "snapshot_at": pa.timestamp("us", tz="UTC"),
}  # fmt: skip
#: How many rows a user's cursor fetches at once.
FETCHED = 10_000
RUN = "dag/task/run"
VALUES = ("ok", None, 120, 0.0001, "0" * 32, RUN, datetime(2026, 1, 5, 6, tzinfo=UTC))


def reading(bench: Bench) -> Iterator[Line]:
    """Read by ADBC, by the hook's named cursor, and by ours, which is what there is without ADBC."""
    known = write_tickets(bench)
    for what, columns, limit in (("read key and text", NARROW, 1 / 3), ("read wide rows", WIDE, 1 / 5)):
        of = f"{what}, {known['rows']:,} of PostgreSQL"
        ours, theirs, without = _in_turn(bench, ("read", "fetch", "read_on"), columns=columns, **known)
        yield compared(f"{of}: ADBC, the hook's named cursor", ours, theirs, limit)
        yield compared(f"{of}: ADBC, ours without it", ours, without, 1)
        alone, fetched = _in_turn(bench, ("read_alone", "fetch"), columns=columns, **known)
        least = compared(f"{of}: ADBC's driver alone, the hook's named cursor", alone, fetched, limit)
        yield replace(least, is_least=True)


def writing(bench: Bench) -> Iterator[Line]:
    """Write a new table by our target, and by the hook."""
    known = given(bench)
    ours, theirs = _in_turn(bench, ("write", "insert_rows"), NEW_TABLES, **known)
    what = f"write {known['rows']:,} rows to PostgreSQL: ours, insert_rows(executemany=True)"
    yield compared(what, ours, theirs, 1 / 4)


def memory(bench: Bench) -> Iterator[Line]:
    """Read everything and write it."""
    known = write_tickets(bench)
    used = bench.measure(f"{__name__}:copy", **known)
    yield Line(
        what=f"memory of reading and writing {known['rows']:,} rows of PostgreSQL, above the imports",
        ours=f"{used.cpu:.2f} s of CPU",
        share=used.peak,
        limit=MOST_MB,
        unit="MB",
    )


def write_tickets(bench: Bench, rows: int = ROWS) -> dict[str, Any]:
    """Write the tickets anew, and say what a measured function needs to know."""
    known = given(bench, rows)
    bench.postgres.execute("DROP TABLE IF EXISTS tickets, labels, copied")
    bench.postgres.execute(TABLE.format(rows=known["rows"]))
    return known


def given(bench: Bench, rows: int = ROWS) -> dict[str, Any]:
    """Say what a measured function needs to know."""
    return {"connection": json.dumps(bench.postgres.fields()), "rows": min(bench.rows, rows)}


def _in_turn(
    bench: Bench, works: tuple[str, ...], before: tuple[str, ...] = (), **known: Any
) -> tuple[list[Usage], ...]:
    """Measure each once in each round, after these statements."""
    rounds = []
    for _ in range(bench.rounds):
        for statement in before:
            bench.postgres.execute(statement)
        rounds.append([bench.measure(f"{__name__}:{work}", **known) for work in works])
    return tuple(list(one) for one in zip(*rounds, strict=True))


def warm(connection: str, **_: Any) -> None:
    """Import the drivers by using them."""
    os.environ["AIRFLOW_CONN_POSTGRES"] = connection
    for columns, by in ((("one",), "adbc"), (("one",), "cursor")):
        with _source("SELECT 1 AS one", by).read(columns) as batches:
            list(batches)


def read(columns: list[str], **_: Any) -> None:
    """Read these columns by ADBC and forget them."""
    _drop(_source("SELECT * FROM tickets", "adbc"), columns)


def read_on(columns: list[str], **_: Any) -> None:
    """Read these columns by our named cursor."""
    _drop(_source("SELECT * FROM tickets", "cursor"), columns)


def read_alone(connection: str, columns: list[str], **_: Any) -> None:
    """Read these columns by ADBC's own cursor, and look at none."""
    known = json.loads(connection)
    uri = f"host={known['host']} dbname={known['schema']} user={known['login']}"
    with dbapi.connect(uri) as reading_from, reading_from.cursor() as opened:
        opened.execute(f"SELECT {', '.join(columns)} FROM tickets")
        for _batch in opened.fetch_record_batch():
            pass


def fetch(columns: list[str], **_: Any) -> None:
    """Read these columns by a named cursor of the hook, into Arrow as it takes them."""
    connection = PostgresHook("postgres").get_conn()
    with closing(connection), closing(connection.cursor("fetch")) as opened:
        opened.execute(f"SELECT {', '.join(columns)} FROM tickets")
        while rows := opened.fetchmany(FETCHED):
            for column in zip(*rows, strict=True):
                pa.array([str(value) if isinstance(value, UUID) else value for value in column])


def _drop(source: PostgresSource, columns: list[str]) -> None:
    with source.read(columns) as batches:
        for _batch in batches:
            pass


def write(rows: int, **_: Any) -> None:
    """Write rows that cost nothing to make."""
    made = pa.record_batch(
        {"ticket": ["x" * 700 + str(number) for number in range(BATCH_ROWS)], "label": ["bug"] * BATCH_ROWS}
    )
    _write(_landing(made.schema), _numbered(made, rows), "ours")


def insert_rows(rows: int, **_: Any) -> None:
    """Write the same rows as Airflow's users do; the fixed columns are left out, which saves it work."""
    made = [("x" * 700 + str(number), "bug") for number in range(BATCH_ROWS)]
    rows_of = ((number, *made[number % BATCH_ROWS]) for number in range(rows))
    PostgresHook("postgres").insert_rows("theirs", rows_of, ["id", "ticket", "label"], executemany=True)


def copy(**_: Any) -> None:
    """Read all columns and write them with their results."""
    with _source("SELECT * FROM tickets", "adbc").read(WIDE) as batches:
        first = next(batches)
        landing = _landing(first.schema.remove(0))
        _write(landing, _chained(first, batches), "copied")


def _source(query: str, by: str) -> PostgresSource:
    made = warehouse.source(PostgresHook("postgres"), sql.of_sql(query, None, POSTGRES, percent=True))
    if by == "adbc":
        return made
    return PostgresSource(driver=made.driver, query=made.query, quick=lambda _: None)


def _landing(carried: pa.Schema) -> Landing:
    fixed = [pa.field(f"batch_{role}", kind, metadata={"batch": role}) for role, kind in FIXED.items()]
    schema = pa.schema([pa.field("id", pa.int64()), *carried, *fixed])
    return Landing(schema=schema, key=("id",), mode="merge", partition={}, run_id=RUN, prefix="batch_")


def _write(landing: Landing, batches: Iterator[pa.RecordBatch], table: str) -> None:
    target = warehouse.target(PostgresHook("postgres"), (table,))
    target.write(landing, (_answered(batch, landing.schema) for batch in batches), lambda: None)


def _answered(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    fixed = [
        pa.repeat(pa.scalar(value, kind), batch.num_rows)
        for value, kind in zip(VALUES, FIXED.values(), strict=True)
    ]
    return pa.RecordBatch.from_arrays([*batch.columns, *fixed], schema=schema)


def _numbered(made: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    for first in range(0, rows, BATCH_ROWS):
        numbers = pa.array(range(first, min(first + BATCH_ROWS, rows)), pa.int64())
        part = made.slice(0, len(numbers))
        yield pa.RecordBatch.from_arrays([numbers, *part.columns], names=["id", *part.schema.names])


def _chained(first: pa.RecordBatch, rest: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from rest
