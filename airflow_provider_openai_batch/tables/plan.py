"""How the columns of a load meet those of a table: everything that can be known before a row is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names, types
from airflow_provider_openai_batch.tables.families import assignable
from airflow_provider_openai_batch.tables.room import lacks_room

if TYPE_CHECKING:
    from airflow_provider_openai_batch.tables.base import Landing

#: Fixed columns that every row has a value for.
ALWAYS_SET = frozenset({"status", "custom_id", "snapshot_at", "run_id", "input_hash", "prompt_version"})
REQUIRED = {
    "merge": ("status", "custom_id", "snapshot_at"),
    "append": ("status", "custom_id", "run_id"),
    "replace_partition": ("status", "custom_id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of an existing table; `type` is what the database writes for it."""

    name: str
    type: str
    collation: str | None = None
    nullable: bool = True
    #: The database fills it by itself: a default, an identity, a generated column.
    filled: bool = False
    #: It takes listed values only: an enum.
    closed: bool = False
    #: Texts that differ are never equal in it.
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """A table as the database describes it."""

    parts: tuple[str, ...]
    columns: tuple[Column, ...]
    unique: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A column that is written: our field, under the target's name, with the target's type."""

    field: pa.Field
    name: str
    type: str
    #: A quoted collation that tells keys apart; None: the database's own.
    collation: str | None = None
    closed: bool = False
    exact: bool = True

    @property
    def role(self) -> str | None:
        """Name the fixed column that it is, if it is one."""
        return role_of(self.field)

    def declared(self, dialect: str) -> str:
        """Write the column's name and type as CREATE TABLE takes them."""
        suffix = f" COLLATE {self.collation}" if self.collation else ""
        return f"{names.quote(self.name, dialect)} {self.type}{suffix}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """The temporary table that rows are loaded into before they meet the target."""

    name: str
    columns: tuple[Written, ...]

    def create(self, dialect: str) -> str:
        """Write the CREATE TABLE; it has no constraints, so that every row can be loaded and counted."""
        declared = ", ".join(column.declared(dialect) for column in self.columns)
        return f"CREATE TEMPORARY TABLE {names.quote(self.name, dialect)} ({declared})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One load into one table, in the target's names."""

    landing: Landing
    parts: tuple[str, ...]
    exists: bool
    columns: tuple[Written, ...]

    def target_name(self, name: str) -> str:
        """Give the target's name of one of our columns."""
        return next(column.name for column in self.columns if column.field.name == name)

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


def plan(landing: Landing, parts: tuple[str, ...], dialect: str, existing: Existing | None) -> Plan:
    """Fit the load to the table, or raise InvalidRequest with both sides."""
    _check_names(landing, dialect)
    if existing is None:
        return _fresh(landing, parts, dialect)
    found = {field.name: _match(field.name, existing) for field in landing.schema}
    _check_present(landing, existing, found)
    columns = tuple(
        Written(
            field=field, name=column.name, type=column.type, collation=column.collation,
            closed=column.closed, exact=column.exact,
        )
        for field in landing.schema
        if (column := found[field.name]) is not None
    )  # fmt: skip
    made = Plan(landing=landing, parts=existing.parts, exists=True, columns=columns)
    _check_twice(columns)
    _check_types(made, dialect)
    _check_room(made, dialect)
    _check_exact(made, dialect)
    _check_unique(made, existing)
    _check_not_null(made, existing)
    return made


def _fresh(landing: Landing, parts: tuple[str, ...], dialect: str) -> Plan:
    columns = tuple(
        Written(field=field, name=names.fold(field.name, dialect), type=types.sql_type(field, dialect))
        for field in landing.schema
    )
    _check_twice(columns)
    made = Plan(landing=landing, parts=parts, exists=False, columns=columns)
    if dialect != "postgres":
        return made
    exact = tuple(
        replace(column, collation='"C"') if column.name in made.unique and column.type == "TEXT" else column
        for column in columns
    )
    return replace(made, columns=exact)


def _match(name: str, existing: Existing) -> Column | None:
    found = names.find(name, (column.name for column in existing.columns))
    return next((column for column in existing.columns if column.name == found), None)


