"""The statements that define a target: what a load creates, and what it adds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import Plan


def create(made: Plan, dialect: Dialect, *, temporary: bool = False) -> str:
    """Write the CREATE TABLE of the result's schema, with a primary key that identifies its rows."""
    unique = made.unique
    lines = [
        column.declared(dialect) + (" NOT NULL" if column.name in unique else "") for column in made.columns
    ]
    if dialect.statements.keyed:
        lines.append(f"PRIMARY KEY ({', '.join(map(dialect.quote, unique))})")
    table = (
        f"{'TEMPORARY ' if temporary else ''}TABLE {_unless_there(dialect)}{dialect.qualified(made.parts)}"
    )
    return f"CREATE {table} ({', '.join(lines)}){dialect.statements.options}"


def _unless_there(dialect: Dialect) -> str:
    return "IF NOT EXISTS " if dialect.statements.repeatable else ""


def ask_to_alter(made: Plan, dialect: Dialect) -> list[str]:
    """Write what adds nothing, for the column is there, but fails for who may not alter the table."""
    there = next(column for column in made.columns if not column.added)
    return add(replace(made, columns=(replace(there, added=True),)), dialect)


def add(made: Plan, dialect: Dialect) -> list[str]:
    """Write the ALTER TABLE of each column that the table lacks; they are nullable."""
    table = dialect.qualified(made.parts)
    added = (column.declared(dialect) for column in made.columns if column.added)
    return [f"ALTER TABLE {table} ADD COLUMN {_unless_there(dialect)}{declared}" for declared in added]
