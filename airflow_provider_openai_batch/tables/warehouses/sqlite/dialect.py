"""SQLite: ON CONFLICT, and columns that hold values of any type."""

from __future__ import annotations

import re

from airflow_provider_openai_batch.tables.dialect.columns import ACCEPTS, Json, Limits, Types
from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
from airflow_provider_openai_batch.tables.dialect.merge_forms import conflict
from airflow_provider_openai_batch.tables.dialect.statements import (
    MARK,
    Declared,
    Lookups,
    Moment,
    Statements,
)

#: A function that our connections have: a text as it is read, which need not be UTF-8.
AS_READ = "batch_as_read"
#: Its own rules for the affinity of a declared type, in their order; NUMERIC holds anything.
AFFINITIES = ((r"INT", "int"), (r"CHAR|CLOB|TEXT", "text"), (r"BLOB", "bytes"), (r"REAL|FLOA|DOUB", "float"))
HOOKS = "SELECT 'trigger ' || name FROM {catalog}.sqlite_master WHERE type = 'trigger' AND tbl_name = {table}"


def affinity(declared_type: str) -> str | None:
    """Name the kind that a declared type stands for; None where it may hold anything."""
    found = (kind for pattern, kind in AFFINITIES if re.search(pattern, declared_type.upper()))
    return next(found, None)


def keeps_text(kind: str) -> bool:
    """Tell whether a column keeps `007` as it is; NUMERIC and its like make it a number."""
    return not kind or affinity(kind) in {"text", "bytes"}


def exact(text: str) -> str:
    """Compare by bytes."""
    return f"{text} COLLATE BINARY"


def parameter(_declared: Declared) -> str:
    """Leave a parameter as it is: there are no types to cast to."""
    return MARK


def moment(at: Moment, _declared: Declared) -> str:
    """Write a moment at one width, so that texts sort as moments do."""
    return f"'{at.plain.replace(' ', 'T')}Z'"


def compared(source: str, declared: Declared) -> str:
    """Compare a text as it is read."""
    if not declared.is_text:
        return source
    return f"CASE typeof({source}) WHEN 'text' THEN {AS_READ}(CAST({source} AS BLOB)) ELSE {source} END"


DIALECT = Dialect(
    name="sqlite",
    connections=("sqlite",),
    package="airflow-provider-openai-batch[sqlite]",
    types=Types(
        named={
            "date": "TEXT", "time": "TEXT", "timestamp": "TEXT", "timestamptz": "TEXT", "json": "TEXT",
            "uuid": "TEXT", "decimal": "TEXT", "boolean": "BOOLEAN", "varbinary": "BLOB",
        },
        most_digits=0,
        lists="TEXT",
        # What has no storage class of its own is kept as text, whatever the column is declared as.
        accepts=ACCEPTS | {
            "bool": frozenset({"bool", "int", "decimal"}),
            "bytes": frozenset({"bytes"}),
            "list": frozenset({"text", "json", "list"}),
            "date": frozenset({"text", "date", "timestamp"}),
            "timestamp": frozenset({"text", "date", "timestamp"}),
        },
        keeps_text=keeps_text,
    ),
    limits=Limits(endless_texts=True, nan_is_null=True),
    json=Json(halves=True),
    statements=Statements(merge=conflict, exact=exact, parameter=parameter, moment=moment),
    lookups=Lookups(compared=compared, hooks=HOOKS),
)  # fmt: skip