def _check_twice(columns: tuple[Written, ...]) -> None:
    seen: dict[str, str] = {}
    for column in columns:
        other = seen.setdefault(column.name.casefold(), column.field.name)
        if other != column.field.name:
            raise InvalidRequest(
                f"The result's columns {other!r} and {column.field.name!r} are one column in the target; "
                "rename one with target['columns'] or an alias in the source."
            )


def _check_present(landing: Landing, existing: Existing, found: dict[str, Column | None]) -> None:
    required = REQUIRED[landing.mode]
    missing = [
        field.name
        for field in landing.schema
        if found[field.name] is None and (role_of(field) is None or role_of(field) in required)
    ]
    if missing:
        raise InvalidRequest(
            f"Table {_table(existing.parts)} has no column {', '.join(map(repr, missing))}; it has "
            f"{', '.join(column.name for column in existing.columns)}. Add the column, or name another table."
        )


def _check_types(made: Plan, dialect: str) -> None:
    wrong = [
        f"{column.name!r}: {column.type} in the table, {types.sql_type(column.field, dialect)} in the result"
        for column in made.columns
        if not assignable(
            column.field, column.type, dialect, from_text=column.field.name in made.landing.partition
        )
    ]
    if wrong:
        raise InvalidRequest(f"Table {_table(made.parts)} does not fit: {'; '.join(wrong)}.")


def _check_room(made: Plan, dialect: str) -> None:
    narrow = [
        f"{column.name!r}: {types.sql_type(column.field, dialect)} in the result, {column.type} in the "
        f"table; {advice}"
        for column in made.columns
        if (advice := lacks_room(made, column, dialect)) is not None
    ]
    if narrow:
        raise InvalidRequest(
            f"Table {_table(made.parts)} has no room for every value: {'. '.join(narrow)}. One value that "
            "does not fit would stop the load."
        )


def _check_exact(made: Plan, dialect: str) -> None:
    """Refuse a text key that the table holds as one with another: the rows of two keys would be one."""
    for column in made.columns:
        is_key = column.name in made.unique and pa.types.is_string(column.field.type)
        if is_key and not column.exact:
            collation = f" with collation {column.collation}" if column.collation else ""
            raise InvalidRequest(
                f"Key column {column.name!r} of table {_table(made.parts)} is {column.type}{collation}, "
                f"which holds texts that differ as one; make it "
                f"{types.sql_type(column.field, dialect)} with a "
                "binary collation."
            )


def _check_names(landing: Landing, dialect: str) -> None:
    longest = names.LONGEST.get(dialect)
    long = [name for name in landing.schema.names if longest and len(name.encode()) > longest]
    if long:
        raise InvalidRequest(
            f"Column {long[0]!r} is longer than the {longest} bytes of a name in this database; rename it "
            "with target['columns'] or an alias in the source."
        )


def _check_unique(made: Plan, existing: Existing) -> None:
    needed = frozenset(made.unique)
    if needed not in existing.unique:
        shown = ", ".join(made.unique)
        has = "; ".join(sorted(", ".join(sorted(unique)) for unique in existing.unique)) or "none"
        raise InvalidRequest(
            f"Table {_table(made.parts)} has no unique key on ({shown}), which {made.landing.mode!r} needs; "
            f"unique keys it has: {has}. Create a unique index on ({shown})."
        )
    narrower = [unique for unique in existing.unique if unique < needed]
    if narrower:
        raise InvalidRequest(
            f"Table {_table(made.parts)} has a unique key on ({', '.join(sorted(narrower[0]))}), less "
            f"than ({', '.join(made.unique)}): two loads would collide. Drop it, or name another table."
        )


def _check_not_null(made: Plan, existing: Existing) -> None:
    written = {column.name: column.field for column in made.columns}
    blocking = [
        column.name
        for column in existing.columns
        if not column.nullable and not _never_null(made, column, written.get(column.name))
    ]
    if blocking:
        raise InvalidRequest(
            f"Table {_table(made.parts)} does not take NULL in {', '.join(map(repr, blocking))}, "
            "which a row without an answer has; drop NOT NULL there."
        )


def _never_null(made: Plan, column: Column, field: pa.Field | None) -> bool:
    if field is None:
        return column.filled
    carried = made.landing.carried
    trusted = {*made.landing.key, *made.landing.partition, *(carried or ())}
    role = role_of(field)
    return field.name in trusted or role in ALWAYS_SET or (role is None and carried is None)


def _table(parts: tuple[str, ...]) -> str:
    return repr(".".join(parts))
