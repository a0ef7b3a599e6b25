"""One connection to PostgreSQL: it takes results by ADBC, else by psycopg, and merges them."""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.plan import Column, Existing, Staging
from airflow_provider_openai_batch.tables.warehouses.postgres import adbc_driver, psycopg_driver
from airflow_provider_openai_batch.tables.warehouses.postgres.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.postgres.errors import explain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from airflow_provider_openai_batch.tables.landing import Written
    from airflow_provider_openai_batch.tables.sources import sql


@contextmanager
def opened(hook: Any, doing: str) -> Iterator[Session]:
    with told(doing, explain):
        connection = psycopg_driver.connect(hook)
        connection.commit()  # else a rollback would take back its settings, too
        with closing(Session(psycopg_driver.Wire(connection), partial(adbc_driver.connect, hook))) as session:
            yield session


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

    dialect = DIALECT
    explain = staticmethod(explain)

    def __init__(self, wire: psycopg_driver.Wire, quick: Callable[[Any], Any | None]) -> None:
        self._wire: psycopg_driver.Wire | adbc_driver.Wire = wire
        self._quick = quick
        #: psycopg's connection while a load is tried by ADBC.
        self._aside: psycopg_driver.Wire | None = None

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
        if isinstance(self._wire, psycopg_driver.Wire) and not staging.few and self._is_castable(staging):
            opened = self._quick(self._wire.connection)
            if opened is not None:
                self._set_aside(self._wire, is_trial=staging.trial)
                self._wire = adbc_driver.Wire(opened)
        return self._wire.stage(staging, batches)

    def _set_aside(self, wire: psycopg_driver.Wire, *, is_trial: bool) -> None:
        """Keep psycopg's connection for what comes after a trial; a load needs it no more."""
        if not is_trial:
            wire.close()
            return
        wire.rollback()
        self._aside = wire

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

    def rest(self) -> bool:
        """End the transaction, and what was staged with it; ADBC, which gives other values, ends, too."""
        if self._aside is not None:
            self._wire.close()
            self._wire, self._aside = self._aside, None
        self._wire.rollback()
        return isinstance(self._wire, psycopg_driver.Wire)

    def close(self) -> None:
        """Close the connection; what was not kept is taken back."""
        self._wire.close()
        if self._aside is not None:
            self._aside.close()


def _split(parts: tuple[str, ...]) -> tuple[str, str]:
    """Take a name apart; a database before the schema is the connection's own."""
    return (parts[-2], parts[-1]) if len(parts) > 1 else ("", parts[0])


def _place(schema: str, table: str, found: list[tuple[str, str]]) -> tuple[str, str] | None:
    """Choose the exact name, else the only one that differs by case."""
    exact = [place for place in found if place[1] == table and schema in {"", place[0]}]
    if exact:
        return exact[0]
    return found[0] if len(found) == 1 else None
