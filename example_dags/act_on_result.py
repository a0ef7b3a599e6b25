"""Publish the labels only if enough rows were answered, and the run was not too expensive."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

MOST_FAILED = 0.02
MOST_USD = 5

with DAG(
    dag_id="act_on_result",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["openai", "batch"],
) as dag:
    classify = OpenAIBatchTaskGroup(
        group_id="classify",
        source={"conn_id": "warehouse", "table": "tickets", "key": "id"},
        request={"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Classify:\n\n{body}"}]},
        output_type=["bug", "feature", "billing"],
        target={"conn_id": "warehouse", "table": "ticket_labels"},
        limits={"max_failed_ratio": 0.5},  # load itself fails only if half of the rows failed
    )

    @task.branch
    def decide(loaded):
        if loaded["cost_usd"] is None or loaded["cost_usd"] > MOST_USD:
            return "ask_who_pays"
        return "look_at_failures" if loaded["failed_ratio"] > MOST_FAILED else "publish"

    @task
    def publish(loaded):
        print(f"{loaded['target']} has {loaded['counts'].get('ok', 0)} new labels.")

    @task
    def look_at_failures(loaded):
        print(f"{loaded['failed']} of {loaded['rows']} rows failed: {loaded['top_errors']}")
        print(f"Report: {loaded['report_uri']}")

    @task
    def ask_who_pays(loaded):
        print(f"{loaded['run_uri']} cost {loaded['cost_usd']} USD (None: no price is known).")

    decide(classify.output) >> [
        publish(classify.output),
        look_at_failures(classify.output),
        ask_who_pays(classify.output),
    ]
