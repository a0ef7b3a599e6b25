"""Snowflake: one MERGE, keys that it does not keep apart, and lists and JSON that hold anything."""

from __future__ import annotations

from sqlglot import exp

from airflow_provider_openai_batch.tables.dialect.columns import ACCEPTS, Json, Limits, Types, is_double
from airflow_provider_openai_batch.tables.dialect.dialect import Dialect, Names
from airflow_provider_openai_batch.tables.dialect.statements import Declared, Statements

_T = exp.DataType.Type
VECTOR = "VECTOR"
LONGEST_FLOAT = 3.4028234663852886e38
#: What an INTEGER is declared as, whatever its name: all integers are one type.
INTEGER = "NUMBER(38, 0)"
INTEGERS = ("tinyint", "smallint", "int", "bigint")


def as_column(text: str, declared: Declared) -> str:
    """Make a vector of a list: no file is loaded into one."""
    return f"CAST({text} AS {declared.type})" if declared.type.startswith(VECTOR) else text


DIALECT = Dialect(
    name="snowflake",
    connections=("snowflake",),
    package="airflow-provider-openai-batch[snowflake]",
    names=Names(fold=str.upper, most_characters=255),
    types=Types(
        named={
            **dict.fromkeys(INTEGERS, INTEGER),
            "text": "VARCHAR", "varbinary": "BINARY", "uuid": "VARCHAR(36)",
            "decimal": "VARCHAR", "double": "FLOAT", "float": "FLOAT", "time": "TIME(9)",
            "timestamp": "TIMESTAMP_NTZ(9)", "timestamptz": "TIMESTAMP_TZ(9)",
        },
        lists="ARRAY",
        documents=frozenset({_T.VARIANT}),
        whole_decimals=True,
        fraction=9,
        accepts=ACCEPTS | {
            "decimal": frozenset({"decimal", "int", "float", "text"}),
            "list": frozenset({"list", "json", "text"}),
        },
        vectors={VECTOR: LONGEST_FLOAT},
    ),
    limits=Limits(bytes_bytes={}),
    json=Json(parsed=frozenset({"variant"}), number=is_double),
    statements=Statements(alias="", unenforced=True, repeatable=True, as_column=as_column),
)  # fmt: skip
