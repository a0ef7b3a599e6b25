"""The statements of a load: how staged rows meet those of the table, in each dialect's own form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.tables import names
from airflow_provider_openai_batch.tables.types.families import family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

#: A parameter's place: no name can hold it, so that `%` and `?` in names are never taken for one.
MARK = "\0"
#: How DuckDB is told to compare by bytes.
BINARY = 'COLLATE "c"'
OURS = ", ".join(f"'{status.value}'" for status in RowStatus)


def part_of_key(table: str, column: TargetColumn, dialect: str) -> str:
    """Name a part of the key; DuckDB's unique indexes heed no collation, so that nothing else does."""
    name = f"{table}.{names.quote(column.name, dialect)}"
    return f"{name} {BINARY}" if dialect == "duckdb" and family(column.type, dialect) == "text" else name


@dataclass(frozen=True, slots=True)
class Form:
    """The statements of one load; `s` is the staging table, `t` the target."""

    made: Plan
    staging: str
    dialect: str

    @property
    def target(self) -> str:
        return names.qualified(self.made.parts, self.dialect)

    @property
    def columns(self) -> list[str]:
        return [self.quote(column.name) for column in self.made.columns]

    def quote(self, name: str) -> str:
        return names.quote(name, self.dialect)

    def distinct(self) -> str:
        """Count the staged keys as the target tells them apart."""
        key = ", ".join(self.quote(name) for name in self.made.unique)
        return f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM {self.quote(self.staging)}) AS k"

    def free(self, newer: str, older: str = "t") -> str:
        """Say which rows of the target may be overwritten: ours, and not of a later snapshot."""
        snapshot = self.quote(self.made.role("snapshot_at") or "")
        return (
            f"{self._ours(f'{older}.{self._status}')} "
            f"AND ({older}.{snapshot} IS NULL OR {older}.{snapshot} <= {newer}.{snapshot})"
        )

    @property
    def _status(self) -> str:
        return self.quote(self.made.role("status") or "")

    def _ours(self, status: str) -> str:
        return f"({status} IS NULL OR {self._exact(status)} IN ({OURS}))"

    def _exact(self, text: str) -> str:
        """Compare by bytes: MySQL's usual collations, and some others, take `OK` for `ok`."""
        match self.dialect:
            case "mysql":
                return f"CAST(CONVERT({text} USING utf8mb4) AS BINARY)"
            case "postgres":
                return f'{names.unpadded(text, self.dialect)} COLLATE "C"'
            case "sqlite":
                return f"{text} COLLATE BINARY"
            case "duckdb":
                return f"{text} {BINARY}"
        return text

    @property
    def same(self) -> str:
        return self._same("t")

    def _same(self, older: str) -> str:
        columns = {column.name: column for column in self.made.columns}
        found = (columns[name] for name in self.made.unique)
        return " AND ".join(
            f"{part_of_key(older, column, self.dialect)} = s.{self.quote(column.name)}" for column in found
        )

    def kept(self) -> str:
        return f"{self.met()} WHERE ({self.free('s')}) IS NOT TRUE{self._locked}"

    def written(self) -> str:
        """Count the staged rows that the table holds; a kept row differs in what makes it kept."""
        status, snapshot = (self.quote(self.made.role(role) or "") for role in ("status", "snapshot_at"))
        same_status = f"{self._exact(f't.{status}')} <=> {self._exact(f's.{status}')}"
        return f"{self.met()} WHERE t.{snapshot} <=> s.{snapshot} AND {same_status}"

    def met(self) -> str:
        """Look each staged row up in the table, never the other way around: the table may be large."""
        join = "STRAIGHT_JOIN" if self.dialect == "mysql" else "JOIN"
        return (
            f"SELECT count(*) FROM {self.quote(self.staging)} AS s {join} {self.target} AS t ON {self.same}"
        )

    def moved(self) -> str:
        """Count the rows of this load that the table holds by keys that were not staged."""
        roles = (self.made.role("custom_id"), self.made.role("run_id"))
        columns = [self.quote(name) for name in roles if name is not None]
        ours = " AND ".join(f"{self._exact(f'k.{name}')} = {self._exact(f't.{name}')}" for name in columns)
        staged = f"SELECT 1 FROM {self.quote(self.staging)}"
        return (
            f"SELECT count(*) FROM {self.target} AS t WHERE EXISTS ({staged} AS k WHERE {ours}) "
            f"AND NOT EXISTS ({staged} AS s WHERE {self.same})"
        )

    @property
    def is_counted(self) -> bool:
        """Tell whether a merge's rows are to be counted apart, for the database counts otherwise."""
        return self.dialect == "mysql"

    @property
    def _locked(self) -> str:
        """Hold the rows until the end where the same transaction would else see others at the merge."""
        return " FOR UPDATE" if self.dialect == "mysql" else ""

    def insert(self) -> str:
        columns = ", ".join(self.columns)
        rows = f"SELECT {columns} FROM {self.quote(self.staging)} AS s"
        alias = "" if self.dialect == "mysql" else " AS t"
        return f"INSERT INTO {self.target}{alias} ({columns}) {rows}"

    def insert_rest(self) -> str:
        """Insert the staged rows whose keys the table does not hold."""
        return f"{self.insert()} WHERE NOT EXISTS (SELECT 1 FROM {self.target} AS o WHERE {self._same('o')})"

    def delete(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Write the DELETE of the rows that have these values, and its parameters."""
        columns = {column.name: column for column in self.made.columns}
        tests = [(test, value) for name, value in values.items() for test in self._tests(columns[name])]
        where = " AND ".join(test for test, _ in tests)
        return f"DELETE FROM {self.target} WHERE {where}", [value for _, value in tests]

    def delete_ours(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """Write the DELETE of those of these rows that no person has decided on."""
        statement, parameters = self.delete(values)
        return f"{statement} AND {self._ours(self._status)}", parameters

    def _tests(self, column: TargetColumn) -> list[str]:
        """Test a column for a parameter's value; by bytes, too, where its collation is not exact."""
        name, value = self.quote(column.name), self.value(column.type)
        inexact = self.dialect == "mysql" and not column.exact
        if self.dialect == "duckdb" and family(column.type, self.dialect) == "text":
            return [f"{self._exact(name)} = {value}"]
        return [f"{name} = {value}", *([f"{self._exact(name)} = {self._exact(value)}"] if inexact else [])]

    def value(self, kind: str) -> str:
        """Write a parameter as a value of a column's type; SQLite has no types to cast to."""
        if self.dialect == "mysql":  # a number and a text would meet as floats
            return f"CONCAT({MARK})" if family(kind, self.dialect) == "text" else MARK
        return MARK if self.dialect == "sqlite" else f"CAST({MARK} AS {kind})"

    @property
    def renews(self) -> bool:
        """Tell whether met rows are taken out and put in anew: DuckDB holds all updates in memory."""
        return self.dialect == "duckdb" and self.made.whole

    def delete_free(self) -> str:
        """Take the rows out that the staged ones overwrite."""
        staging = self.quote(self.staging)
        return f"DELETE FROM {self.target} AS t USING {staging} AS s WHERE {self.same} AND {self.free('s')}"

    def merge(self) -> str:
        forms = {"duckdb": self._matched, "mysql": self._duplicate}
        return forms.get(self.dialect, self._conflict)()

    def _duplicate(self) -> str:
        """Update column by column; what the condition reads comes last, for each reads those before it.

        A written status is one of ours, so that the condition on the snapshot's time still holds then.
        """
        free = self.free("s", older=self.target)
        last = [self.made.role("status"), self.made.role("snapshot_at")]
        others = [
            column.name for column in self.made.columns if column.name not in {*last, *self.made.unique}
        ]
        changed = ", ".join(
            f"{self.target}.{name} = IF({free}, s.{name}, {self.target}.{name})"
            for name in (self.quote(name or "") for name in (*others, *last))
        )
        return f"{self.insert()} WHERE TRUE ON DUPLICATE KEY UPDATE {changed}"

    def _conflict(self) -> str:
        key = ", ".join(self.quote(name) for name in self.made.unique)
        changed = ", ".join(f"{name} = excluded.{name}" for name in self.columns)
        return (
            f"{self.insert()} WHERE TRUE ON CONFLICT ({key}) "
            f"DO UPDATE SET {changed} WHERE {self.free('excluded')}"
        )

    def _matched(self) -> str:
        key = {self.quote(name) for name in self.made.unique}
        changed = ", ".join(f"{name} = s.{name}" for name in self.columns if name not in key)
        values = ", ".join(f"s.{name}" for name in self.columns)
        return (
            f"MERGE INTO {self.target} AS t USING {self.quote(self.staging)} AS s ON {self.same} "
            f"WHEN MATCHED AND {self.free('s')} THEN UPDATE SET {changed} "
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(self.columns)}) VALUES ({values})"
        )
