"""PostgreSQL: rows and results by ADBC, else by psycopg; one INSERT .. ON CONFLICT."""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.dialects.postgres import POSTGRES
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.plan import Column, Existing, Staging
from airflow_provider_openai_batch.tables.sources import sql
from airflow_provider_openai_batch.tables.targets.merge import SqlTarget
from airflow_provider_openai_batch.tables.warehouses import postgres_adbc, postgres_psycopg, postgres_types
from airflow_provider_openai_batch.tables.warehouses.postgres_errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from airflow_provider_openai_batch.tables.landing import Written


def source(hook: Any, query: sql.Query) -> PostgresSource:
    """Read a query through Airflow's PostgreSQL hook."""
    driver = sql.Driver(partial(postgres_psycopg.connect, hook), explain)
    return PostgresSource(driver=driver, query=query, quick=partial(postgres_adbc.connect, hook))


def target(hook: Any, parts: tuple[str, ...]) -> SqlTarget:
    """Write to a table through Airflow's PostgreSQL hook."""
    long = [part for part in parts if POSTGRES.cut(part) != part]
    if long:
        raise InvalidRequest(
            f"{long[0]!r} is longer than the {POSTGRES.names.most_bytes} bytes of a PostgreSQL name."
        )
    return SqlTarget(parts=parts, session=partial(_session, hook))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSource:
    """Rows whose types are those that the server declares, the same by every driver."""

    driver: sql.Driver
    query: sql.Query
    #: Open a connection of ADBC like one of psycopg; None where that cannot be.
    quick: Callable[[Any], Any | None]

    def columns(self) -> tuple[str, ...]:
        with self.driver.connection() as connection:
            described = postgres_psycopg.describe(connection, self.query)
            return sql.distinct(column[0] for column in described)

    @contextmanager
    def read(self, columns: Sequence[str]) -> Iterator[Iterator[pa.RecordBatch]]:
        with self.driver.connection() as connection:
            described = {column[0]: column for column in postgres_psycopg.describe(connection, self.query)}
            chosen = [postgres_types.choose(self.query, described[name]) for name in columns]
            with self._by_adbc(connection, chosen) as batches:
                if batches is not None:
                    yield batches
                    return
            statement = self._select(connection, [column.expression for column in chosen])
            with postgres_psycopg.read(connection, statement, [column.field for column in chosen]) as batches:
                yield batches

    @contextmanager
    def _by_adbc(
        self, connection: Any, chosen: list[postgres_types.Chosen]
    ) -> Iterator[Iterator[pa.RecordBatch] | None]:
        """Read on a second connection in place of the first one, if there can be one."""
        opened = self.quick(connection)
        if opened is None:
            yield None
            return
        with closing(opened):
            statement = self._select(connection, postgres_adbc.expressions(chosen))
            connection.close()
            with postgres_adbc.read(opened, statement, chosen) as batches:
                yield batches

    def _select(self, connection: Any, expressions: Sequence[str]) -> str:
        return postgres_psycopg.bound(connection, self.query.select(expressions), self.query.parameters)


@contextmanager
def _session(hook: Any, doing: str) -> Iterator[Session]:
    with told(doing, explain):
        connection = postgres_psycopg.connect(hook)
        with closing(
            Session(postgres_psycopg.Wire(connection), partial(postgres_adbc.connect, hook))
        ) as opened:
            yield opened


#: Encodings of databases that hold any character.
ENCODINGS = frozenset({"UTF8", "SQL_ASCII"})
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '',
       CASE WHEN a.attcollation <> t.typcollation
            THEN quote_ident(n.nspname) || '.' || quote_ident(c.collname) END,
       (SELECT array_agg(e.enumlabel::text) FROM pg_enum e
        WHERE e.enumtypid = CASE t.typcategory WHEN 'A' THEN t.typelem ELSE t.oid END),
       t.typname NOT IN ('bpchar', 'citext') AND coalesce((to_jsonb(c) ->> 'collisdeterministic')::bool, true)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation c ON c.oid = a.attcollation LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE a.attrelid = CAST(\0 AS oid) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
