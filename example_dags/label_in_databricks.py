"""Every night, label the new tickets in Databricks; results come back by COPY INTO and a MERGE.

Databricks reads the bucket `lake` as an external location; Airflow writes it (connection `aws_default`).
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.providers.databricks.operators.databricks_sql import (
    DatabricksCopyIntoOperator,
    DatabricksSqlOperator,
)

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

# The day of the run; a manual run or one by an asset has no data interval.
NIGHT = "{{ data_interval_end | default(dag_run.run_after, true) | ds }}"
COLUMNS = """(id bigint, label string, batch_status string, batch_error_message string,
    batch_cost_usd double, batch_run_id string, batch_snapshot_at timestamp)"""
# Answered rows are not sent again. Millions of rows: write this query to the lake by `insert overwrite
# directory 's3://lake/tickets' using parquet` in a task of its own; "path" names them as the source.
NEW = """select id, subject, body from tickets t
    where day > '{{ macros.ds_add(data_interval_end | default(dag_run.run_after, true) | ds, -7) }}'
    and not exists (select 1 from ticket_labels l where l.id = t.id
        and l.batch_status not in ('failed', 'expired', 'cancelled', 'missing'))"""
MERGE = """merge into ticket_labels t using (select * from ticket_labels_new
        qualify row_number() over (partition by id order by batch_snapshot_at desc) = 1) s on t.id = s.id
    when matched and t.batch_status in ('failed', 'expired', 'cancelled', 'missing') then update set *
    when not matched then insert *"""

with DAG(
    "label_in_databricks",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2},
    tags=["openai", "batch"],
) as dag:
    make = DatabricksSqlOperator(
        task_id="make",
        databricks_conn_id="databricks",
        sql=[
            "create table if not exists ticket_labels " + COLUMNS,
            "create or replace table ticket_labels_new " + COLUMNS,
        ],
    )
    label = OpenAIBatchTaskGroup(
        group_id="label",
        source={"conn_id": "databricks", "sql": NEW, "key": "id"},
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
    copy = DatabricksCopyIntoOperator(
        task_id="copy",
        databricks_conn_id="databricks",
        table_name="ticket_labels_new",
        file_format="PARQUET",
        file_location=f"s3://lake/ticket_labels/night={NIGHT}",
        files=["results.parquet"],
        expression_list="id, label, batch_status, batch_error_message, batch_cost_usd, "
        "batch_run_id, batch_snapshot_at",
        force_copy=True,  # the file of a cleared night, too; what a retry copies twice is merged once
        trigger_rule="none_skipped",  # also if load failed because too many rows failed: they are paid for
    )
    merge = DatabricksSqlOperator(task_id="merge", databricks_conn_id="databricks", sql=MERGE)
    make >> label >> copy >> merge
