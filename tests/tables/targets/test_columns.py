"""Columns of a table that is there: added where they lack, and never stopping a load by an answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.batch.arguments import arguments
from airflow_provider_openai_batch.batch.output.column_limits import (
    Bound,
    Characters,
    Charset,
    Items,
    Range,
    Words,
)
from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.landing import Written
from airflow_provider_openai_batch.tables.resolve import resolve_target
from tests.tables.ends import write
from tests.tables.factories import make_landing, make_rows, nothing

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.base import Target
    from airflow_provider_openai_batch.tables.landing import Landing
    from tests.tables.conftest import Warehouse

FIXED = "batch_status text, batch_custom_id text, batch_snapshot_at timestamptz"


def target(warehouse: Warehouse) -> Target:
    return resolve_target(arguments.Target(conn_id=warehouse.conn_id, table="labels"))


def shape(warehouse: Warehouse, landing: Landing) -> set[str]:
    """Name the columns of the result that the table has."""
    found = set()
    for name in landing.schema.names:
        try:
            warehouse.execute(f"SELECT {name} FROM labels")
        except Exception:  # noqa: BLE001  (each driver has its own)
            continue
        found.add(name)
    return found


def test_lacking_columns_are_added_by_the_load(warehouse: Warehouse) -> None:
    """The check changes nothing; the load adds what lacks, once, and the rows that were there have NULL."""
    warehouse.execute("CREATE TABLE labels (id bigint PRIMARY KEY, note text)")
    warehouse.execute("INSERT INTO labels VALUES (1, 'mine'), (2, 'mine')")
    landing = make_landing(add_columns=True)

    target(warehouse).check(landing)
    assert {"id"} == shape(warehouse, landing)

    for _ in range(2):
        assert Written(written=2, kept=0) == write(
            warehouse.conn_id, landing, {"id": 2, "label": "x"}, {"id": 3, "label": "y"}
        )
    assert [(1, "mine", None), (2, "mine", "x"), (3, None, "y")] == warehouse.execute(
        "SELECT id, note, label FROM labels ORDER BY id"
    )


def test_columns_that_two_loads_add(warehouse: Warehouse) -> None:
    """Loads that add the same columns at once all succeed."""
    warehouse.execute("CREATE TABLE labels (id bigint PRIMARY KEY)")
    landing = make_landing(add_columns=True)

    def load(n: int) -> Written:
        return target(warehouse).write(landing, iter(make_rows(landing, {"id": n, "label": "x"})), nothing)

    with ThreadPoolExecutor(4) as pool:
        assert [Written(written=1, kept=0)] * 4 == list(pool.map(load, range(4)))
    assert [(4,)] == warehouse.execute("SELECT count(label) FROM labels")


def test_failed_load_adds_nothing(warehouse: Warehouse) -> None:
    """A load that ends in an error leaves the table's columns as they were."""
    warehouse.execute("CREATE TABLE labels (id bigint PRIMARY KEY)")
    landing = make_landing(add_columns=True)

    def stale() -> None:
        raise InvalidRequest("stale")

    with pytest.raises(InvalidRequest, match="stale"):
        target(warehouse).write(landing, iter(make_rows(landing, {"id": 1})), stale)

    if warehouse.name == "mariadb":  # its DDL stays, whatever becomes of the load: columns of NULL
        assert [] == warehouse.execute("SELECT label FROM labels")
    else:
        assert {"id"} == shape(warehouse, landing)


def test_lacking_key_is_an_error(warehouse: Warehouse) -> None:
    """A key cannot be added: the rows that are there would have none."""
    warehouse.execute(f"CREATE TABLE labels (label varchar(9) PRIMARY KEY, {FIXED})")

    with pytest.raises(InvalidRequest, match="has no column 'id'"):
        target(warehouse).check(make_landing(add_columns=True))


def test_what_the_table_has_no_column_for_is_not_asked_of_it(warehouse: Warehouse) -> None:
    """A table without our columns holds nothing of ours."""
    warehouse.execute("CREATE TABLE labels (id bigint PRIMARY KEY)")
    warehouse.execute("INSERT INTO labels VALUES (1)")
    landing = make_landing(add_columns=True)

    held = target(warehouse).held(landing)

    assert held is not None
    found = held.of(pa.RecordBatch.from_pydict({"id": [1, 2]}))
    assert [None, None] == found["status"].to_pylist()


TEXTS, FLOATS = pa.list_(pa.string()), pa.list_(pa.float64())
SHORT = 3.4028234663852886e38
BOUNDS: list[tuple[str, pa.DataType, str, Bound]] = [
    ("postgres", pa.string(), "varchar(8)", Characters(8)),
    ("postgres", pa.string(), "char(8)", Characters(8)),
    ("postgres", pa.string(), "mood", Words(frozenset({"it's", "so so"}))),
    ("postgres", TEXTS, "mood[]", Items(each=Words(frozenset({"it's", "so so"})))),
    ("postgres", TEXTS, "varchar(8)[]", Items(each=Characters(8))),
    ("postgres", pa.int64(), "smallint", Range(least=-(2**15), most=2**15 - 1)),
    ("postgres", pa.float64(), "numeric(4, 1)", Range(least=-999.9, most=999.9)),
    ("postgres", pa.float64(), "real", Range(least=-SHORT, most=SHORT, smallest=2.0**-149)),
    ("duckdb", pa.string(), "enum('it''s', 'so so')", Words(frozenset({"it's", "so so"}))),
    ("duckdb", pa.int64(), "utinyint", Range(least=0, most=255)),
    ("duckdb", FLOATS, "float[3]", Items(count=3, each=Range(least=-SHORT, most=SHORT))),
    ("mariadb", pa.string(), "varchar(8)", Characters(8)),
    ("mariadb", pa.string(), "enum('it''s', 'so so')", Words(frozenset({"it's", "so so"}))),
    ("mariadb", pa.int64(), "smallint", Range(least=-(2**15), most=2**15 - 1)),
    ("snowflake", pa.string(), "varchar(8)", Characters(8)),
    ("snowflake", pa.float64(), "number(4, 1)", Range(least=-999.9, most=999.9)),
]


