"""What a check of the target can see is refused before anything is paid; the rest is said when it happens."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.targets.sql_target import SqlTarget
from airflow_provider_openai_batch.tables.warehouses.sqlite.session import Session
from tests.tables.factories import make_landing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Picky(Session):
    """A database that cannot take one value."""

    def __init__(self, connection: sqlite3.Connection, refused: object) -> None:
        super().__init__(connection)
        self._refused = refused

    def stage(self, staging: Any, batches: Iterator[pa.RecordBatch]) -> int:
        found = list(batches)
        if any(self._refused in batch["value"].to_pylist() for batch in found):
            raise InvalidRequest("This database does not take that.")
        return super().stage(staging, iter(found))


@pytest.mark.parametrize("value", [None, 1, 2**63 - 1], ids=["NULL", "small", "large"])
def test_the_check_stages_values_of_each_type(sqlite_file: Path, value: object):
    """The kind of fault: a type that a driver or a database cannot take shows when everything is paid."""

    @contextmanager
    def session(_doing: str) -> Iterator[Session]:
        with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as connection:
            yield Picky(connection, value)

    target = SqlTarget(parts=("labels",), session=session)

    with pytest.raises(InvalidRequest, match="does not take that"):
        target.check(make_landing(pa.field("value", pa.int64())))
