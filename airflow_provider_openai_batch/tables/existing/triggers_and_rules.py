"""What a database does by itself with rows: triggers, rules, and policies of a table and its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.session import Session


def hooked(session: Session, parts: tuple[str, ...]) -> list[str]:
    """Name the triggers, rules, and policies of a table."""
    dialect = session.dialect
    if dialect.lookups.hooks is None:
        return []
    statement = dialect.lookups.hooks.format(
        name=dialect.literal(dialect.qualified(parts)),
        catalog=dialect.quote(parts[0]),
        schema=dialect.literal(parts[0]),
        table=dialect.literal(parts[-1]),
    )
    return [str(row[0]) for row in session.fetch(statement)]
