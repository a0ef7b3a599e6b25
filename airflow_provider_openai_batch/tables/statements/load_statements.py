"""The statements of a load: how staged rows meet those of the table, in each dialect's own form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_openai_batch.batch.text.row_status import RowStatus
from airflow_provider_openai_batch.tables.dialect.merge_forms import Merging, Replacing
from airflow_provider_openai_batch.tables.types.families import declared_as, family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_openai_batch.tables.dialect.dialect import Dialect
    from airflow_provider_openai_batch.tables.dialect.merge_forms import Step
    from airflow_provider_openai_batch.tables.plan import Plan, TargetColumn

OURS = ", ".join(f"'{status.value}'" for status in RowStatus)


def part_of_key(table: str, column: TargetColumn, dialect: Dialect) -> str:
    """Name a part of the key, compared as the database's unique indexes compare it."""
    name = f"{table}.{dialect.quote(column.name)}"
    is_exact = dialect.statements.exact_keys and family(column.type, dialect) == "text"
    return dialect.statements.exact(name) if is_exact else name


@dataclass(frozen=True, slots=True)
class LoadStatements:
    """The statements of one load; `s` is the staging table, `t` the target."""

    made: Plan
    staging: str
    dialect: Dialect

    @property
    def target(self) -> str:
        return self.dialect.qualified(self.made.parts)

    @property
    def columns(self) -> list[str]:
        return [self.quote(column.name) for column in self.made.columns]

    def _values(self, staged: str = "") -> list[str]:
        """Write what a staged row gives each of the columns, by what the row is called."""
        as_column, dialect = self.dialect.statements.as_column, self.dialect
        return [
            as_column(f"{staged}{self.quote(column.name)}", declared_as(column, dialect))
            for column in self.made.columns
        ]

    def quote(self, name: str) -> str:
        return self.dialect.quote(name)

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
        """Compare by bytes: some collations take `OK` for `ok`."""
        return self.dialect.statements.exact(text)

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
        equals = self.dialect.statements.same
        same_status = f"{self._exact(f't.{status}')} {equals} {self._exact(f's.{status}')}"
        return f"{self.met()} WHERE t.{snapshot} {equals} s.{snapshot} AND {same_status}"

    def met(self) -> str:
        """Look each staged row up in the table, never the other way around: the table may be large."""
        join, staging = self.dialect.statements.join, self.quote(self.staging)
        return f"SELECT count(*) FROM {staging} AS s {join} {self.target} AS t ON {self.same}"

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
        return self.dialect.statements.miscounts

    @property
    def _locked(self) -> str:
        """Hold the rows until the end where the same transaction would else see others at the merge."""
        return self.dialect.statements.lock

    def insert(self) -> str:
        columns = ", ".join(self.columns)
        rows = f"SELECT {', '.join(self._values())} FROM {self.quote(self.staging)} AS s"
        return f"INSERT INTO {self.target}{self.dialect.statements.alias} ({columns}) {rows}"

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
        statements, declared = self.dialect.statements, declared_as(column, self.dialect)
        name, value = self.quote(column.name), statements.parameter(declared)
        if statements.exact_keys and declared.is_text:
            return [f"{self._exact(name)} = {value}"]
        inexact = statements.tests_exactly and not column.exact
        return [f"{name} = {value}", *([f"{self._exact(name)} = {self._exact(value)}"] if inexact else [])]

    @property
    def renews(self) -> bool:
        """Tell whether met rows are deleted and inserted again."""
        return self.dialect.statements.renews and self.made.whole

    def delete_free(self) -> str:
        """Take the rows out that the staged ones overwrite."""
        staging = self.quote(self.staging)
        return f"DELETE FROM {self.target} AS t USING {staging} AS s WHERE {self.same} AND {self.free('s')}"

    def merge(self) -> str:
        """Write the merge in the dialect's own form."""
        return self.dialect.statements.merge(self._merging(self.insert()))

    def twice(self) -> str:
        """Count the keys of staged rows that more than one row of the table has."""
        key = ", ".join(f"t.{self.quote(name)}" for name in self.made.unique)
        join, staging = self.dialect.statements.join, self.quote(self.staging)
        met = f"{staging} AS s {join} {self.target} AS t ON {self.same}"
        return f"SELECT count(*) FROM (SELECT {key} FROM {met} GROUP BY {key} HAVING count(*) > 1) AS k"

    def step(self, *, trial: bool) -> Step:
        """Write all that a load does to the table as one step; one that is tried takes no row out."""
        made = self.made
        match made.landing.mode:
            case "merge":
                return [(self.merge(), [])]
            case "append":
                statement, values = self.delete_ours({made.role("run_id") or "": made.landing.run_id})
                insert = self.insert_rest()
            case _:
                partition = made.landing.partition.items()
                statement, values = self.delete({made.target_name(name): value for name, value in partition})
                insert = self.insert()
        delete = (f"{statement} AND 1 = 0" if trial else statement, values)
        replacing = Replacing(merging=self._merging(insert), delete=delete, insert=insert)
        return self.dialect.statements.replace(replacing)

    def _merging(self, insert: str) -> Merging:
        read = (self.made.role("status"), self.made.role("snapshot_at"))
        return Merging(
            target=self.target,
            staging=self.quote(self.staging),
            columns=tuple(self.columns),
            values=tuple(self._values("s.")),
            key=tuple(map(self.quote, self.made.unique)),
            read=tuple(map(self.quote, filter(None, read))),
            insert=insert,
            same=self.same,
            free=self.free,
        )
