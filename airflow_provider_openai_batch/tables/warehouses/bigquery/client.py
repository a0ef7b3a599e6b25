"""Google's client of BigQuery by Airflow's hook, and how a statement is run with it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from airflow_provider_openai_batch.tables.dialect.statements import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GOOGLE = "googleapis.com"
#: The types of parameters, in the order in which they are tried: a bool is an int, a datetime is a date.
KINDS: tuple[tuple[type, str], ...] = (
    (bool, "BOOL"), (int, "INT64"), (float, "FLOAT64"), (Decimal, "BIGNUMERIC"), (str, "STRING"),
    (bytes, "BYTES"), (datetime, "TIMESTAMP"), (date, "DATE"), (time, "TIME"),
)  # fmt: skip


@contextmanager
def connected(hook: Any) -> Iterator[bigquery.Client]:
    """Open a client with the hook's credentials, project, and location.

    Tables that are named without a dataset are in that of the connection: its schema, or `dataset` in its
    extra.
    """
    client = hook.get_client(project_id=hook.project_id, location=hook.location)
    airflow = hook.get_connection(getattr(hook, hook.conn_name_attr))
    dataset = airflow.schema or airflow.extra_dejson.get("dataset")
    if dataset:
        place = bigquery.DatasetReference(client.project, dataset)
        client.default_query_job_config = bigquery.QueryJobConfig(default_dataset=place)
    try:
        yield client
    finally:
        client.close()


def parameter(value: Any, name: str | None = None) -> Any:
    """Make a parameter of a query; a list becomes an array."""
    if isinstance(value, list | tuple):
        return bigquery.ArrayQueryParameter(name, kind_of(next(iter(value), "")), list(value))
    return bigquery.ScalarQueryParameter(name, kind_of(value), value)


def kind_of(value: Any) -> str:
    """Name the type of a parameter by its value."""
    return next((name for kind, name in KINDS if isinstance(value, kind)), "STRING")


def of_source(parameters: Any) -> list[Any]:
    """Make the parameters of a user's query: `@name` by name, or `?` in order."""
    if not parameters:
        return []
    if hasattr(parameters, "items"):
        named: Mapping[str, Any] = parameters
        return [parameter(value, name) for name, value in named.items()]
    return [parameter(value) for value in parameters]


def run(
    client: bigquery.Client, statement: str, parameters: Sequence[Any] = (), **settings: Any
) -> bigquery.QueryJob:
    """Run a statement to its end."""
    config = bigquery.QueryJobConfig(query_parameters=list(map(parameter, parameters)), **settings)
    job = client.query(statement.replace(MARK, "?"), job_config=config)
    job.result()
    return job


def reads_storage(client: bigquery.Client) -> bool:
    """Tell whether results may come by the Storage API: another server than Google's has one API only."""
    return GOOGLE in str(client._connection.API_BASE_URL)  # noqa: SLF001
