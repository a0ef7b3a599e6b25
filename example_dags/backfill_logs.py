"""Read years of logs once: each run replaces one partition, the log of one system.

Start it once per log, as many at a time as you like:
`airflow dags trigger backfill_logs --conf '{"system": "apache"}'`
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

with DAG(
    dag_id="backfill_logs",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    max_active_runs=4,
    params={"system": Param("apache", type="string", pattern=r"^\w+$", description="Whose log to read.")},
    tags=["openai", "batch"],
) as dag:
    OpenAIBatchTaskGroup(
        group_id="read",
        source={
            "conn_id": "warehouse",
            "table": "logs",
            "where": "system = '{{ params.system }}'",
            "key": "line_no",
        },
        request={
            "model": "gpt-5-nano",
            "messages": [
                {"role": "system", "content": "Say what this line of a system log reports."},
                {"role": "user", "content": "{line}"},
            ],
        },
        output_type={
            "type": "object",
            "properties": {
                "event": {"enum": ["start", "stop", "progress", "access", "attack", "fault", "other"]},
                "component": {"type": ["string", "null"]},
                "needs_attention": {"type": "boolean"},
            },
            "required": ["event", "component", "needs_attention"],
        },
        target={
            "conn_id": "warehouse",
            "table": "log_events",
            "mode": "replace_partition",
            "partition": {"system": "{{ params.system }}"},
        },
    )
