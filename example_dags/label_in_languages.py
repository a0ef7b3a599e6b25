"""Label the tickets of three languages, each in a mapped instance of one group."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_openai_batch import OpenAIBatchTaskGroup, partition_source

TICKETS = {"conn_id": "warehouse", "table": "tickets", "key": "id"}

with DAG(
    dag_id="label_in_languages",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    max_active_runs=1,
    tags=["openai", "batch"],
) as dag:
    OpenAIBatchTaskGroup.partial(
        "label",
        request={
            "model": "gpt-5-mini",
            "messages": [{"role": "user", "content": "Classify this ticket:\n{subject}\n{body}"}],
        },
        output_type=["bug", "feature", "billing", "other"],
        target={"conn_id": "warehouse", "table": "ticket_labels"},
    ).expand(source=partition_source(TICKETS, "language", values=["en", "de", "fr"]))
