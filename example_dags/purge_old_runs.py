"""Every night, delete rows and answers of old runs from storage; counts and the target stay."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_openai_batch.purge import purge_runs

with DAG(
    dag_id="purge_old_runs",
    schedule="0 4 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["openai", "batch"],
) as dag:

    @task
    def purge():
        # Runs that landed more than [openai_batch] retention_days (30) ago, below [openai_batch] work_path.
        return purge_runs()

    purge()
