"""BigQuery: one MERGE, no keys of its own, and JSON whose numbers are doubles."""

from __future__ import annotations

from airflow_provider_openai_batch.tables.dialect.columns import ACCEPTS, Json, Types, WideDecimal, is_double
from airflow_provider_openai_batch.tables.dialect.dialect import Dialect, Names
from airflow_provider_openai_batch.tables.dialect.statements import Declared, Moment, Statements, cast_moment

#: How deep JSON is at most.
LEVELS = 500
DATETIME = "DATETIME"


def as_column(text: str, declared: Declared) -> str:
    """Make JSON of its text: no file is loaded into it."""
    return f"PARSE_JSON({text}, wide_number_mode=>'round')" if declared.family == "json" else text


def moment(at: Moment, declared: Declared) -> str:
    """Write a moment; a DATETIME has no zone."""
    return f"CAST('{at.plain}' AS {DATETIME})" if declared.type == DATETIME else cast_moment(at, declared)


DIALECT = Dialect(
    name="bigquery",
    connections=("gcpbigquery", "google_cloud_platform"),
    package="airflow-provider-openai-batch[google]",
    names=Names(most_characters=300),
    types=Types(
        named={"uuid": "STRING", "decimal": "STRING"},
        # Of a NUMERIC: 29 digits before the point, and 9 places.
        most_digits=29,
        most_places=9,
        wide_decimal=WideDecimal(name="BIGNUMERIC", digits=38),
        list_of="ARRAY<{}>".format,
        accepts=ACCEPTS | {"list": frozenset({"list", "json", "text"})},
    ),
    json=Json(parsed=frozenset({"json"}), number=is_double, levels=LEVELS),
    statements=Statements(
        alias="", keyed=False, unenforced=True, repeatable=True, as_column=as_column, moment=moment
    ),
)
