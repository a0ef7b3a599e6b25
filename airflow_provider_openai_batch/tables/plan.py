"""One load into one table: which of our columns meets which of the table's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.landing import Landing


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of an existing table; `type` is what the database writes for it."""

    name: str
    type: str
    collation: str | None = None
    nullable: bool = True
    #: The database fills it by itself: a default, an identity, a generated column.
    filled: bool = False
    #: The database computes it, and takes no value for it.
    generated: bool = False
    #: It counts by itself, so that no two rows have one number.
    numbered: bool = False
    #: It, or each item of it, is one of these: an enum.
    words: tuple[str, ...] | None = None
    #: Texts that differ are never equal in it.
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """A table as the database describes it."""

    parts: tuple[str, ...]
    columns: tuple[Column, ...]
    unique: tuple[frozenset[str], ...]
    #: Rows of other tables refer to its rows.
    referred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetColumn:
    """A column that is written: our field, under the target's name, with the target's type."""

    field: pa.Field
    name: str
    type: str
    #: A quoted collation that tells keys apart; None: the database's own.
    collation: str | None = None
    words: tuple[str, ...] | None = None
    exact: bool = True
    #: The table lacks it yet: the load adds it.
    added: bool = False
    #: It does not take NULL.
    required: bool = False

    @property
    def role(self) -> str | None:
        """Name the fixed column that it is, if it is one."""
        return role_of(self.field)

    def declared(self, dialect: Dialect) -> str:
        """Write the column's name and type as CREATE TABLE takes them."""
        suffix = f" COLLATE {self.collation}" if self.collation else ""
        return f"{dialect.quote(self.name)} {self.type}{suffix}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """The temporary table that rows are loaded into before they meet the target."""

    name: str
    columns: tuple[TargetColumn, ...]
    #: Only a few rows are loaded: no quicker way is worth its beginning.
    few: bool = False
    #: A load is tried: the session goes on after it.
    trial: bool = False

    def create(self, dialect: Dialect) -> str:
        """Write the CREATE TABLE; it has no constraints, so that every row can be loaded and counted."""
        declared = ", ".join(column.declared(dialect) for column in self.columns)
        return f"CREATE TEMPORARY TABLE {dialect.quote(self.name)} ({declared}){dialect.statements.options}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One load into one table, in the target's names."""

    landing: Landing
    parts: tuple[str, ...]
    exists: bool
    columns: tuple[TargetColumn, ...]
    #: A row is all that is written of it: one that is met may be deleted and inserted again.
    whole: bool = False

    def target_name(self, name: str) -> str:
        """Give the target's name of one of our columns."""
        return next(column.name for column in self.columns if column.field.name == name)

    def without_added(self) -> Plan:
        """Leave out what the table has only once it is loaded."""
        return replace(self, columns=tuple(column for column in self.columns if not column.added))

    def role(self, role: str) -> str | None:
        """Give the target's name of a fixed column; None if the table has none."""
        return next((column.name for column in self.columns if role_of(column.field) == role), None)

    @property
    def unique(self) -> tuple[str, ...]:
        """Name the columns that tell two rows of the table apart."""
        ours = list(self.landing.key)
        if self.landing.mode == "replace_partition":
            ours = [*(name for name in self.landing.partition if name not in ours), *ours]
        found = [self.target_name(name) for name in ours]
        if self.landing.mode == "append":
            found.append(self.role("run_id") or "")
        return tuple(found)


def role_of(field: pa.Field) -> str | None:
    """Name the fixed column that a field is, if it is one."""
    return (field.metadata or {}).get(b"batch", b"").decode() or None
