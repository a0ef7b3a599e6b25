"""Every night, label the new tickets in Snowflake; results come back through an external stage and a MERGE.

The bucket `lake` is both Airflow's (connection `aws_default`) and Snowflake's external stage `lake`.
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.snowflake.transfers.copy_into_snowflake import CopyFromExternalStageToSnowflakeOperator

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

# The day of the run; a manual run or one by an asset has no data interval.
NIGHT = "{{ data_interval_end | default(dag_run.run_after, true) | ds }}"
COLUMNS = """(id number(38, 0), label varchar, batch_status varchar, batch_error_message varchar,
    batch_cost_usd float, batch_run_id varchar, batch_snapshot_at timestamp_ltz)"""
# Answered rows are not sent again. Millions of rows: unload this query by `copy into @lake/tickets` (Parquet,
# `header = true`) in a task of its own, and give {"path": "s3://aws_default@lake/tickets"} as the source.
NEW = """select id, subject, body from tickets t
    where day > '{{ macros.ds_add(data_interval_end | default(dag_run.run_after, true) | ds, -7) }}'
    and not exists (select 1 from ticket_labels l where l.id = t.id
        and l.batch_status not in ('failed', 'expired', 'cancelled', 'missing'))"""
MERGE = """merge into ticket_labels t using (select * from ticket_labels_new
        qualify row_number() over (partition by id order by batch_snapshot_at desc) = 1) s on t.id = s.id
    when matched and t.batch_status in ('failed', 'expired', 'cancelled', 'missing') then update set
        label = s.label, batch_status = s.batch_status, batch_error_message = s.batch_error_message,
        batch_cost_usd = s.batch_cost_usd, batch_run_id = s.batch_run_id,
        batch_snapshot_at = s.batch_snapshot_at
    when not matched then insert values (s.id, s.label, s.batch_status, s.batch_error_message,
        s.batch_cost_usd, s.batch_run_id, s.batch_snapshot_at)"""

with DAG(
    "label_in_snowflake",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2},
    tags=["openai", "batch"],
) as dag:
    make = SQLExecuteQueryOperator(
        task_id="make",
        conn_id="snowflake",
        sql=[
            "create table if not exists ticket_labels " + COLUMNS,
            "create or replace table ticket_labels_new " + COLUMNS,
        ],
    )
    label = OpenAIBatchTaskGroup(
        group_id="label",
        source={"conn_id": "snowflake", "sql": NEW, "key": "id"},
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
    copy = CopyFromExternalStageToSnowflakeOperator(
        task_id="copy",
        snowflake_conn_id="snowflake",
        table="ticket_labels_new",
        stage="lake",
        files=[f"ticket_labels/night={NIGHT}/results.parquet"],
        file_format="(type = parquet, use_logical_type = true)",
        copy_options="match_by_column_name = case_insensitive",
        trigger_rule="none_skipped",  # also if load failed because too many rows failed: they are paid for
    )
    merge = SQLExecuteQueryOperator(task_id="merge", conn_id="snowflake", sql=MERGE)
    make >> label >> copy >> merge
