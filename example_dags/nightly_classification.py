"""Every night, classify the new and changed tickets of the last week."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

with DAG(
    dag_id="nightly_classification",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # overlapping runs would both pay for the same rows
    tags=["openai", "batch"],
) as dag:
    OpenAIBatchTaskGroup(
        group_id="classify",
        source={
            "conn_id": "warehouse",
            # The last week; a manual run, or one by an asset, has no data interval. Answered rows
            # are skipped; edited ones, and those that failed last night, are sent again.
            "sql": """
                {% set end = data_interval_end | default(dag_run.run_after, true) | ds %}
                select id, subject, body from tickets
                where day between '{{ macros.ds_add(end, -7) }}' and '{{ macros.ds_add(end, -1) }}'
            """,
            "key": "id",
        },
        request={
            "model": "gpt-5-mini",
            "messages": [
                {"role": "system", "content": "Classify the support ticket of a software company."},
                {"role": "user", "content": "{subject}\n\n{body}"},
            ],
        },
        output_type={
            "type": "object",
            "properties": {
                "category": {"enum": ["bug", "feature", "billing", "other"]},
                "urgency": {"type": "integer", "minimum": 1, "maximum": 5},
                "needs_reply": {"type": "boolean"},
            },
            "required": ["category", "urgency", "needs_reply"],
        },
        target={"conn_id": "warehouse", "table": "ticket_labels"},
    )
