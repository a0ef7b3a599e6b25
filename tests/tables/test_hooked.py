"""What a trigger or a rule of the target does with rows is said, for a retry would meet it again."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from tests.tables.ends import write
from tests.tables.factories import make_landing

if TYPE_CHECKING:
    from pathlib import Path


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
