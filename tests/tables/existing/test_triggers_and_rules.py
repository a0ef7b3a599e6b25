"""What a trigger or a rule of the target does with rows is said, for a retry would meet it again."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.landing import Written
from tests.tables.ends import write
from tests.tables.factories import make_landing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.tables.conftest import Warehouse


def test_a_trigger_of_sqlite_that_drops_rows_is_named(sqlite_file: Path):
    """The kind of fault: a retry is advised that can only fail again."""
    write("warehouse", make_landing())
    with sqlite3.connect(sqlite_file) as database:
        database.execute(
            "create trigger picky before insert on labels when new.id = 2 begin select raise(ignore); end"
        )

    with pytest.raises(InvalidRequest, match=r"trigger picky .*a retry would end the same") as raised:
        write("warehouse", make_landing(), {"id": 1}, {"id": 2})
    assert "try again" not in str(raised.value)


@pytest.mark.parametrize("mode", ["merge", "append"])
def test_a_trigger_of_postgres_that_drops_rows_is_named(postgres: Any, mode: Any):
    """The same of a function that returns NULL."""
    write(postgres.conn_id, make_landing(mode=mode))
    postgres.execute(
        "create function drops() returns trigger language plpgsql as $$ begin return null; end $$"
    )
    postgres.execute("create trigger picky before insert on labels for each row execute function drops()")

    with pytest.raises(InvalidRequest, match=r"trigger picky .*a retry would end the same"):
        write(postgres.conn_id, make_landing(mode=mode), {"id": 1})


def test_a_rule_of_postgres_that_drops_rows_is_named(postgres: Any):
    """A rule takes an INSERT's place; PostgreSQL refuses a merge into such a table by itself."""
    write(postgres.conn_id, make_landing(mode="append"))
    postgres.execute("create rule picky as on insert to labels do instead nothing")

    with pytest.raises(InvalidRequest, match=r"rule picky .*a retry would end the same"):
        write(postgres.conn_id, make_landing(mode="append"), {"id": 1})


def test_a_trigger_that_changes_keys_is_warned_of(sqlite_file: Path, caplog: pytest.LogCaptureFixture):
    """The kind of fault: rows that no later night finds again are paid for each night."""
    landing = make_landing(key_type=pa.string())
    write("warehouse", landing)
    with sqlite3.connect(sqlite_file) as database:
        database.execute(
            "create trigger lower after insert on labels begin "
            "update labels set id = lower(id) where id = new.id; end"
        )

    write("warehouse", landing, {"id": "A"}, {"id": "b"})

    assert "1 of 2 rows are not in table 'main.labels'" in caplog.text
    assert "trigger lower changes them" in caplog.text


LOWERS = """
create function lowers() returns trigger language plpgsql as
$$ begin new.id = lower(new.id); return new; end $$;
create trigger lower before insert on labels for each row execute function lowers()
"""
LOWER = {
    "sqlite": "create trigger lower after insert on labels begin "
    "update labels set id = lower(id) where id = new.id; end",
    "postgres": LOWERS,
    "mariadb": "create trigger lower before insert on labels for each row set new.id = lower(new.id)",
}


def lower_keys(warehouse: Warehouse) -> None:
    """Let the target write its keys in small letters."""
    if warehouse.name not in LOWER:
        pytest.skip("DuckDB has no triggers.")
    warehouse.execute(LOWER[warehouse.name])


@pytest.mark.parametrize("mode", ["merge", "append"])
def test_changed_keys_are_counted_in_each_database(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture, mode: Any
):
    """The kind of fault: one database fails a load that is paid for, for what is a warning in the others."""
    landing = make_landing(key_type=pa.string(), mode=mode)
    write(warehouse.conn_id, landing)
    lower_keys(warehouse)

    written = write(warehouse.conn_id, landing, {"id": "A"}, {"id": "b"})

    assert written == Written(written=2, kept=0, changed_keys=1)
    assert "trigger lower changes them" in caplog.text


