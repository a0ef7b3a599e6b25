"""Partitions of real tables: each row is in one of them, and they are about as large as each other."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from airflow_provider_openai_batch.partitions import partition_source
from tests.tables.ends import read

if TYPE_CHECKING:
    from tests.tables.conftest import Warehouse

WORDS = ["a", "B", "ä", "", "Z", "b", "a b", "é", "ß", "ss", "A", "10", "9", "_"]


def fill(warehouse: Warehouse) -> None:
    """Make a table with skewed numbers, words of any order, days, and NULLs in all but the key."""
    warehouse.execute("CREATE TABLE things (id bigint PRIMARY KEY, n bigint, word varchar(20), day date)")
    values = [
        f"({i}, {i**3 % 50 if i % 9 else 'NULL'}, '{WORDS[i % len(WORDS)]}', '2026-01-{1 + i % 28:02d}')"
        for i in range(100)
    ]
    warehouse.execute(f"INSERT INTO things VALUES {', '.join(values)}")
    warehouse.execute("INSERT INTO things VALUES (100, NULL, NULL, NULL)")


def ids(sources: list[dict[str, object]]) -> list[list[int]]:
    """Read the rows of each source."""
    others = [{name: part for name, part in source.items() if name != "conn_id"} for source in sources]
    return [
        read(str(source["conn_id"]), "id", **rest)["id"].to_pylist()
        for source, rest in zip(sources, others, strict=True)
    ]


@pytest.mark.parametrize("of", [{"table": "things"}, {"sql": "SELECT * FROM things WHERE id < 200"}])
@pytest.mark.parametrize("column", ["id", "n", "word", "day", "id % 7"])
def test_each_row_is_in_one_partition(warehouse: Warehouse, column: str, of: dict[str, str]) -> None:
    """Whatever type the column has, however it is sorted, and where it is NULL; new rows, too."""
    fill(warehouse)
    made = partition_source({"conn_id": warehouse.conn_id, "key": "id", **of}, column, parts=4)
    sizes = [len(part) for part in ids(made)]
    warehouse.execute("INSERT INTO things VALUES (-5, -5, '', '1999-01-01'), (150, 99, 'zz', '2030-01-01')")

    after = ids(made)

    assert sorted(chain.from_iterable(after)) == [-5, *range(101), 150]
    assert len(made) == 4
    assert sum(sizes) == 101
    if column == "id":
        assert max(sizes) - min(sizes) <= 1


def test_a_query_says_the_bounds(warehouse: Warehouse) -> None:
    """Its first column has them; rows without a value are in the first partition."""
    fill(warehouse)
    source = {"conn_id": warehouse.conn_id, "table": "things", "where": "id > 50", "key": "id"}

    made = partition_source(
        source, "id", bounds="SELECT id, n FROM things WHERE id IN (20, 60, 90) ORDER BY id"
    )

    assert [(min(part), max(part)) if part else None for part in ids(made)] == [
        None, (51, 59), (60, 89), (90, 100)
    ]  # fmt: skip


def test_an_empty_table_is_one_partition(warehouse: Warehouse) -> None:
    """It has no bounds; its task then skips, as for any empty source."""
    warehouse.execute("CREATE TABLE things (id bigint PRIMARY KEY)")
    source = {"conn_id": warehouse.conn_id, "table": "things", "key": "id"}

    assert partition_source(source, "id", parts=4) == [source]