@pytest.mark.parametrize(("warehouse", "kind", "declared", "bound"), BOUNDS, indirect=["warehouse"])
def test_bounds(warehouse: Warehouse, kind: pa.DataType, declared: str, bound: Bound) -> None:
    """The columns of a table are read as what they take."""
    if warehouse.name == "postgres":
        warehouse.execute("CREATE TYPE mood AS ENUM ('it''s', 'so so')")
    warehouse.execute(f"CREATE TABLE labels (id bigint PRIMARY KEY, label {declared}, {FIXED})")
    landing = make_landing(pa.field("label", kind))

    target(warehouse).check(landing)
    found = target(warehouse).bounds(landing)["label"]

    if isinstance(bound, Range) and bound.smallest == 0 and isinstance(bound.most, float):
        bound = Range(least=found.least, most=found.most)  # type: ignore[union-attr]
        assert 999.9 == float(found.most)  # type: ignore[union-attr]
    assert bound == (found.within if isinstance(found, Charset) else found)


VALUES: list[tuple[str, pa.DataType, str, Any, Any]] = [
    ("postgres", pa.string(), "varchar(3)", "äöü", "abcd"),
    ("postgres", pa.string(), "char(3)", "äöü", "abcd"),
    ("postgres", pa.int64(), "smallint", -(2**15), 2**15),
    ("postgres", pa.float64(), "numeric(4, 1)", 999.9, 999.96),
    ("postgres", pa.float64(), "real", 2.0**-149, 1e-60),
    ("postgres", pa.float64(), "real", SHORT, 1e39),
    ("postgres", FLOATS, "vector(2)", [1.0, 2.0], [1.0]),
    ("postgres", FLOATS, "vector(2)", [1.0, 2.0], [1.0, None]),
    ("postgres", FLOATS, "halfvec(2)", [1.0, 65504.0], [1.0, 70000.0]),
    ("postgres", FLOATS, "real[]", [1.0, None], [1e39]),
    ("duckdb", pa.string(), "enum('a')", "a", "b"),
    ("duckdb", pa.int64(), "tinyint", 127, 128),
    ("duckdb", pa.int64(), "ubigint", 2**63 - 1, -1),
    ("duckdb", pa.float64(), "decimal(4, 1)", 999.9, 999.96),
    ("duckdb", pa.float64(), "float", SHORT, 1e39),
    ("duckdb", FLOATS, "float[2]", [1.0, 2.0], [1.0]),
    ("duckdb", pa.list_(pa.int64()), "tinyint[]", [127], [128]),
    ("mariadb", pa.string(), "varchar(3) character set utf8mb4", "äöü", "abcd"),
    ("mariadb", pa.string(), "enum('a')", "a", "b"),
    ("mariadb", pa.int64(), "smallint", -(2**15), 2**15),
    ("snowflake", pa.float64(), "number(4, 1)", 999.9, 999.96),
]


@pytest.mark.parametrize(
    ("warehouse", "kind", "declared", "fitting", "other"), VALUES, indirect=["warehouse"]
)
def test_bounds_are_the_databases(
    warehouse: Warehouse, kind: pa.DataType, declared: str, fitting: Any, other: Any
) -> None:
    """What a bound takes lands; what it refuses would have stopped the load."""
    if declared.startswith(("vector", "halfvec")):
        warehouse.execute("CREATE EXTENSION vector")
    warehouse.execute(f"CREATE TABLE labels (id bigint PRIMARY KEY, label {declared}, {FIXED})")
    landing = make_landing(pa.field("label", kind))
    bound = target(warehouse).bounds(landing)["label"]

    assert bound.refuses(fitting) is None
    assert bound.refuses(other) is not None
    assert Written(written=1, kept=0) == write(warehouse.conn_id, landing, {"id": 1, "label": fitting})
    with pytest.raises(InvalidRequest):
        write(warehouse.conn_id, landing, {"id": 2, "label": other})


def test_columns_that_take_everything(warehouse: Warehouse) -> None:
    """What any answer fits into costs no look at each of them."""
    landing = make_landing()
    assert {} == target(warehouse).bounds(landing)
    write(warehouse.conn_id, landing, {"id": 1})

    assert "label" not in target(warehouse).bounds(landing)


@pytest.mark.parametrize("warehouse", ["postgres", "duckdb"], indirect=True)
def test_dimensions_that_never_fit(warehouse: Warehouse) -> None:
    """A list whose length is known before anything is sent is held against the column's."""
    declared = "float[3]" if warehouse.name == "duckdb" else "vector(3)"
    if warehouse.name == "postgres":
        warehouse.execute("CREATE EXTENSION vector")
    warehouse.execute(f"CREATE TABLE labels (id bigint PRIMARY KEY, label {declared}, {FIXED})")

    target(warehouse).check(make_landing(pa.field("label", FLOATS, metadata={"items": "3"})))
    with pytest.raises(InvalidRequest, match="it takes lists of 3, the output type gives 1,536"):
        target(warehouse).check(make_landing(pa.field("label", FLOATS, metadata={"items": "1536"})))
