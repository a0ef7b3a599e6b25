"""Pages of a query in the order of its key, for drivers that load a whole result before its first row.

Pages are one snapshot only where the database gives a transaction one (Redshift does).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.grouping import BATCH_ROWS
from airflow_provider_openai_batch.tables.sources.sql import execute

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from airflow_provider_openai_batch.tables.sources.sql import Query, Reading, Row

#: What a page aims at: pages that are too small ask the same query too often.
PAGE_ROWS = 50_000
PAGE_BYTES = 32 << 20
#: Where the user's query and a parameter go: no name can hold them.
SUBQUERY, MARK = "\0\0", "\0"


class Pages:
    """Rows page by page; each begins with the key that the one before it left over.

    So equal keys are read however pages cut them, and refused later; NULL keys are refused here.
    """

    def __init__(self, reading: Reading, key: Sequence[str]) -> None:
        self._reading = reading
        self._key = tuple(names.find(name, reading.columns) or name for name in key)
        self._columns = tuple(dict.fromkeys((*reading.columns, *self._key)))
        self._marks = Marks(paramstyle(reading.connection), reading.query.parameters)
        self._page: list[Row] = []
        self._next: Row | None = ()
        self._rows = BATCH_ROWS
        self._refuse_null()

    def fetch(self) -> list[Row]:
        """Return the next rows; none at the end."""
        if not self._page and self._next is not None:
            self._turn(self._next)
        rows, self._page = self._page[:BATCH_ROWS], self._page[BATCH_ROWS:]
        return [row[: len(self._reading.columns)] for row in rows]

    def seen(self, batch: pa.RecordBatch) -> None:
        """Choose how long the next page is by the size of the last rows."""
        size = max(1, batch.nbytes // max(1, batch.num_rows))
        self._rows = max(1, min(PAGE_ROWS, PAGE_BYTES // size))

    def first(self, name: str) -> Row | None:
        """Return the first value of a column that is not NULL."""
        column = _column(name)
        found = self._run(exp.select(column).where(~column.is_(exp.null())).limit(1))
        return found[0] if found else None

    def close(self) -> None:
        """Forget the page."""
        self._page = []

    def _turn(self, start: Row) -> None:
        shape = exp.select(*map(_column, self._columns)).order_by(*map(_column, self._key))
        shape = shape.limit(self._rows + 1)
        found = self._run(shape.where(_from(self._key)) if start else shape, _values(start))
        self._page, more = found[: self._rows], found[self._rows :]
        self._next = tuple(more[0][self._columns.index(name)] for name in self._key) if more else None
        if self._next is not None and self._next == start:
            raise InvalidRequest(
                f"More than {self._rows:,} rows have the same key; list in source['key'] all columns that "
                "identify a row."
            )

    def _refuse_null(self) -> None:
        for name in self._key:
            column = _column(name)
            if self._run(exp.select(column).where(column.is_(exp.null())).limit(1)):
                raise InvalidRequest(
                    f"Key column {name!r} is NULL in some rows; filter them or name another key."
                )

    def _run(self, shape: exp.Select, values: Sequence[Any] = ()) -> list[Row]:
        statement, parameters = self._marks.fill(self._reading.query, shape, values)
        explain = self._reading.driver.explain
        with closing(self._reading.connection.cursor()) as cursor:
            execute(cursor, statement, parameters, explain)
            with told("The source cannot be read", explain):
                return [tuple(row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Marks:
    """How a driver writes parameters (PEP 249 `paramstyle`), and those that the user passes."""

    style: str
    given: Any

    def fill(self, query: Query, shape: exp.Select, values: Sequence[Any]) -> tuple[str, Any]:
        """Put the user's query, then marks for values, into a statement; return all parameters too."""
        alias = exp.TableAlias(this=exp.to_identifier("source", quoted=True))
        statement = shape.from_(exp.Table(this=exp.var(SUBQUERY), alias=alias)).sql(
            query.dialect.name or None
        )
        text, marks = query.text, self._marks(len(values))
        if self._reads_percent and (values or self.given):
            statement = statement.replace("%", "%%")
            text = text if self.given else text.replace("%", "%%")
        before, _, after = statement.partition(SUBQUERY)
        for mark in marks:
            after = after.replace(MARK, mark, 1)
        return f"{before}(\n{text}\n){after}", self._all(values)

    @property
    def _reads_percent(self) -> bool:
        return self.style in {"format", "pyformat"}

    def _marks(self, count: int) -> list[str]:
        if isinstance(self.given, Mapping):
            form = "%(batch_key_{})s" if self._reads_percent else ":batch_key_{}"
        else:
            forms = {"qmark": "?", "named": ":batch_key_{}", "numeric": ":{}"}
            form = forms.get(self.style, "%s")
        first = len(self.given or ()) + 1 if form == ":{}" else 0
        return [form.format(number) for number in range(first, first + count)]

    def _all(self, values: Sequence[Any]) -> Any:
        if isinstance(self.given, Mapping):
            return {**self.given, **{f"batch_key_{number}": value for number, value in enumerate(values)}}
        return [*(self.given or ()), *values]


def paramstyle(connection: object) -> str:
    """Find how the connection's driver writes parameters."""
    parts = type(connection).__module__.split(".")
    modules = (sys.modules.get(".".join(parts[:length])) for length in range(1, len(parts) + 1))
    return next((style for module in modules if (style := getattr(module, "paramstyle", None))), "format")


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True))


def _from(key: Sequence[str]) -> exp.Expression:
    """Compare a key of some columns with one value for each: at or after it."""
    column, mark = _column(key[0]), exp.var(MARK)
    if len(key) == 1:
        return exp.GTE(this=column, expression=mark)
    rest = exp.and_(exp.EQ(this=column.copy(), expression=mark.copy()), _from(key[1:]))
    return exp.or_(exp.GT(this=column, expression=mark), rest)


def _values(start: Row) -> list[Any]:
    """Give the values in the order of the marks of `_from`."""
    return [value for value in start[:-1] for _ in range(2)] + list(start[-1:])
