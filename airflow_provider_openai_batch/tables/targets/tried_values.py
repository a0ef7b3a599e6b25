"""Values for columns whose types only the database knows: it takes them, or says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from airflow_provider_openai_batch.tables.errors import RefusedByDatabase
from airflow_provider_openai_batch.tables.plan import Staging
from airflow_provider_openai_batch.tables.statements.normalize import as_held
from airflow_provider_openai_batch.tables.types import arrow_types
from airflow_provider_openai_batch.tables.types.families import ITEMS, family, vector_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.plan import TargetColumn
    from airflow_provider_openai_batch.tables.session import Session

    Opened = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Columns of such types, and how the database is asked."""

    columns: tuple[TargetColumn, ...]
    dialect: Dialect
    session: Opened

    def refused(self, rows: pa.RecordBatch) -> tuple[TargetColumn, int, str] | None:
        """Find the place of a row that the database refuses, by halves, with its column and the error."""
        for column in self.columns:
            first, count = 0, rows.num_rows
            error = self._error(column, rows)
            while error is not None and count > 1:
                half = count // 2
                sooner = self._error(column, rows.slice(first, half))
                first, count = (first, half) if sooner else (first + half, count - half)
            if error is not None:
                error = self._error(column, rows.slice(first, count)) or error
                return column, first, error
        return None

    def _error(self, column: TargetColumn, rows: pa.RecordBatch) -> str | None:
        staging = Staging(name=f"batch_tried_{uuid4().hex}", columns=(column,), few=True)
        values = iter([rows.select([column.field.name])])
        try:
            with self.session() as session:
                session.stage(staging, as_held((column,), values, key=(), dialect=self.dialect))
        except RefusedByDatabase as error:
            return str(error)
        return None


def is_known_only_there(column: TargetColumn, dialect: Dialect) -> bool:
    """Tell whether only the database knows what a column of the table takes."""
    if dialect.types.are_loose or column.words is not None or vector_of(column.type, dialect):
        return False
    kind = ITEMS.sub("", column.type) if arrow_types.is_list(column.field.type) else column.type
    return family(kind, dialect) is None
