"""BigQuery, as far as its stand-in goes: Airflow's hook and Google's client speak to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
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


def test_a_load_that_fails_by_its_keys_leaves_no_table(bigquery: BigQuery) -> None:
    """The kind of fault: what is defined stays there, so it is defined after all that can fail before it."""
    landing = make_landing()
    with pytest.raises(InvalidRequest, match="different keys of the source as equal"):
        write("bigquery", landing, {"id": 1, "label": "a"}, {"id": 1, "label": "b"}, table="labels")

    client = bigquery.client()
    left = [table.table_id for table in client.list_tables(bigquery.dataset)]
    client.close()
    assert left == []


def test_a_table_in_no_dataset_is_an_error(bigquery: BigQuery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the name nor the connection says where it is."""
    fields = bigquery.fields()
    del fields["extra"]["dataset"]
    monkeypatch.setenv("AIRFLOW_CONN_BIGQUERY", json.dumps(fields))

    with pytest.raises(InvalidRequest, match=r"write 'dataset\.table'"):
        write("bigquery", make_landing(), {"id": 1}, table="labels")


def test_a_dataset_that_is_not_there_is_named(bigquery: BigQuery) -> None:
    """The message says what to do; the client's own does not."""
    with pytest.raises(InvalidRequest, match="has no dataset 'nowhere' in project 'project'; create it"):
        write("bigquery", make_landing(), {"id": 1}, table="nowhere.labels")
