"""When labels have landed, read from the event how many, how many failed, what they cost, and the report."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_openai_batch.assets import target_asset

LABELS = target_asset({"conn_id": "warehouse", "table": "ticket_labels"})

with DAG(
    dag_id="publish_labels",
    schedule=[LABELS],
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    tags=["openai", "batch"],
) as dag:

    @task
    def publish(triggering_asset_events=None, triggering_dataset_events=None):  # the second: Airflow 2
        found = triggering_asset_events or triggering_dataset_events or {}
        landed = [event.extra for events in found.values() for event in events]
        for load in landed:
            print(f"{load['target']} has {load['rows']} new rows, of which {load['failed']} failed.")
            print(f"They cost {load['cost_usd']} USD. Run: {load['run_uri']}; report: {load['report_uri']}")
        return landed

    publish()
