"""Every night, label the new tickets in BigQuery; results come back by a load job and a MERGE.

The connection `google_cloud_default` names the project and may write to the bucket `lake`.
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
from airflow.providers.google.cloud.transfers.gcs_to_bigquery import GCSToBigQueryOperator

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

# The day of the run; a manual run or one by an asset has no data interval.
NIGHT = "{{ data_interval_end | default(dag_run.run_after, true) | ds }}"
MAKE = """create table if not exists mart.ticket_labels (id int64, label string, batch_status string,
    batch_error_message string, batch_cost_usd float64, batch_run_id string, batch_snapshot_at timestamp)"""
# Answered rows are not sent again. The hook gives times as floats, numerics and dates as texts: cast them.
# Millions of rows: unload them by BigQueryToGCSOperator (export_format="PARQUET"), and read their "path".
NEW = """select id, subject, body from mart.tickets t
    where day > '{{ macros.ds_add(data_interval_end | default(dag_run.run_after, true) | ds, -7) }}'
    and not exists (select 1 from mart.ticket_labels l where l.id = t.id
        and l.batch_status not in ('failed', 'expired', 'cancelled', 'missing'))"""
MERGE = """merge into mart.ticket_labels t using mart.ticket_labels_new s on t.id = s.id
    when matched and t.batch_status in ('failed', 'expired', 'cancelled', 'missing') then update set
        label = s.label, batch_status = s.batch_status, batch_error_message = s.batch_error_message,
        batch_cost_usd = s.batch_cost_usd, batch_run_id = s.batch_run_id,
        batch_snapshot_at = s.batch_snapshot_at
    when not matched then insert (id, label, batch_status, batch_error_message, batch_cost_usd, batch_run_id,
        batch_snapshot_at) values (s.id, s.label, s.batch_status, s.batch_error_message, s.batch_cost_usd,
        s.batch_run_id, s.batch_snapshot_at)"""

with DAG(
    "label_in_bigquery",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2},
    tags=["openai", "batch"],
) as dag:
    make = BigQueryInsertJobOperator(
        task_id="make", configuration={"query": {"query": MAKE, "useLegacySql": False}}
    )
    label = OpenAIBatchTaskGroup(
        group_id="label",
        source={"conn_id": "google_cloud_default", "sql": NEW, "key": "id"},
        request={
            "model": "gpt-5-mini",
            "messages": [{"role": "user", "content": "Classify this ticket:\n{subject}\n{body}"}],
        },
        output_type=["bug", "feature", "billing"],
        target={
            "path": "gs://google_cloud_default@lake/ticket_labels",
            "mode": "replace_partition",
            "partition": {"night": NIGHT},
        },
    )
    copy = GCSToBigQueryOperator(
        task_id="copy",
        bucket="lake",
        destination_project_dataset_table="mart.ticket_labels_new",
        source_objects=[f"ticket_labels/night={NIGHT}/results.parquet"],
        source_format="PARQUET",
        write_disposition="WRITE_TRUNCATE",
        trigger_rule="none_skipped",  # also if load failed because too many rows failed: they are paid for
    )
    merge = BigQueryInsertJobOperator(
        task_id="merge", configuration={"query": {"query": MERGE, "useLegacySql": False}}
    )
    make >> label >> copy >> merge
