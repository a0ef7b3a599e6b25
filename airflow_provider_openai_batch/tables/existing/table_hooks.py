"""What a database does by itself with rows: triggers, rules, and policies of a table and its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_openai_batch.tables import names

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.session import Session

POSTGRES = """
WITH RECURSIVE part AS (
    SELECT CAST(CAST({name} AS regclass) AS oid) AS id
    UNION SELECT inhrelid FROM pg_inherits JOIN part ON inhparent = id
)
SELECT 'trigger ' || tgname FROM pg_trigger JOIN part ON tgrelid = id
WHERE NOT tgisinternal AND tgenabled <> 'D'
UNION
SELECT 'rule ' || rulename FROM pg_rewrite JOIN part ON ev_class = id
WHERE rulename <> '_RETURN' AND ev_enabled <> 'D'
UNION
SELECT 'policy ' || polname FROM pg_policy JOIN part ON polrelid = id JOIN pg_class c ON c.oid = id
WHERE c.relrowsecurity
ORDER BY 1
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
    """Name the triggers, rules, and policies of a table; DuckDB has none."""
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
