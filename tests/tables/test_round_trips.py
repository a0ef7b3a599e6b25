"""Any table: read, carried, used as keys, and written back, and nothing of it is lost."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.tables.landing import Landing, Written
from airflow_provider_openai_batch.tables.resolve import resolve_target
from tests.tables.ends import read
from tests.tables.factories import FIXED, make_rows, nothing
from tests.tables.kinds import KINDS, WORDS, Kind, meaning, same

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

NUMBERS = count()
#: Databases that have a type of their own for each of ours.
TYPED = frozenset({"postgres", "duckdb"})


@st.composite
def tables(draw: st.DrawFn, name: str) -> tuple[list[Kind], int, list[list[Any]]]:
    """Draw columns, how many of them are the key, and rows whose keys differ."""
    keys = draw(
        st.lists(st.sampled_from([kind for kind in KINDS[name] if kind.keyable]), min_size=1, max_size=2)
    )
    carried = draw(st.lists(st.sampled_from(KINDS[name]), min_size=4, max_size=8))
    row = st.tuples(*(kind.values for kind in keys), *(st.none() | kind.values for kind in carried))
    rows = draw(st.lists(row, max_size=5, unique_by=lambda found: repr(found[: len(keys)])))
    return [*keys, *carried], len(keys), [list(row) for row in rows]


def fill(warehouse: Warehouse, table: str, kinds: list[Kind], rows: list[list[Any]]) -> None:
    """Make a source by the database's own means."""
    if warehouse.name == "postgres" and not warehouse.execute("SELECT 1 FROM pg_type WHERE typname = 'mood'"):
        words = ", ".join("'" + word.replace("'", "''") + "'" for word in WORDS)
        warehouse.execute(f"CREATE TYPE mood AS ENUM ({words})")
    columns = ", ".join(f"c{place} {kind.declared}" for place, kind in enumerate(kinds))
    warehouse.execute(f"CREATE TABLE {table} ({columns})")
    mark = "%s" if warehouse.name in {"postgres", "mariadb", "snowflake"} else "?"
    typed = warehouse.name in TYPED
    marks = ", ".join(f"CAST({mark} AS {kind.declared})" if typed else mark for kind in kinds)
    if warehouse.name == "snowflake":
        marks = ", ".join(f"PARSE_JSON({mark})" if kind.back is meaning else mark for kind in kinds)
    for row in rows:
        values = [None if v is None else kind.given(v) for kind, v in zip(kinds, row, strict=True)]
        warehouse.execute(f"INSERT INTO {table} SELECT {marks}", values)


def landing_of(schema: pa.Schema, keys: int) -> Landing:
    names = schema.names
    return Landing(
        schema=pa.schema([*schema, *FIXED]), key=tuple(names[:keys]), carried=tuple(names[keys:]),
        mode="merge", partition={}, run_id="dag/task/run", prefix="batch_",
    )  # fmt: skip


def ordered(table: pa.Table, kinds: list[Kind]) -> list[str]:
    rows = ([kind.read(v) for kind, v in zip(kinds, row.values(), strict=True)] for row in table.to_pylist())
    return sorted(map(repr, rows))


def expected(kinds: list[Kind], rows: list[list[Any]]) -> list[str]:
    shown = (
        [
            meaning(v) if v is not None and kind.back is meaning else same(v)
            for kind, v in zip(kinds, row, strict=True)
        ]
        for row in rows
    )
    return sorted(map(repr, shown))


def round_trip(warehouse: Warehouse, drawn: tuple[list[Kind], int, list[list[Any]]]) -> None:
    kinds, keys, rows = drawn
    number = next(NUMBERS)
    names = [f"c{place}" for place in range(len(kinds))]
    fill(warehouse, f"s{number}", kinds, rows)

    found = read(warehouse.conn_id, *names, table=f"s{number}", key="c0")
    assert expected(kinds, rows) == ordered(found, kinds)

    landing = landing_of(found.schema, keys)
    target = resolve_target(arguments.Target(conn_id=warehouse.conn_id, table=f"t{number}"))
    target.check(landing)
    batches = make_rows(landing, *found.to_pylist())
    for _ in range(2):  # the second load finds every key again
        assert Written(written=len(rows), kept=0) == target.write(landing, iter(batches), nothing)

    back = read(warehouse.conn_id, *names, table=f"t{number}", key="c0")
    assert ordered(found, kinds) == ordered(back, kinds)
    if warehouse.name in TYPED:
        assert found.schema.types == back.schema.types
    held = target.held(landing)
    assert held is not None
    assert ["ok"] * len(rows) == held.of(batches[0].select(names[:keys]))["status"].to_pylist()


def check(warehouse: Warehouse, examples: int, *, derandomize: bool) -> None:
    @settings(
        max_examples=examples, deadline=None, phases=[Phase.generate], derandomize=derandomize, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip
    @given(tables(warehouse.name))
    def trip(drawn: tuple[list[Kind], int, list[list[Any]]]) -> None:
        round_trip(warehouse, drawn)

    trip()


def test_round_trips(warehouse: Warehouse) -> None:
    """What is read is written back as it was, by the types of the database."""
    check(warehouse, 6, derandomize=True)


@pytest.mark.long
def test_many_round_trips(warehouse: Warehouse) -> None:
    """The same for more tables, other ones each time."""
    check(warehouse, 100, derandomize=False)
