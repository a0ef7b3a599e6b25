"""What an error of DuckDB means: its text where that quotes no values, and whether a retry may help."""

from __future__ import annotations

import duckdb

from airflow_provider_openai_batch.tables.failures import Failure

#: Errors whose texts name tables, columns, and files, but quote no values; and those a retry may get past.
TELLING = (
    "BinderException", "CatalogException", "ConnectionException", "HTTPException", "IOException",
    "NotImplementedException", "ParserException", "PermissionException", "SyntaxException",
    "TransactionException",
)  # fmt: skip
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
    name, text = type(error).__name__, str(error).strip().split("\n", 1)[0]
    if name == "OutOfMemoryException":
        return Failure(
            "DuckDB is out of memory; raise 'memory_limit' in the connection's extra.", lasting=False
        )
    shown = text if name in TELLING or "read-only" in text else f"{name} (its text may hold row values)."
    return Failure(f"DuckDB: {shown}", lasting=name not in PASSING)
