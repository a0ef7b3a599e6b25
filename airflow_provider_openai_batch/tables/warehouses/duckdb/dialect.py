"""DuckDB: MERGE or DELETE and INSERT, rows as Arrow, and keys that are told apart by bytes."""

from __future__ import annotations

from airflow_provider_openai_batch.tables.dialect.columns import Limits, Types
from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
from airflow_provider_openai_batch.tables.dialect.merge_forms import matched
from airflow_provider_openai_batch.tables.dialect.statements import Declared, Lookups, Moment, Statements


def exact(text: str) -> str:
    """Compare by bytes."""
    return f'{text} COLLATE "c"'


def moment(at: Moment, declared: Declared) -> str:
    """Cast as a load casts Arrow's moments, to text as well."""
    return f"CAST(CAST('{at.plain}+00' AS TIMESTAMPTZ) AS {declared.type})"


def compared(source: str, declared: Declared) -> str:
    """Compare a text as it is read, whatever it is."""
    return f"CAST({source} AS VARCHAR)" if declared.is_text else source


DIALECT = Dialect(
    name="duckdb",
    connections=("duckdb", "motherduck"),
    package="airflow-provider-openai-batch[duckdb]",
    types=Types(
        named={"decimal": "VARCHAR", "varbinary": "BLOB"},
        unsigned=True,
        sized_lists=True,
        nanoseconds="TIMESTAMP_NS",
        as_arrow=True,
    ),
    limits=Limits(endless_texts=True),
    statements=Statements(
        merge=matched,
        renews=True,  # all updates of a transaction are held in memory
        exact=exact,
        exact_keys=True,  # unique indexes heed no collation, so that nothing else does
        moment=moment,
    ),
    lookups=Lookups(compared=compared),
)
