"""Which tables a query reads, and which of their columns each of its columns comes from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How a statement is read, until one reads it: each database has marks of its own.
READERS = (None, "postgres", "bigquery", "snowflake", "mysql", "tsql")
Table = tuple[str, ...]
Field = tuple[Table, str]


@dataclass(frozen=True)
class QueryOrigin:
    """A query as it was read; None: no dialect reads it, and nothing is known of it."""

    tree: exp.Expression | None

    @cached_property
    def tables(self) -> list[Table]:
        """Return the tables by the parts of their names, in the order of the text, each once."""
        found = [] if self.tree is None else list(self.tree.find_all(exp.Table, bfs=False))
        named = [table for table in found if table.db or table.name.casefold() not in self._named]
        return list(dict.fromkeys(_parts(table) for table in named if table.name))

    def fields(self, column: str) -> list[Field]:
        """Return the columns of tables that a column of the query is made of, as far as the text says it."""
        return list(dict.fromkeys(self._of_query(self.tree, column.casefold(), ())))

    @cached_property
    def _named(self) -> dict[str, exp.Expression]:
        """Return the queries of WITH by their names."""
        ctes = [] if self.tree is None else self.tree.find_all(exp.CTE)
        return {cte.alias.casefold(): cte.this for cte in ctes}

    def _of_query(self, query: object, column: str, above: tuple[str, ...]) -> Iterator[Field]:
        if isinstance(query, exp.Subquery):
            yield from self._of_query(query.this, column, above)
        elif isinstance(query, exp.SetOperation):
            # The names are those of the first part; a part with other names is not followed.
            for part in (query.this, query.expression):
                yield from self._of_query(part, column, above)
        elif isinstance(query, exp.Select):
            yield from self._of_select(query, column, above)

    def _of_select(self, select: exp.Select, column: str, above: tuple[str, ...]) -> Iterator[Field]:
        sources = _sources(select)
        made = [part for part in select.expressions if part.alias_or_name.casefold() == column]
        for name in [found for part in made for found in part.find_all(exp.Column)]:
            source = sources.get(name.table.casefold()) if name.table else _only(sources)
            yield from self._of_source(source, name.name, above)
        if not made and any(part.is_star for part in select.expressions):
            yield from self._of_source(_only(sources), column, above)

    def _of_source(self, source: object, column: str, above: tuple[str, ...]) -> Iterator[Field]:
        if not isinstance(source, exp.Table):
            yield from self._of_query(source, column.casefold(), above)
        elif source.db or (name := source.name.casefold()) not in self._named:
            yield _parts(source), column
        elif name not in above:  # a recursive query reads itself
            yield from self._of_query(self._named[name], column.casefold(), (*above, name))


def read_query(sql: str) -> QueryOrigin:
    """Read a query in the first dialect that takes it."""
    for reader in READERS:
        try:
            return QueryOrigin(sqlglot.parse_one(sql, read=reader))
        except (SqlglotError, RecursionError):
            continue
    return QueryOrigin(None)


def _sources(select: exp.Select) -> dict[str, exp.Expression]:
    """Return what a SELECT reads, by the names that its columns may have."""
    begins = [part.this for part in select.args.values() if isinstance(part, exp.From)]
    read = [*begins, *(join.this for join in select.args.get("joins") or ())]
    return {source.alias_or_name.casefold(): source for source in read}


def _only(sources: dict[str, exp.Expression]) -> exp.Expression | None:
    return next(iter(sources.values())) if len(sources) == 1 else None


def _parts(table: exp.Table) -> Table:
    return tuple(filter(None, (table.catalog, table.db, table.name)))
