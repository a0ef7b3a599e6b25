"""BigQuery: rows are staged by load jobs in a table that ends by itself, and merged by one statement."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from google.cloud import bigquery

from airflow_provider_openai_batch.exceptions import InvalidRequest
from airflow_provider_openai_batch.tables.errors import told
from airflow_provider_openai_batch.tables.plan import Column, Existing
from airflow_provider_openai_batch.tables.staged_files import staged_files
from airflow_provider_openai_batch.tables.statements.ddl import add, ask_to_alter, create
from airflow_provider_openai_batch.tables.warehouses.bigquery import staging as files
from airflow_provider_openai_batch.tables.warehouses.bigquery.client import connected, run
from airflow_provider_openai_batch.tables.warehouses.bigquery.dialect import DIALECT
from airflow_provider_openai_batch.tables.warehouses.bigquery.errors import explain, is_absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from airflow_provider_openai_batch.tables.dialect.merge_forms import Step
    from airflow_provider_openai_batch.tables.plan import Plan, Staging

#: A process that is killed leaves its staging tables for so long.
LIFE = timedelta(days=1)
#: What the API calls types, where its SQL calls them otherwise.
NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


@contextmanager
def opened(hook: Any, parts: tuple[str, ...], doing: str) -> Iterator[Session]:
    with told(doing, explain), connected(hook) as client:
        session = Session(client, parts)
        try:
            yield session
        finally:
            with suppress(Exception):
                session.rest()


class Session:
    """One client; staging tables are in the dataset of the table, and are deleted when the session rests."""

    dialect = DIALECT
    explain = staticmethod(explain)

    def __init__(self, client: bigquery.Client, parts: tuple[str, ...]) -> None:
        self._client = client
        self._dataset = _dataset(client, parts)
        self._temporary: list[str] = []

    def find(self, parts: tuple[str, ...]) -> Existing | None:
        try:
            table = self._client.get_table(self._dataset.table(parts[-1]))
        except Exception as error:
            if not is_absent(error):
                raise
            self._require_dataset()
            return None
        place = (self._dataset.project, self._dataset.dataset_id, table.table_id)
        return Existing(parts=place, columns=tuple(map(_column, table.schema)), unique=())

    def _require_dataset(self) -> None:
        try:
            self._client.get_dataset(self._dataset)
        except Exception as error:
            if not is_absent(error):
                raise
            raise InvalidRequest(
                f"BigQuery has no dataset {self._dataset.dataset_id!r} in project {self._dataset.project!r}; "
                "create it, or correct target['table'] ('dataset.table' or 'project.dataset.table')."
            ) from None

    def stage(self, staging: Staging, batches: Iterator[pa.RecordBatch]) -> int:
        """Load file after file, each by one job."""
        self._create_staging(staging)
        rows, config = 0, files.load_config(staging.columns)
        names = [column.name for column in staging.columns]
        with staged_files(batches, staging.columns, files.form, names=names) as made:
            for file in made:
                with file.path.open("rb") as content:
                    place = self._dataset.table(staging.name)
                    self._client.load_table_from_file(content, place, job_config=config).result()
                rows += file.rows
        return rows

    def _create_staging(self, staging: Staging) -> None:
        table = bigquery.Table(self._dataset.table(staging.name), schema=files.schema(staging.columns))
        table.expires = datetime.now(UTC) + LIFE
        self._temporary.append(staging.name)
        self._client.create_table(table)

    def on_a_copy(self, made: Plan) -> Plan:
        """Define the table in another one; the right to alter the real one is asked for, too."""
        name = f"batch_trial_{uuid4().hex}"
        copy = replace(made, parts=(self._dataset.project, self._dataset.dataset_id, name))
        self._temporary.append(name)
        if made.exists:
            for statement in ask_to_alter(made, DIALECT):
                self.run(statement)
            self.run(f"CREATE TABLE {DIALECT.qualified(copy.parts)} LIKE {DIALECT.qualified(made.parts)}")
        else:
            self.run(create(copy, DIALECT))
        self._let_expire(name)
        for statement in add(copy, DIALECT):
            self.run(statement)
        return copy

    def _let_expire(self, name: str) -> None:
        table = self._client.get_table(self._dataset.table(name))
        table.expires = datetime.now(UTC) + LIFE
        self._client.update_table(table, ["expires"])

    def step(self, statements: Step) -> list[int]:
        """Do one statement by itself, and more of them in a transaction."""
        if len(statements) == 1:
            return [self.run(*statements[0])]
        begun = run(self._client, "BEGIN TRANSACTION", create_session=True, default_dataset=self._dataset)
        within = {
            "connection_properties": [
                bigquery.ConnectionProperty("session_id", begun.session_info.session_id)
            ]
        }
        try:
            done = [self._changed(statement, values, **within) for statement, values in statements]
            self._changed("COMMIT TRANSACTION", **within)
        except BaseException:
            with suppress(Exception):
                self._changed("ROLLBACK TRANSACTION", **within)
            raise
        return done

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self._changed(statement, parameters)

    def _changed(self, statement: str, parameters: Sequence[Any] = (), **settings: Any) -> int:
        job = run(self._client, statement, parameters, default_dataset=self._dataset, **settings)
        return int(job.num_dml_affected_rows or 0)

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return int(self._rows(statement, parameters)[0][0])

    def fetch(self, statement: str) -> list[tuple[Any, ...]]:
        return self._rows(statement)

    def _rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        job = run(self._client, statement, parameters, default_dataset=self._dataset)
        return [tuple(row.values()) for row in job.result()]

    def rest(self) -> bool:
        """Delete what was staged."""
        while self._temporary:
            self._client.delete_table(self._dataset.table(self._temporary.pop()), not_found_ok=True)
        return True


def _dataset(client: bigquery.Client, parts: tuple[str, ...]) -> bigquery.DatasetReference:
    *given, table = parts
    known = client.default_query_job_config
    if not given and known is not None and known.default_dataset is not None:
        return known.default_dataset
    if not given:
        raise InvalidRequest(
            f"Table {table!r} is in no dataset: write 'dataset.table', or name one in the connection "
            "('dataset' in its extra)."
        )
    return bigquery.DatasetReference(given[0] if given[1:] else client.project, given[-1])


def _column(field: bigquery.SchemaField) -> Column:
    collation = field.to_api_repr().get("collation") or None
    return Column(
        name=field.name, type=declared(field), collation=collation,
        nullable=field.mode != "REQUIRED", filled=bool(field.default_value_expression),
        exact=collation is None,
    )  # fmt: skip


def declared(field: bigquery.SchemaField) -> str:
    """Write the type of a column as SQL does."""
    kind = NAMES.get(field.field_type, field.field_type)
    if kind == "STRUCT":
        kind = f"STRUCT<{', '.join(f'{DIALECT.quote(one.name)} {declared(one)}' for one in field.fields)}>"
    sizes = [str(size) for size in (field.max_length, field.precision, field.scale) if size is not None]
    kind = f"{kind}({', '.join(sizes)})" if sizes else kind
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind
