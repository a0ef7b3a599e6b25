"""The SQL of each dialect, as files to look at: `RENEW=1 pytest tests/tables/test_snapshots.py` writes them.

What is compared is every statement that a load, a check, or a look makes, in its order.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import ErrorLevel, exp

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.existing.held_rows import Join, Known
from airflow_provider_openai_batch.tables.plan import Column, Existing
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.targets.sql_target import SqlTarget
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.warehouses.registry import WRITTEN
from tests.tables.factories import MONDAY, fixed, make_landing, make_rows, nothing
from tests.tables.recorder import Recorder, SteppingRecorder, readable

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.landing import Landing

FOLDER = Path(__file__).parent / "snapshots"
RENEW = bool(os.environ.get("RENEW"))
PLACE = ("shop", "labels")
#: How each database describes columns of ours, as tests with real ones know it.
DECLARED: dict[str, dict[str, str]] = {
    "postgres": {
        "text": "text", "long": "text", "number": "bigint", "moment": "timestamp with time zone",
        "day": "date",
    },
    "mysql": {
        "text": "varchar(255)", "long": "longtext", "number": "bigint(20)", "moment": "datetime(6)",
        "day": "date",
    },
    "duckdb": {
        "text": "VARCHAR", "long": "VARCHAR", "number": "BIGINT", "moment": "TIMESTAMP WITH TIME ZONE",
        "day": "DATE",
    },
    "sqlite": {"text": "TEXT", "long": "TEXT", "number": "INTEGER", "moment": "TEXT", "day": "TEXT"},
    "bigquery": {
        "text": "STRING", "long": "STRING", "number": "INT64", "moment": "TIMESTAMP", "day": "DATE",
    },
    "snowflake": {
        "text": "VARCHAR", "long": "VARCHAR", "number": "NUMBER(38,0)", "moment": "TIMESTAMP_TZ(9)",
        "day": "DATE",
    },
}  # fmt: skip
ROLES = {
    "status": "text", "error_message": "long", "custom_id": "text", "run_id": "text", "snapshot_at": "moment",
    "input_hash": "text", "prompt_version": "text",
}  # fmt: skip
EMBEDDING = pa.list_(pa.float32())
KINDS = {
    "boolean": pa.bool_(), "int8": pa.int8(), "uint8": pa.uint8(), "int16": pa.int16(),
    "uint16": pa.uint16(), "int32": pa.int32(), "uint32": pa.uint32(), "int64": pa.int64(),
    "uint64": pa.uint64(), "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(),
    "decimal_12_3": pa.decimal128(12, 3), "decimal_60_9": pa.decimal256(60, 9),
    "decimal_40_35": pa.decimal256(40, 35), "text": pa.string(), "bytes": pa.binary(), "day": pa.date32(),
    "time": pa.time64("us"), "moment": pa.timestamp("us"), "moment_ns": pa.timestamp("ns"),
    "moment_utc": arrow_types.UTC, "duration": pa.duration("s"), "embedding": EMBEDDING,
    "texts": pa.list_(pa.string()), "lists": pa.list_(EMBEDDING), "struct": pa.struct([("a", pa.int64())]),
}  # fmt: skip


def dialect_of(name: str) -> Dialect:
    return next(dialect for dialect in WRITTEN if dialect.name == name)


def recorder_of(name: str, **changes: Any) -> Recorder:
    """Make a database of the dialect that writes down what it is asked."""
    dialect = dialect_of(name)
    made = SteppingRecorder if dialect.statements.unenforced else Recorder
    return made(dialect=dialect, **changes)


def table(name: str, *, key: str = "text", unique: tuple[str, ...] = ("id",), **more: str) -> Existing:
    """Describe a table of a key, a label, and the fixed columns, as a database does."""
    kinds = {"id": key, "label": "text"} | {f"batch_{role}": kind for role, kind in ROLES.items()} | more
    collation = "utf8mb4_general_ci" if name == "mysql" else None
    columns = (
        Column(
            name=column,
            type=DECLARED[name][kind],
            collation=collation if kind in {"text", "long"} else None,
            exact=collation is None or kind not in {"text", "long"},
        )
        for column, kind in kinds.items()
    )
    return Existing(parts=PLACE, columns=tuple(columns), unique=(frozenset(unique),))


HASHES = (fixed("input_hash", pa.string()), fixed("prompt_version", pa.string()))


def labels(*columns: pa.Field, key_type: pa.DataType | None = None, **changes: Any) -> Landing:
    """Make a landing of the columns that `table` has."""
    landing = make_landing(*columns, key_type=key_type or pa.string(), at=MONDAY, **changes)
    fields = [field for field in landing.schema if field.name not in {"batch_input_tokens", "batch_cost_usd"}]
    return replace(landing, schema=pa.schema([*fields, *HASHES]))


def write(recorder: Recorder, landing: Landing, **row: Any) -> None:
    """Load one row."""
    target = SqlTarget(parts=PLACE, session=recorder.opened)
    target.write(landing, iter(make_rows(landing, {"id": "a"} | row)), nothing)


def new(name: str, landing: Landing, **row: Any) -> Recorder:
    recorder = recorder_of(name)
    write(recorder, landing, **row)
    return recorder


def new_table(name: str) -> Recorder:
    return new(name, labels())


def new_table_append(name: str) -> Recorder:
    return new(name, labels(mode="append"))


def new_table_partition(name: str) -> Recorder:
    return new(name, labels(mode="replace_partition", partition={"day": date(2026, 1, 5), "shop": "x"}))


def new_table_of_every_type(name: str) -> Recorder:
    fields = [pa.field(kind, arrow) for kind, arrow in KINDS.items()]
    logical = [arrow_types.field_of(f"{kind}_as_text", kind) for kind in arrow_types.KINDS if kind != "text"]
    return new(name, labels(*fields, *logical))


def merge(name: str) -> Recorder:
    """Merge into a table that has a column of the user's own."""
    recorder = recorder_of(name, existing=table(name, note="text"))
    write(recorder, labels())
    return recorder


