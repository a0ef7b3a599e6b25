"""Ask about the notes of one table in eight parts: each run has a model and a table of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, task, task_group

from airflow_provider_openai_batch import OpenAIBatchTaskGroup, partition_source

with DAG(
    "scale",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    default_args={"retries": 3, "retry_delay": timedelta(seconds=1)},
) as dag:

    @task
    def parts():
        """Read the bounds of eight parts."""
        return partition_source({"conn_id": "warehouse", "table": "notes", "key": "id"}, "id", parts=8)

    @task_group
    def ask(source):
        """Ask about one part."""
        OpenAIBatchTaskGroup(
            "part",
            source=source,
            request={
                "model": "{{ run_id }}",
                "messages": [{"role": "user", "content": "Shorten it: {text}"}],
            },
            target={"conn_id": "warehouse", "table": "answers_{{ run_id }}"},
            limits={"preflight": False},
            wait={"poke_interval": 5, "max_wait": 5},
        )

    ask.expand(source=parts())
