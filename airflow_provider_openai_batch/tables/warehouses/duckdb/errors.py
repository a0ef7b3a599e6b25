"""What an error of DuckDB means: its text where that quotes no values, and whether a retry may help."""

from __future__ import annotations

import duckdb

from airflow_provider_openai_batch.tables.errors import LEFT_OUT, Failure, drawn, first_line

#: Errors whose texts name tables, columns, and files, but quote no values; and those a retry may get past.
TELLING = (
    "BinderException", "CatalogException", "ConnectionException", "HTTPException", "IOException",
    "NotImplementedException", "ParserException", "PermissionException", "SyntaxException",
    "TransactionException",
)  # fmt: skip
CONSTRAINTS = ("foreign key constraint", "PRIMARY KEY or UNIQUE constraint")
PASSING = (
    "ConnectionException",
    "HTTPException",
    "IOException",
    "OutOfMemoryException",
    "TransactionException",
)


def explain(error: Exception) -> Failure | None:
    """Explain an error of DuckDB; the texts of errors that quote values are left out."""
    if not isinstance(error, duckdb.Error):
        return None
    name, text = type(error).__name__, first_line(error)
    if name == "OutOfMemoryException":
        return Failure(
            "DuckDB is out of memory; raise 'memory_limit' in the connection's extra.", lasting=False
        )
    if name == "ConstraintException":
        return Failure(f"DuckDB: {_without_key(text)}.", lasting=True)
    shown = text if name in TELLING or "read-only" in text else f"{name} ({LEFT_OUT})."
    return Failure(f"DuckDB: {shown}", lasting=name not in PASSING, place=drawn(str(error)))


def _without_key(text: str) -> str:
    """Leave out what a broken constraint quotes of rows; CHECK and NOT NULL quote nothing."""
    if "CHECK constraint" in text or "NOT NULL constraint" in text:
        return text
    known = next((kind for kind in CONSTRAINTS if kind in text), "constraint")
    return f"Constraint Error: a {known} is violated (its text holds a key)"