def merge_whole(name: str) -> Recorder:
    """Merge into a table that has our columns only, by a number."""
    recorder = recorder_of(name, existing=table(name, key="number"))
    write(recorder, labels(key_type=pa.int64()), id=1)
    return recorder


def append(name: str) -> Recorder:
    existing = table(name, unique=("id", "batch_run_id"))
    recorder = recorder_of(name, existing=existing)
    write(recorder, labels(mode="append"))
    return recorder


def append_what_a_person_decided_on(name: str) -> Recorder:
    """Leave the rows of this run that were not taken out before it is loaded again."""
    existing = table(name, unique=("id", "batch_run_id"))
    numbers = {"WHERE NOT EXISTS": 0, "JOIN": 1}
    recorder = recorder_of(name, existing=existing, numbers=numbers)
    write(recorder, labels(mode="append"))
    return recorder


def replace_partition(name: str) -> Recorder:
    existing = table(name, unique=("day", "n", "shop", "id"), day="day", n="number", shop="text")
    recorder = recorder_of(name, existing=existing)
    partition = {"day": date(2026, 1, 5), "n": 5, "shop": "it's"}
    write(recorder, labels(mode="replace_partition", partition=partition))
    return recorder


def add_columns(name: str) -> Recorder:
    recorder = recorder_of(name, existing=table(name))
    fields = [pa.field("label", pa.string()), pa.field("score", pa.float64()), pa.field("tags", EMBEDDING)]
    write(recorder, labels(*fields, add_columns=True))
    return recorder


def check(name: str) -> Recorder:
    """Try the load without a row."""
    none = {"DISTINCT": 0, "JOIN": 0, "INSERT": 0, "MERGE": 0}
    recorder = recorder_of(name, existing=table(name), numbers=none)
    SqlTarget(parts=PLACE, session=recorder.opened).check(labels())
    return recorder


def rows_that_a_trigger_takes_out(name: str) -> Recorder:
    numbers = {"JOIN": 0, "AND NOT EXISTS": 0}
    recorder = recorder_of(name, existing=table(name), numbers=numbers, hooks=["trigger t"])
    with suppress(InvalidRequest):
        write(recorder, labels())
    return recorder