def test_keys_that_a_policy_hides_are_counted(
    postgres: Any, connect: Callable[..., str], caplog: pytest.LogCaptureFixture
):
    """The same without a trigger: rows that the user may write and not see are never found again."""
    landing = make_landing(mode="append")
    write(postgres.conn_id, landing)
    name = f"writer_{postgres.uri.partition('test_')[2][:12]}"
    postgres.execute(
        f"create role {name} login; alter table labels owner to {name}; "
        "create policy sees on labels for select using (batch_status = 'failed'); "
        "create policy writes on labels for all using (batch_status = 'failed') with check (true); "
        "alter table labels enable row level security; alter table labels force row level security; "
        f"grant all on schema public to {name}"
    )

    written = write(connect(**postgres.fields(login=name)), landing, {"id": 1})

    assert written == Written(written=1, kept=0, changed_keys=1)
    assert "policy sees, policy writes changes them" in caplog.text


TAKES_OUT = """
create function takes() returns trigger language plpgsql as
$$ begin delete from labels where id = new.id; return null; end $$;
create trigger takes after insert on labels for each row execute function takes()
"""
TAKE_OUT = {
    "sqlite": "create trigger takes after insert on labels begin delete from labels where id = new.id; end",
    "postgres": TAKES_OUT,
}


@pytest.mark.parametrize("mode", ["merge", "append"])
def test_rows_that_a_trigger_takes_out_again_fail_the_load(warehouse: Warehouse, mode: Any):
    """The kind of fault: rows that the database counted as written are told as landed, and are not there."""
    if warehouse.name not in TAKE_OUT:
        pytest.skip(f"{warehouse.name} knows no trigger that does that.")
    landing = make_landing(key_type=pa.string(), mode=mode)
    write(warehouse.conn_id, make_landing(key_type=pa.string(), mode=mode, run_id="before"), {"id": "old"})
    warehouse.execute(TAKE_OUT[warehouse.name])

    with pytest.raises(InvalidRequest, match=r"2 of 2 rows are not in .*trigger takes removes them"):
        write(warehouse.conn_id, landing, {"id": "A"}, {"id": "b"})

    assert warehouse.execute("select id from labels") == [("old",)]


def test_rows_that_replace_each_other_fail_the_load(sqlite_file: Path):
    """The same without a trigger: a second key of SQLite may take out the rows that it would refuse."""
    with sqlite3.connect(sqlite_file) as database:
        database.execute(
            "create table labels (id integer primary key, label text unique on conflict replace, "
            "batch_status text, batch_custom_id text, batch_snapshot_at text)"
        )

    with pytest.raises(InvalidRequest, match=r"1 of 2 rows are not in .*UNIQUE that replaces.* removes them"):
        write("warehouse", make_landing(), {"id": 1, "label": "bug"}, {"id": 2, "label": "bug"})

    with sqlite3.connect(sqlite_file) as database:
        assert database.execute("select id from labels").fetchall() == []


@pytest.mark.parametrize("work", ["new.id = lower(new.id);", "raise exception 'no';"])
def test_a_trigger_that_fails_the_load_is_named(postgres: Any, work: str):
    """The kind of fault: the database's error is all that is told, and whoever reads it looks at the rows."""
    landing = make_landing(key_type=pa.string())
    write(postgres.conn_id, landing)
    postgres.execute(
        f"create function picks() returns trigger language plpgsql as $$ begin {work} return new; end $$; "
        "create trigger picky before insert on labels for each row execute function picks()"
    )

    with pytest.raises(InvalidRequest, match="It may come from trigger picky of table 'labels'"):
        write(postgres.conn_id, landing, {"id": "A"}, {"id": "a"})


def test_a_trigger_of_a_partition_is_named_and_a_disabled_one_is_not(postgres: Any):
    """What hangs on a part of the table acts as well."""
    postgres.execute(
        "create table labels (id bigint, label text, batch_status text, batch_run_id text, "
        "batch_custom_id text, unique (id, batch_run_id)) partition by range (id)"
    )
    postgres.execute("create table low partition of labels for values from (0) to (10)")
    postgres.execute(
        "create function drops() returns trigger language plpgsql as $$ begin return null; end $$"
    )
    postgres.execute("create trigger idle before insert on low for each row execute function drops()")
    postgres.execute("alter table low disable trigger idle")
    postgres.execute("create trigger picky before insert on low for each row execute function drops()")

    with pytest.raises(InvalidRequest, match=r"kept: trigger picky of table"):
        write(postgres.conn_id, make_landing(mode="append"), {"id": 1})
