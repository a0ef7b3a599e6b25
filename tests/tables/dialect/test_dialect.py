"""A dialect's defaults are enough to write to a database of the standard's."""

from __future__ import annotations

from airflow_provider_openai_batch.tables.dialect.columns import Types
from airflow_provider_openai_batch.tables.dialect.dialect import STANDARD, Dialect, Names
from tests.tables.recorder import Recorder
from tests.tables.test_snapshots import labels, write

FIFTH = Dialect(name="snowflake", names=Names(fold=str.upper), types=Types(lists="VARIANT"))


def test_a_fifth_database_is_a_value() -> None:
    """Generic code makes the table and merges into it, in a dialect that no module here describes."""
    recorder = Recorder(dialect=FIFTH)

    write(recorder, labels())

    begun = [statement.split('"')[0] for statement in recorder.statements]
    assert [
        "CREATE TEMPORARY TABLE ", "BEGIN", "CREATE TABLE ", "SELECT count(*) FROM (SELECT DISTINCT ",
        "SELECT count(*) FROM ", "MERGE INTO ", "COMMIT",
    ] == begun  # fmt: skip
    assert 'ON t."ID" = s."ID" WHEN MATCHED AND (t."BATCH_STATUS" IS NULL OR' in recorder.statements[5]


def test_names_are_folded_where_they_are_plain() -> None:
    """A name that only quotes can hold keeps its case."""
    assert ["ID", "a b", "größe"] == [FIFTH.fold(name) for name in ("id", "a b", "größe")]
    assert "Id" == STANDARD.fold("Id")


def test_literals_end_where_they_end() -> None:
    """A quote inside a text never ends it."""
    assert "'it''s'" == STANDARD.literal("it's")
