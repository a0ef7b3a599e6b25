"""What a look-up found comes to the rows that were looked up, whatever way it came."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_openai_batch.tables.existing.found_rows import GATHERED, FoundRows, of_gathered, of_rows
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import gathered
from tests.servers import connect, postgres, postgres_server

__all__ = ["connect", "postgres", "postgres_server"]
COUNT = 12
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = TEXTS | st.integers() | st.decimals(allow_nan=False) | st.booleans()
ODD = [
    None,
    "",
    '"',
    '""',
    ",",
    "\n",
    "\r\n",
    "a,b",
    '"a"',
    "\\",
    "\\N",
    "\t",
    "ünï ✓ 𝄞",
    " ",
    "NULL",
    "x" * 9000,
]


def row_by_row(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Give the columns by a dict of rows, as text."""
    held = {int(row[0]): row[1:] for row in rows}
    nothing = (None,) * width
    found = [held.get(place, nothing) for place in range(COUNT)]
    return [[None if row[place] is None else str(row[place]) for row in found] for place in range(width)]


def placed(found: FoundRows) -> list[list[Any]]:
    """Give the columns as Python has them."""
    return [column.to_pylist() for column in found.placed(COUNT)]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, COUNT - 1), VALUES, VALUES, st.none())))
def test_each_row_has_the_last_that_was_found_of_it(rows: list[tuple[Any, ...]]):
    """Values of any type become the texts that Python gives them; what was not found is NULL."""
    assert placed(of_rows(rows, 3)) == row_by_row(rows, 3)


def csv(rows: list[tuple[Any, ...]]) -> str:
    """Write rows as a database does."""

    def cell(text: str | None) -> str:
        return "" if text is None else '"' + text.replace('"', '""') + '"'

    return "\n".join(",".join([str(number), *map(cell, texts)]) for number, *texts in rows)


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, COUNT - 1), TEXTS, TEXTS), min_size=1)))
def test_blocks_of_rows_are_rows(blocks: list[list[tuple[Any, ...]]]):
    """Any text comes as it is, an empty one and NULL apart."""
    found = of_gathered([(csv(rows),) for rows in blocks], 2)

    assert placed(found) == row_by_row([row for rows in blocks for row in rows], 2)


def test_numbers_may_come_as_any_number():
    """Some drivers give decimals."""
    assert placed(of_rows([(Decimal(1), "a")], 1))[0][:3] == [None, "a", None]


def test_nothing_was_found():
    """Then all is NULL."""
    assert of_gathered([], 1).placed(2) == [pa.nulls(2, pa.string())]


def test_a_server_gathers_texts_as_they_are(postgres: Any):
    """Whatever a person has put into a column of ours."""
    postgres.execute("CREATE TABLE texts (id bigint, one text, two text)")
    rows = [(number, ODD[number % len(ODD)], ODD[number % 7]) for number in range(3 * GATHERED)]
    places = ", ".join(["(%s, %s, %s)"] * len(rows))
    postgres.execute(f"INSERT INTO texts VALUES {places}", sum(rows, ()))

    statement = f"SELECT {gathered('id', ['one', 'two'])} FROM texts GROUP BY id / {GATHERED}"
    found = of_gathered(postgres.execute(statement), 2).placed(len(rows))

    assert [column.to_pylist() for column in found] == [[row[1] for row in rows], [row[2] for row in rows]]
