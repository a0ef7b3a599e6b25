"""How often a run logs in to its warehouse: the server itself counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from tests.tables.conftest import connect, postgres, postgres_server

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["connect", "postgres", "postgres_server"]
COUNTING = """
create table logins (application text);
create function count_login() returns event_trigger language plpgsql as $$
begin
    insert into public.logins values (current_setting('application_name'));
end $$;
create event trigger counting on login execute function count_login();
alter event trigger counting enable always
"""
#: The hook's own connection, and ADBC's in its place where rows are staged, which logs in twice.
ONCE = 3
#: What a joined source is read by in the first night, and with a table to join: it is described before.
DESCRIBED = {"one": 5, "two": 6}


@pytest.fixture
def logins(postgres: Any, connect: Callable[..., str]) -> Callable[[str], int]:
    """Make a source behind the connection `source`, and let the server count who logs in, by their names."""
    for name in ("source", "target"):
        connect(name, **postgres.fields(extra={"application_name": name}))
    postgres.execute("create table questions (id integer, body text)")
    postgres.execute("insert into questions values (1, 'one'), (2, 'two'), (3, 'three')")
    postgres.execute(COUNTING)

    def count(name: str) -> int:
        [(found,)] = postgres.execute("select count(*) from logins where application = %s", [name])
        postgres.execute("truncate logins")
        return int(found)

    return count


def submit(pipeline: Any, night: str, *, source: str) -> Any:
    """Stage with a target, and the rows that it has looked up."""
    pipeline.name = night
    pipeline.emulator.advance(86_400)
    return pipeline.stage(
        source={"conn_id": source, "sql": "select id, body from questions", "key": "id"},
        target=arguments.target({"conn_id": "target", "table": "labels"}),
    )


@pytest.mark.parametrize("source", ["source", "target"], ids=["apart", "joined"])
def test_a_submit_and_a_load_open_their_target_once(pipeline: Any, logins: Callable[[str], int], source: str):
    """Keys, carried values, existing rows, and the check are asked on one connection, in each night."""
    for night, rows in (("one", 3), ("two", 0)):
        staged = submit(pipeline, night, source=source)

        assert ONCE == logins("target") - (DESCRIBED[night] if source == "target" else 0)
        pipeline.advance(staged.attempt)
        pipeline.wait()
        assert rows == pipeline.load().rows
        assert ONCE == logins("target")