UNIQUE = """
SELECT array_agg(a.attname::text) FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid
 AND a.attnum = ANY ((string_to_array(i.indkey::text, ' ')::int2[])[1:i.indnkeyatts])
WHERE i.indrelid = CAST(\0 AS oid) AND i.indisunique AND i.indimmediate AND i.indisvalid
  AND i.indpred IS NULL AND i.indexprs IS NULL GROUP BY i.indexrelid
"""
TABLES = """
SELECT c.oid::bigint, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND lower(c.relname) = lower(\0)
  AND CASE WHEN \0 = '' THEN n.nspname = ANY (current_schemas(false)) ELSE lower(n.nspname) = lower(\0) END
ORDER BY array_position(current_schemas(false), n.nspname)
"""
#: Whether a type, or what an array of it holds, is a domain or a string of bits.
CUTS = """
SELECT count(*) FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE t.oid = CAST(to_regtype(CAST(\0 AS text)) AS oid)
  AND (coalesce(e.typtype, t.typtype) = 'd' OR coalesce(e.typcategory, t.typcategory) = 'V')
"""


class Session:
    """One transaction; loads of one table wait for each other at its lock."""

    dialect = POSTGRES

    def __init__(self, wire: postgres_psycopg.Wire, quick: Callable[[Any], Any | None]) -> None:
        self._wire: postgres_psycopg.Wire | postgres_adbc.Wire = wire
        self._quick = quick

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        self._check_encoding()
        schema, wanted = _split(parts)
        found = {(row[1], row[2]): row[0] for row in self._wire.rows(TABLES, [wanted, schema, schema])}
        place = _place(schema, wanted, list(found))
        if place is None:
            return None
        columns = tuple(
            Column(
                name=name, type=kind, nullable=nullable, filled=filled, collation=collation,
                words=tuple(words) if words else None, exact=exact,
            )
            for name, kind, nullable, filled, collation, words, exact in self._wire.rows(
                COLUMNS, [found[place]]
            )
        )  # fmt: skip
        unique = tuple(frozenset(row[0]) for row in self._wire.rows(UNIQUE, [found[place]]))
        return Existing(parts=place, columns=columns, unique=unique)

    def _check_encoding(self) -> None:
        """Refuse a database that lacks characters: one answer that holds such a one stops a paid load."""
        encoding = self._wire.rows("SELECT getdatabaseencoding()::text")[0][0]
        if encoding not in ENCODINGS:
            raise InvalidRequest(
                f"The target's database is encoded in {encoding}, which lacks characters that answers may "
                "hold; load into a database in UTF8, or into files by target['path']."
            )

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        """Load by ADBC where it can; from there on all is done on its connection."""
        if isinstance(self._wire, postgres_psycopg.Wire) and not staging.few and self._is_castable(staging):
            opened = self._quick(self._wire.connection)
            if opened is not None:
                self._wire.close()
                self._wire = postgres_adbc.Wire(opened)
        return self._wire.stage(staging, batches)

    def _is_castable(self, staging: Staging) -> bool:
        """Tell whether a cast of text is what COPY does: a domain's and a bit string's may cut it."""
        kinds = [column.type for column in staging.columns]
        return not any(self.one(CUTS, [kind]) for kind in dict.fromkeys(kinds))

    def transact(self, parts: tuple[str, ...], work: Callable[[], Written], *, keep: bool) -> Written:
        """Wait for other loads of the table, then go on in the transaction that staging began."""
        lock = hashlib.sha256("\0".join(["openai_batch", parts[-1].lower()]).encode()).digest()[:8]
        self._wire.rows(f"SELECT pg_advisory_xact_lock({int.from_bytes(lock, signed=True)})::text")
        done = work()
        if keep:
            self._wire.commit()
        else:
            self._wire.rollback()
        return done

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self._wire.run(statement, parameters)

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return int(self._wire.rows(statement, parameters)[0][0])

    def fetch(self, statement: str) -> list[sql.Row]:
        return self._wire.rows(statement)

    def close(self) -> None:
        """Close the connection; what was not kept is taken back."""
        self._wire.close()


def _split(parts: tuple[str, ...]) -> tuple[str, str]:
    """Take a name apart; a database before the schema is the connection's own."""
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", parts[0])


def _place(schema: str, table: str, found: list[tuple[str, str]]) -> tuple[str, str] | None:
    """Choose the exact name, else the only one that differs by case."""
    exact = [place for place in found if place[1] == table and schema in {"", place[0]}]
    if exact:
        return exact[0]
    return found[0] if len(found) == 1 else None
