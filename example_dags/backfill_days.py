"""Label a log day by day: every run replaces the partition of its own day.

A year of days:
`airflow backfill create --dag-id backfill_days --from-date 2026-01-01 --to-date 2026-12-31`
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

with DAG(
    dag_id="backfill_days",
    schedule="0 0 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=8,  # each day is a run of its own: days may overlap
    tags=["openai", "batch"],
) as dag:
    OpenAIBatchTaskGroup(
        group_id="read",
        source={
            "conn_id": "warehouse",
            "table": "daily_logs",
            "where": "day = date '{{ ds }}'",
            "key": "line_no",
        },
        request={
            "model": "gpt-5-nano",
            "messages": [
                {"role": "system", "content": "Does this line of a system log need a person's attention?"},
                {"role": "user", "content": "{line}"},
            ],
        },
        output_type=["yes", "no", "unclear"],
        limits={"max_cost_usd": 5},  # of each day
        target={
            "conn_id": "warehouse",
            "table": "daily_log_labels",
            "mode": "replace_partition",
            "partition": {"day": "{{ ds }}"},  # a DATE column
        },
    )
