"""The index of runs on object stores: pages, marks that go, and work paths, as on a disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_openai_batch.steps.run_index import index_names as names
from airflow_provider_openai_batch.steps.run_index.read_index import Asked, read_page
from airflow_provider_openai_batch.store.shared_folder import SharedFolder
from tests.steps.run_index.test_read_index import enter

if TYPE_CHECKING:
    from tests.stores.conftest import Bucket

pytestmark = pytest.mark.long


def test_the_index_is_read_as_on_a_disk(bucket: Bucket):
    """Days are found as folders, a mark that was removed is gone, and it may come again."""

    def index() -> SharedFolder:
        return SharedFolder(ObjectStoragePath(f"{bucket.root}/runs/.index=1"))

    assert read_page(index(), Asked(dags={"mine"})).runs == ()
    runs = [enter(index(), number * 24, landed=1, is_open=number == 1) for number in range(3)]

    first = read_page(index(), Asked(dags={"mine"}, most=2))
    rest = read_page(index(), Asked(dags={"mine"}, most=2, after=first.after))
    assert [one.entry.run_id for one in (*first.runs, *rest.runs)] == runs[::-1]
    (still_open,) = read_page(index(), Asked(dags={"mine"}, which="open")).runs
    assert still_open.entry.run_id == runs[1]

    writer = index()
    writer.remove(names.open_file(still_open.key))
    assert read_page(index(), Asked(dags={"mine"}, which="open")).runs == ()
    index().put(names.open_file(still_open.key), still_open.entry)
    assert len(read_page(index(), Asked(dags={"mine"}, which="open")).runs) == 1
    assert index().folders("runs/") == sorted(one.key[:10] for one in (*first.runs, *rest.runs))
