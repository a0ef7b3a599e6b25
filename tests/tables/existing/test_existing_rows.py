"""What a target holds of the rows that are about to be asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.tables.resolve import resolve_source, resolve_target
from airflow_provider_openai_batch.tables.sources import sql
from tests.tables.ends import write
from tests.tables.factories import MONDAY, TUESDAY, make_landing, make_rows, nothing

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_openai_batch.tables.existing.held_rows import Held
    from airflow_provider_openai_batch.tables.landing import Landing
    from tests.tables.conftest import Warehouse


def held(landing: Landing, target: arguments.Target) -> Held:
    """Find what the target holds."""
    found = resolve_target(target).held(landing)
    assert found is not None
    return found


def asked(landing: Landing, *keys: Any, target: arguments.Target) -> list[Any]:
    """Look up the status of some keys."""
    field = landing.schema.field(landing.key[0])
    batch = pa.RecordBatch.from_arrays([pa.array(keys, field.type)], schema=pa.schema([field]))
    return held(landing, target).of(batch)["status"].to_pylist()


def joined(
    landing: Landing, text: str, target: arguments.Target, role: str = "status"
) -> list[tuple[Any, Any]]:
    """Read the key and what is held of a query's rows in one read."""
    join = held(landing, target).join(landing.key)
    assert join is not None
    args = arguments.source({"conn_id": target.conn_id, "sql": text, "key": landing.key[0]})
    columns = [landing.key[0], sql.held_name(role)]
    with resolve_source(args, None, partial(sql.Query.joined, join=join)).read(columns) as batches:
        rows = [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
    return sorted(rows)


def test_both_ways_tell_the_same(warehouse: Warehouse) -> None:
    """A row's status is found by a join in the same read and by a look-up of keys; unknown keys have none."""
    landing = make_landing()
    write(warehouse.conn_id, landing, {"id": 1}, {"id": 2, "batch_status": "failed"})
    target = target_of(warehouse)
    assert asked(landing, 2, 3, 1, target=target) == ["failed", None, "ok"]
    assert joined(landing, "select 1 as id union all select 2 union all select 3 -- all\n;", target) == [
        (1, "ok"),
        (2, "failed"),
        (3, None),
    ]


def target_of(warehouse: Warehouse) -> arguments.Target:
    """Name the table by the warehouse's connection."""
    return arguments.Target(conn_id=warehouse.conn_id, table="labels")


def test_text_keys_compare_as_the_table_compares_them(warehouse: Warehouse) -> None:
    """Texts that differ by case, accents, or blanks are different keys, in both ways."""
    landing = make_landing(key_type=pa.string())
    write(warehouse.conn_id, landing, {"id": "a"}, {"id": "%s ?"})
    assert asked(landing, "a", "A", "a ", "%s ?", target=target_of(warehouse)) == ["ok", None, None, "ok"]
    text = "select 'a' as id union all select 'A' union all select 'a ' union all select '%s ?'"
    assert joined(landing, text, target_of(warehouse)) == [
        ("%s ?", "ok"),
        ("A", None),
        ("a", "ok"),
        ("a ", None),
    ]


def test_the_latest_row_counts_when_runs_are_appended(warehouse: Warehouse) -> None:
    """With `append` the row with the latest snapshot is the one that is looked at, wherever it stands."""
    landing = make_landing(mode="append", run_id="dag/task/2")
    later = [{"id": 1, "batch_status": "failed"}, {"id": 2}]
    write(warehouse.conn_id, landing, *later, at=TUESDAY)
    earlier = replace(landing, run_id="dag/task/1")
    write(warehouse.conn_id, earlier, {"id": 1}, {"id": 2, "batch_status": "failed"}, at=MONDAY)
    found = held(landing, target_of(warehouse))
    assert found.join(("id",)) is None
    assert asked(landing, 1, 2, 3, target=target_of(warehouse)) == ["failed", "ok", None]


@pytest.mark.parametrize("kind", [None, "text", "timestamp", "timestamp(0)"])
def test_what_a_merge_would_keep_for_its_time_is_told(warehouse: Warehouse, kind: str | None) -> None:
    """Whatever type holds the time: a row is later exactly where a load would leave it, in both ways."""
    if kind is not None:
        kind = "datetime" if (warehouse.name, kind) == ("mariadb", "timestamp(0)") else kind
        kind = "timestamp_s" if (warehouse.name, kind) == ("duckdb", "timestamp(0)") else kind
        warehouse.execute(
            "create table labels (id bigint primary key, label varchar(20), batch_status varchar(20), "
            f"batch_custom_id varchar(40), batch_snapshot_at {kind} null)"
        )
    at, second = TUESDAY + timedelta(microseconds=600_000), timedelta(seconds=1)
    times = {1: at - second, 2: at, 3: at + second, 4: TUESDAY + timedelta(days=1), 5: None}
    for key, time in times.items():
        write(warehouse.conn_id, make_landing(), {"id": key}, at=time)
    landing, target = make_landing(at=at), target_of(warehouse)
    text = " union all ".join(f"select {key} as id" for key in times)
    told = [later for _, later in joined(landing, text, target, "later")]
    ids = pa.RecordBatch.from_pydict({"id": list(times)})

    assert held(landing, target).of(ids)["later"].to_pylist() == told
    kept = [write(warehouse.conn_id, landing, {"id": key}, at=at).kept for key in times]
    assert [int(later == "later") for later in told] == kept == [0, 0, 1, 1, 0]


def test_a_table_that_does_not_exist_holds_nothing(warehouse: Warehouse) -> None:
    """Before the first run there is nothing to be looked up."""
    assert resolve_target(target_of(warehouse)).held(make_landing()) is None


def test_columns_that_the_table_lacks_are_null(warehouse: Warehouse) -> None:
    """Of the fixed columns a table has those that it needs; what the others would say is not known."""
    landing = make_landing()
    write(warehouse.conn_id, landing, {"id": 1})
    key = pa.RecordBatch.from_pydict({"id": [1]})
    found = held(landing, target_of(warehouse)).of(key).to_pylist()
    assert found == [
        {
            "status": "ok", "custom_id": "0" * 32, "input_hash": None, "prompt_version": None,
            "run_id": "dag/task/run", "later": None,
        }
    ]  # fmt: skip


def test_types_that_do_not_compare_are_looked_up(warehouse: Warehouse) -> None:
    """A key of another type than the table's is converted as a load converts it, not by the database."""
    warehouse.execute(
        "create table labels (id varchar(20) primary key, label varchar(20), batch_status varchar(20), "
        "batch_custom_id varchar(40), batch_run_id varchar(40), batch_snapshot_at timestamp)"
    )
    landing = make_landing()
    write(warehouse.conn_id, landing, {"id": 7})
    assert held(landing, target_of(warehouse)).join(("id",)) is None
    assert asked(landing, 7, 70, target=target_of(warehouse)) == ["ok", None]


@pytest.mark.parametrize("key", [1, None])
def test_files_of_earlier_runs_are_read_back(tmp_path: Path, key: int | None) -> None:
    """In a folder the run's own row of a key counts, else the latest; other people's files hold nothing."""
    target = arguments.Target(path=f"file://{tmp_path}/labels", mode="append")
    first = make_landing(mode="append", run_id="a", prefix="batch_")
    assert resolve_target(target).held(first) is None
    for run_id, at, status in [("b", TUESDAY, "failed"), ("a", MONDAY, "ok")]:
        landing = replace(first, run_id=run_id)
        rows = make_rows(landing, {"id": 1, "batch_status": status}, {"id": 3}, at=at)
        resolve_target(target).write(landing, iter(rows), nothing)
    pa.parquet.write_table(pa.table({"other": [1]}), tmp_path / "labels" / "theirs.parquet")
    assert asked(first, key or 1, 2, 3, target=target) == ["ok", None, "ok"]
    later = replace(first, run_id="c")
    assert asked(later, key or 1, 2, 3, target=target) == ["failed", None, "ok"]
