"""Every night, label the new tickets in four parts side by side, and land them in one table."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, task, task_group

from airflow_provider_openai_batch import OpenAIBatchTaskGroup, partition_source

with DAG(
    dag_id="label_in_parts",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # overlapping runs would both pay for the same rows
    tags=["openai", "batch"],
) as dag:

    @task
    def parts():
        # Four sources with about as many rows each: the query for their bounds runs in the warehouse.
        tickets = {"conn_id": "warehouse", "table": "tickets", "key": "id"}
        return partition_source(tickets, "id", parts=4)

    @task_group
    def label(source):
        OpenAIBatchTaskGroup(
            group_id="part",
            source=source,
            request={
                "model": "gpt-5-mini",
                "messages": [{"role": "user", "content": "Classify this ticket:\n{subject}\n{body}"}],
            },
            output_type=["bug", "feature", "billing", "other"],
            target={"conn_id": "warehouse", "table": "ticket_labels"},
            # Two parts are staged or loaded at a time; while they wait, they hold no worker.
            submit={"max_active_tis_per_dagrun": 2},
            load={"max_active_tis_per_dagrun": 2},
        )

    label.expand(source=parts())
