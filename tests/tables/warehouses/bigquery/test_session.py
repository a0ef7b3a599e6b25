"""BigQuery, as far as its stand-in goes: Airflow's hook and Google's client speak to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.tables.landing import Written
from tests.tables.ends import read, write
from tests.tables.factories import make_landing

if TYPE_CHECKING:
    from tests.bigquery import BigQuery


def test_a_table_is_made_and_merged(bigquery: BigQuery) -> None:
    """The first load makes the table; the second one changes what is there and adds what is new."""
    landing = make_landing()

    first = write("bigquery", landing, {"id": 1, "label": "a"}, {"id": 2, "label": "b"}, table="labels")
    second = write("bigquery", landing, {"id": 2, "label": "c"}, {"id": 3, "label": "d"}, table="labels")

    assert (Written(written=2, kept=0), Written(written=2, kept=0)) == (first, second)
    found = bigquery.execute("SELECT id, label FROM labels ORDER BY id")
    assert [(1, "a"), (2, "c"), (3, "d")] == found
    assert pa.table({"id": [1, 2, 3]}) == read("bigquery", "id", table="labels").sort_by("id")
