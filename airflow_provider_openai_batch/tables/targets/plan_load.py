"""How the columns of a load meet those of a table: everything that can be known before a row is written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.limits.column_width import lacks_room
from airflow_provider_openai_batch.tables.plan import Column, Existing, Plan, TargetColumn, role_of
from airflow_provider_openai_batch.tables.statements.partition import day_field
from airflow_provider_openai_batch.tables.targets.new_table import told_apart
from airflow_provider_openai_batch.tables.types.families import assignable
from airflow_provider_openai_batch.tables.types.sql_types import sql_type

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.landing import Landing

#: Fixed columns that every row has a value for.
ALWAYS_SET = frozenset({"status", "custom_id", "snapshot_at", "run_id", "input_hash", "prompt_version"})
REQUIRED = {
    "merge": ("status", "custom_id", "snapshot_at"),
    "append": ("status", "custom_id", "run_id"),
    "replace_partition": ("status", "custom_id"),
}


def plan_load(landing: Landing, parts: tuple[str, ...], dialect: Dialect, existing: Existing | None) -> Plan:
    """Fit the load to the table, or raise InvalidRequest with both sides."""
    if existing is None:
        return _fresh(landing, parts, dialect)
    found = {
        field.name: _match(dialect.cut(field.name), existing) or _added(landing, field, dialect)
        for field in landing.schema
    }
    _check_present(landing, existing, found)
    columns = tuple(
        column if isinstance(column, TargetColumn) else _met(field, column)
        for field in landing.schema
        if (column := found[field.name]) is not None
    )
    whole = {column.name for column in columns} == {column.name for column in existing.columns}
    made = Plan(
        landing=landing,
        parts=existing.parts,
        exists=True,
        columns=columns,
        whole=whole and not existing.referred,
    )
    _check_twice(columns)
    _check_not_generated(made, existing)
    _check_types(made, dialect)
    _check_room(made, dialect)
    if not dialect.statements.unenforced:
        _check_unique(made, existing)
    if dialect.statements.follows_any_key and landing.mode == "merge":
        _check_one_key(made, existing)
    _check_not_null(made, existing)
    return made


def _fresh(landing: Landing, parts: tuple[str, ...], dialect: Dialect) -> Plan:
    columns = tuple(
        replace(_new(field, dialect), type=sql_type(day_field(field, landing), dialect))
        for field in landing.schema
    )
    _check_twice(columns)
    made = Plan(landing=landing, parts=parts, exists=False, columns=columns, whole=True)
    return told_apart(made, dialect)


def _met(field: pa.Field, column: Column) -> TargetColumn:
    return TargetColumn(
        field=field, name=column.name, type=column.type, collation=column.collation, words=column.words,
        exact=column.exact, required=not column.nullable,
    )  # fmt: skip


def _added(landing: Landing, field: pa.Field, dialect: Dialect) -> TargetColumn | None:
    """Make a column that the table lacks, where the user wants it; the key and the partition are there."""
    if not landing.add_columns or field.name in {*landing.key, *landing.partition}:
        return None
    return replace(_new(field, dialect), added=True)


def _new(field: pa.Field, dialect: Dialect) -> TargetColumn:
    name = dialect.cut(dialect.fold(field.name))
    return TargetColumn(field=field, name=name, type=sql_type(field, dialect))


def _match(name: str, existing: Existing) -> Column | None:
    found = names.find(name, (column.name for column in existing.columns))
    return next((column for column in existing.columns if column.name == found), None)


def _check_twice(columns: tuple[TargetColumn, ...]) -> None:
    seen: dict[str, str] = {}
    for column in columns:
        other = seen.setdefault(column.name.casefold(), column.field.name)
        if other != column.field.name:
            raise InvalidRequest(
                f"The result's columns {other!r} and {column.field.name!r} are one column in the target; "
                "rename one with target['columns'] or an alias in the source."
            )


def _check_present(landing: Landing, existing: Existing, found: dict[str, Any]) -> None:
    required = REQUIRED[landing.mode]
    missing = [
        field.name
        for field in landing.schema
        if found[field.name] is None and (role_of(field) is None or role_of(field) in required)
    ]
    if missing:
        raise InvalidRequest(
            f"Table {_table(existing.parts)} has no column {', '.join(map(repr, missing))}; it has "
            f"{', '.join(column.name for column in existing.columns)}. Add the column, set "
            "target['add_columns'] to True, or name another table."
        )


def _check_not_generated(made: Plan, existing: Existing) -> None:
    """Refuse to write what the database computes: it may say so only of rows, which are paid for by then."""
    computed = {column.name for column in existing.columns if column.generated}
    written = [column.name for column in made.columns if column.name in computed]
    if written:
        raise InvalidRequest(
            f"Table {_table(made.parts)} computes {', '.join(map(repr, written))} by itself (a generated "
            "column), and takes no value for it. Rename the result's column by target['columns'], or make it "
            "a plain column in the table."
        )


def _check_types(made: Plan, dialect: Dialect) -> None:
    wrong = [
        f"{column.name!r}: {column.type} in the table, {sql_type(column.field, dialect)} in the result"
        for column in made.columns
        if not assignable(
            column.field, column.type, dialect, from_text=column.field.name in made.landing.partition
        )
    ]
    if wrong:
        raise InvalidRequest(
            f"Table {_table(made.parts)} does not fit: {'; '.join(wrong)}. Change the type in the "
            "table, rename the result's column by target['columns'], or name another table."
        )


def _check_room(made: Plan, dialect: Dialect) -> None:
    narrow = [
        f"{column.name!r}: {sql_type(column.field, dialect)} in the result, {column.type} in the "
        f"table; {advice}"
        for column in made.columns
        if (advice := lacks_room(made, column, dialect)) is not None
    ]
    if narrow:
        raise InvalidRequest(
            f"Table {_table(made.parts)} has no room for every value: {'. '.join(narrow)}. One value that "
            "does not fit would stop the load."
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


def _check_one_key(made: Plan, existing: Existing) -> None:
    """Refuse another unique key, which a merge would follow to another row."""
    ours = {column.name for column in made.columns}
    counted = {column.name for column in existing.columns if column.numbered} - ours
    others = [
        unique for unique in existing.unique if unique != frozenset(made.unique) and not unique & counted
    ]
    if others:
        raise InvalidRequest(
            f"Table {_table(made.parts)} has a unique key on ({', '.join(sorted(others[0]))}) beside that on "
            f"({', '.join(made.unique)}): a merge would overwrite the row that it finds by either. Drop it, "
            "or name another table."
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
