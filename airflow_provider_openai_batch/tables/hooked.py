"""What a database does by itself with rows that are written: triggers and rules of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_openai_batch.tables import names

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.session import Session

POSTGRES = """
SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = CAST({name} AS regclass)
UNION ALL
SELECT 'rule ' || rulename FROM pg_rewrite WHERE rulename <> '_RETURN' AND ev_class = CAST({name} AS regclass)
"""
MYSQL = """
SELECT CONCAT('trigger ', trigger_name) FROM information_schema.triggers
WHERE event_object_schema = {schema} AND event_object_table = {table}
"""
SQLITE = (
    "SELECT 'trigger ' || name FROM {catalog}.sqlite_master WHERE type = 'trigger' AND tbl_name = {table}"
)
QUERIES = {"postgres": POSTGRES, "mysql": MYSQL, "sqlite": SQLITE}


def hooked(session: Session, parts: tuple[str, ...]) -> list[str]:
    """Name the triggers and rules of a table; DuckDB has none."""
    dialect = session.dialect
    if dialect not in QUERIES:
        return []
    statement = QUERIES[dialect].format(
        name=_text(names.qualified(parts, dialect), dialect),
        catalog=names.quote(parts[0], dialect),
        schema=_text(parts[0], dialect),
        table=_text(parts[-1], dialect),
    )
    return [str(row[0]) for row in session.fetch(statement)]


def _text(value: str, dialect: str) -> str:
    text: str = exp.Literal.string(value).sql(dialect)
    return text
