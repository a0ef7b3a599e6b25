"""One session for a target: what it holds while it rests, and what it is when the server has dropped it."""

from __future__ import annotations

import hashlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.resolve import resolve_target
from airflow_provider_openai_batch.tables.targets.kept_session import KeptSession
from airflow_provider_openai_batch.tables.warehouses.postgres.session import opened
from tests.tables.ends import write
from tests.tables.factories import MONDAY, TUESDAY, make_landing, make_rows, nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.tables.conftest import Warehouse


#: How often the server is asked whether it has ended a connection.
PATIENCE = 500


def target_of(conn_id: str) -> Any:
    return resolve_target(arguments.Target(conn_id=conn_id, table="labels"))


def test_others_load_while_a_session_rests(warehouse: Warehouse) -> None:
    """No transaction, lock, or file is held between two uses; each use sees what others wrote meanwhile."""
    landing, keys = make_landing(), pa.RecordBatch.from_pydict({"id": pa.array([1, 2], pa.int64())})
    write(warehouse.conn_id, landing)
    with target_of(warehouse.conn_id).opened() as target:
        target.check(landing)
        held = target.held(landing)
        assert [None, None] == held.of(keys)["status"].to_pylist()

        write(warehouse.conn_id, landing, {"id": 1, "label": "other"})
        assert ["ok", None] == held.of(keys)["status"].to_pylist()

        rows = make_rows(landing, {"id": 1, "label": "ours"}, {"id": 2}, at=TUESDAY)
        assert Written(written=2, kept=0) == target.write(landing, iter(rows), nothing)
        write(warehouse.conn_id, landing, {"id": 3})
        assert ["ok", "ok"] == held.of(keys)["status"].to_pylist()

    assert [(1, "ours"), (2, None), (3, None)] == warehouse.execute(
        "SELECT id, label FROM labels ORDER BY id"
    )


def test_a_use_that_fails_does_not_end_the_others(warehouse: Warehouse) -> None:
    """What a failed use left is taken back with its connection; the next one has another."""
    landing = make_landing()
    write(warehouse.conn_id, landing)

    def stop() -> None:
        raise InvalidRequest("Not now.")

    with target_of(warehouse.conn_id).opened() as target:
        with pytest.raises(InvalidRequest, match="Not now"):
            target.write(landing, iter(make_rows(landing, {"id": 1})), stop)
        with pytest.raises(InvalidRequest, match="has no column 'note'"):
            target.check(make_landing(pa.field("note", pa.string())))

        rows = make_rows(landing, {"id": 2}, at=MONDAY)
        assert Written(written=1, kept=0) == target.write(landing, iter(rows), nothing)

    assert [(2,)] == warehouse.execute("SELECT id FROM labels")


@pytest.fixture
def named(postgres: Any, connect: Callable[..., str]) -> str:
    """Give a connection that the server knows by its name."""
    return connect("named", **postgres.fields(extra={"application_name": "named"}))


def states(postgres: Any, most: int) -> list[str]:
    """Return what the connections of that name do, once the server has ended all but so many, or does not.

    A connection that its client has closed is shown until the server has noticed.
    """
    query = "SELECT state FROM pg_stat_activity WHERE application_name = 'named'"
    for _ in range(PATIENCE):
        found = [state for (state,) in postgres.execute(query)]
        if len(found) <= most:
            break
        postgres.execute("SELECT pg_sleep(0.01)")
    return found


def test_a_dropped_connection_is_opened_again(postgres: Any, named: str) -> None:
    """A server, or what is between, ends connections that rest: a write that comes hours later succeeds."""
    landing = make_landing()
    with target_of(named).opened() as target:
        target.check(landing)
        assert ["idle"] == states(postgres, 1)  # ADBC's, which tried the load, is gone
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'named'"
        assert [(True,)] == postgres.execute(end)

        rows = make_rows(landing, {"id": 1})
        assert Written(written=1, kept=0) == target.write(landing, iter(rows), nothing)

    assert [] == states(postgres, 0)


def test_a_load_leaves_no_second_connection(postgres: Any, named: str) -> None:
    """While rows are staged, which may take long, one connection is open."""
    landing, seen = make_landing(), []

    def batches() -> Any:
        seen.extend(states(postgres, 1))
        yield from make_rows(landing, {"id": 1})

    with target_of(named).opened() as target:
        target.bounds(landing)
        target.write(landing, batches(), nothing)

    assert 1 == len(seen)


def test_settings_outlive_the_rest(postgres: Any, named: str) -> None:
    """What makes texts of values the same is not taken back with the transaction of a use."""
    hook = BaseHook.get_connection(named).get_hook()
    zone = "SELECT current_setting('TimeZone') || current_setting('IntervalStyle')"
    postgres.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Tokyo''', "
                     "current_database()); END $$")  # fmt: skip

    with closing(KeptSession(lambda doing: opened(hook, doing))) as kept:
        for _ in range(2):
            with kept.use("Looking") as session:
                assert [("UTCpostgres",)] == session.fetch(zone)


def test_what_mariadb_holds(mariadb: Any) -> None:
    """The lock of a load goes when the session rests, and not only when it ends."""
    landing, name = make_landing(), hashlib.sha256(b"labels").hexdigest()[:40]
    with target_of(mariadb.conn_id).opened() as target:
        target.check(landing)
        seen: list[Any] = []

        def look() -> None:
            seen.extend(mariadb.execute(f"SELECT IS_FREE_LOCK('openai_batch_{name}')"))

        target.write(landing, iter(make_rows(landing, {"id": 1})), look)
        look()

    assert [(0,), (1,)] == seen
