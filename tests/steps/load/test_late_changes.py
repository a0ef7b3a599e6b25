"""A target that is another one when everything is paid: said with what to do, and nothing is paid again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest, OpenAIBatchError
from tests.steps.test_nights_everywhere import fill, night
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

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

__all__ = [
    "bigquery", "bigquery_server", "connect", "duckdb_file", "mariadb", "mariadb_server", "postgres",
    "postgres_server", "snowflake", "snowflake_server", "sqlite_file", "warehouse",
]  # fmt: skip
TABLE = (
    "create table labels (id bigint not null primary key, label varchar(50) {}, batch_status varchar(20), "
    "batch_custom_id varchar(50), batch_snapshot_at timestamptz {})"
)
KEYLESS = TABLE.replace(" not null primary key", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Another table in the target's place, and what the load says of it."""

    table: str
    message: str
    before: str = "select 1"
    #: Whether the submit of another run says so, too, before it sends anything.
    checked: bool = True
    nowhere: tuple[str, ...] = ()


CHANGES = {
    "the column is called otherwise": Change(
        table=TABLE.format("", "").replace("label varchar", "other varchar"),
        message="has no column 'label'",
    ),
    "the column has another type": Change(
        table=TABLE.format("", "").replace("varchar(50) ,", "date,"),
        message="does not fit: 'label': (?i:date)",
    ),
    "the key is not a key": Change(table=KEYLESS.format("", ""), message=r"no unique key on \(id\)"),
    "the column is computed": Change(
        table=TABLE.format("generated always as ('x') {}", ""),
        message="computes 'label' by itself|(?i:generated column)|non-DEFAULT value into column .label",
    ),
    "a CHECK": Change(
        table=TABLE.format("check (label = 'never')", ""),
        message="CHECK constraint failed|violates check constraint|CONSTRAINT .* failed",
        checked=False,
    ),
    "another unique key": Change(
        table=TABLE.format("unique", ""),
        message=r"(?i:unique constraint)|unique key on \(label\) beside",
        checked=False,
    ),
    "a foreign key": Change(
        before="create table parents (id bigint primary key)",
        table=TABLE.format("", ", foreign key (id) references parents (id)"),
        message="(?i:foreign key constraint)",
        checked=False,
        nowhere=("sqlite",),  # it heeds none unless a connection asks for it
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_changed_table_costs_nothing(pipeline: Any, warehouse: Warehouse, kind: str):
    """The kind of fault: a load that fails after all is paid, and does not say that nothing is lost."""
    change = CHANGES[kind]
    if warehouse.name in change.nowhere:
        pytest.skip(f"{warehouse.name} knows none")
    fill(warehouse)
    night(pipeline, warehouse, "one")
    warehouse.execute("drop table labels")
    warehouse.execute(change.before)
    warehouse.execute(change.table.replace("{}", "" if warehouse.name == "duckdb" else "stored"))

    with pytest.raises(InvalidRequest, match=change.message) as raised:
        pipeline.load()

    assert "answers are kept" in str(raised.value)
    assert "bug" not in str(raised.value)
    if change.checked:
        with pytest.raises(InvalidRequest, match=change.message):
            night(pipeline, warehouse, "two")
        pipeline.name = "one"
    warehouse.execute("drop table labels")
    assert (pipeline.load().written, pipeline.sent) == (3, 3)


def test_a_right_that_is_lost_costs_nothing(pipeline: Any, postgres: Any, connect: Any):
    """The same of rights: the load names what is denied, and lands when it is granted again."""
    postgres.execute("create table questions (id integer, body varchar(50))")
    postgres.execute("insert into questions values (1, 'one'), (2, 'two')")
    name = f"loader_{postgres.uri.partition('test_')[2][:12]}"
    postgres.execute(f"create role {name} login; grant all on schema public to {name}")
    postgres.execute(TABLE.format("", ""))
    postgres.execute(
        f"grant select, insert, update, delete on labels to {name}; grant select on questions to {name}"
    )
    login = connect("loader", **postgres.fields(login=name))
    loader = type("Loader", (), {"conn_id": login})
    night(pipeline, loader, "one")
    postgres.execute(f"revoke insert on labels from {name}")

    with pytest.raises(InvalidRequest, match="permission denied for table labels") as raised:
        pipeline.load()
    assert "answers are kept" in str(raised.value)
    with pytest.raises(InvalidRequest, match="permission denied for table labels"):
        night(pipeline, loader, "two")

    pipeline.name = "one"
    postgres.execute(f"grant insert on labels to {name}")
    assert (pipeline.load().written, pipeline.sent) == (2, 2)
    postgres.execute(f"drop owned by {name}; drop role {name}")


def test_a_database_that_becomes_read_only_costs_nothing(pipeline: Any, postgres: Any):
    """A replica or a switch-over in between is waited out by hand: nothing is lost."""
    fill(postgres)
    night(pipeline, postgres, "one")
    switch = (
        "do $$ begin execute format('alter database %I set default_transaction_read_only = {}', "
        "current_database()); end $$"
    )
    postgres.execute(switch.format("on"))

    with pytest.raises(OpenAIBatchError, match="read-only transaction") as raised:
        pipeline.load()

    assert "answers are kept" in str(raised.value)
    postgres.execute("set transaction read write; " + switch.format("off"))
    assert (pipeline.load().written, pipeline.sent) == (3, 3)
