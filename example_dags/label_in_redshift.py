"""Every night, label the new tickets in Redshift; results come back by COPY and one transaction.

The connection `aws_default` may write to the bucket `lake`, and Redshift read it, in the cluster's region.
"""

from __future__ import annotations

import pendulum
from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator
from airflow.providers.common.compat.sdk import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

NIGHT = "{{ data_interval_end | default(dag_run.run_after, true) | ds }}"
# COPY takes Parquet by position: all columns of the result, in its order.
COLUMNS = """(id bigint, label varchar(65535), batch_status varchar(16), batch_error_code varchar(65535),
    batch_error_message varchar(65535), batch_finish_reason varchar(65535), batch_raw_output
    varchar(65535), batch_model varchar(65535), batch_input_tokens bigint, batch_cached_tokens bigint,
    batch_output_tokens bigint, batch_reasoning_tokens bigint, batch_cost_usd double precision,
    batch_attempt bigint, batch_custom_id varchar(32), batch_input_hash varchar(32),
    batch_prompt_version varchar(32), batch_id varchar(65535), batch_run_id varchar(65535),
    batch_snapshot_at timestamp, batch_processed_at timestamp)"""
# Answered rows are not sent again. They are read page by page: millions of rows are better unloaded by
# RedshiftToS3Operator (unload_options=["parquet", "cleanpath"]), with their "path" as the source.
NEW = """select id, subject, body from tickets t
    where day > '{{ macros.ds_add(data_interval_end | default(dag_run.run_after, true) | ds, -7) }}'
    and not exists (select 1 from ticket_labels l where l.id = t.id
        and l.batch_status not in ('failed', 'expired', 'cancelled', 'missing'))"""
MERGE = [
    """delete from ticket_labels using ticket_labels_new s where ticket_labels.id = s.id
    and ticket_labels.batch_status in ('failed', 'expired', 'cancelled', 'missing')""",
    """insert into ticket_labels select s.* from ticket_labels_new s
    where not exists (select 1 from ticket_labels t where t.id = s.id)""",
]

with DAG(
    "label_in_redshift",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2},
    tags=["openai", "batch"],
) as dag:
    make = SQLExecuteQueryOperator(
        task_id="make",
        conn_id="redshift",
        sql=[
            "create table if not exists ticket_labels " + COLUMNS,
            "create table if not exists ticket_labels_new " + COLUMNS,
        ],
    )
    label = OpenAIBatchTaskGroup(
        group_id="label",
        source={"conn_id": "redshift", "sql": NEW, "key": "id"},
        request={
            "model": "gpt-5-mini",
            "messages": [{"role": "user", "content": "Classify this ticket:\n{subject}\n{body}"}],
        },
        output_type=["bug", "feature", "billing"],
        target={
            "path": "s3://aws_default@lake/ticket_labels",
            "mode": "replace_partition",
            "partition": {"night": NIGHT},
        },
    )
    copy = S3ToRedshiftOperator(
        task_id="copy",
        redshift_conn_id="redshift",
        aws_conn_id="aws_default",
        table="ticket_labels_new",
        s3_bucket="lake",
        copy_options=["format as parquet"],
        method="REPLACE",
        s3_key=f"ticket_labels/night={NIGHT}/results.parquet",
        trigger_rule="none_skipped",  # also if load failed because too many rows failed: they are paid for
    )
    merge = SQLExecuteQueryOperator(task_id="merge", conn_id="redshift", sql=MERGE)
    make >> label >> copy >> merge