def joined(name: str, known: Known | None = None) -> Recorder:
    """Ask in one read of a source in the same database."""
    recorder = recorder_of(name, existing=table(name))
    held = SqlTarget(parts=PLACE, session=recorder.opened).held(labels())
    join = None if held is None else held.join(["id"], known)
    assert join is not None
    if join.settled is not None:
        join = replace(join, shown=("id",), hidden=("body",))
    recorder.statements.append(_joined(recorder.dialect, join))
    return recorder


def _joined(dialect: Dialect, join: Join) -> str:
    query = sql.of_table("shop.tickets", "id > 5", dialect).joined(join)
    return query.select([query.quoted("id"), query.quoted(sql.held_name(sql.roles_of(join)[0]))])


def joined_with_what_is_known(name: str) -> Recorder:
    known = Known(columns=("body", "it's"), names_hash="0a", prompt_version="1b", run_id="dag/task/run")
    return joined(name, known)


def looked_up(name: str, mode: str = "merge") -> Recorder:
    """Ask by staged keys."""
    unique = ("id", "batch_run_id") if mode == "append" else ("id",)
    recorder = recorder_of(name, existing=table(name, unique=unique))
    landing = labels(mode=mode)
    held = SqlTarget(parts=PLACE, session=recorder.opened).held(landing)
    assert held is not None
    held.of(pa.RecordBatch.from_pylist([{"id": "a"}], schema=pa.schema([landing.schema.field("id")])))
    return recorder


def looked_up_append(name: str) -> Recorder:
    return looked_up(name, "append")


def elsewhere(name: str) -> Recorder:
    """Look for requests under other keys."""
    recorder = recorder_of(name, existing=table(name))
    held = SqlTarget(parts=PLACE, session=recorder.opened).held(labels())
    assert held is not None
    held.elsewhere(["0a", "1b"])
    return recorder


def keys_that_are_one(name: str) -> Recorder:
    """Let the database find keys that it holds as one."""
    existing = table(name, key="number")
    columns = (replace(existing.columns[0], exact=False), *existing.columns[1:])
    recorder = recorder_of(name, existing=replace(existing, columns=columns))
    landing = labels(key_type=pa.int64())
    keys = SqlTarget(parts=PLACE, session=recorder.opened).keys(landing)
    assert keys is not None
    keys.twice([pa.RecordBatch.from_pylist([{"id": 1}], schema=pa.schema([landing.schema.field("id")]))])
    return recorder


CASES: tuple[Callable[[str], Recorder], ...] = (
    new_table, new_table_append, new_table_partition, new_table_of_every_type, merge, merge_whole, append,
    append_what_a_person_decided_on, replace_partition, add_columns, check, rows_that_a_trigger_takes_out,
    joined, joined_with_what_is_known, looked_up, looked_up_append, elsewhere, keys_that_are_one,
)  # fmt: skip


@pytest.mark.parametrize("name", DECLARED)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_statements_are_those_of_the_file(name: str, case: Callable[[str], Recorder]) -> None:
    """Each statement is the one that was looked at, byte for byte but for blanks."""
    path = FOLDER / name / f"{case.__name__}.sql"
    written = case(name).written()
    if RENEW:
        path.parent.mkdir(exist_ok=True)
        path.write_text(written)

    assert path.read_text() == written


@pytest.mark.parametrize("path", sorted((FOLDER / "snowflake").glob("*.sql")), ids=lambda path: path.stem)
def test_statements_that_no_server_reads_are_parsed(path: Path) -> None:
    """What is only run on a stand-in is SQL of its dialect, as sqlglot reads it."""
    parsed = sqlglot.parse(path.read_text(), read=path.parent.name, error_level=ErrorLevel.RAISE)

    assert parsed
    assert not any(isinstance(statement, exp.Command) for statement in parsed)


def test_no_file_is_left_over() -> None:
    """Each file is compared by a test."""
    compared = {f"{name}/{case.__name__}.sql" for name in DECLARED for case in CASES}

    assert compared == {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.sql")}


def test_a_readable_statement_says_the_same() -> None:
    """Only blanks between words become other blanks."""
    statement = "SELECT " + ", ".join(f"'a  {number}'" for number in range(50)) + " FROM t WHERE x = \0"

    assert statement.replace("\0", "?").split() == readable(statement).split()
