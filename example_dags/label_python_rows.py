"""Label rows that a Python function yields: from an API, a log, or whatever Airflow has no table of."""

from __future__ import annotations

import csv
from pathlib import Path

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup


def reviews(folder, ds):
    """Yield a dict for each row, of which only a block is in memory. `ds` is Airflow's."""
    for path in sorted(Path(folder).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                yield {"id": f"{path.stem}-{row['id']}", "review": row["review"], "read_on": ds}


with DAG(
    dag_id="label_python_rows",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    max_active_runs=1,
    params={"folder": "/data/reviews"},
    tags=["openai", "batch"],
) as dag:
    OpenAIBatchTaskGroup(
        group_id="label",
        source={
            "call": reviews,
            "op_kwargs": {"folder": "{{ params.folder }}"},
            "key": "id",
            "carry": "read_on",
        },
        request={
            "model": "gpt-5-mini",
            "messages": [{"role": "user", "content": "Does this review praise or complain?\n\n{review}"}],
        },
        output_type=["praise", "complaint", "both", "neither"],
        target={"conn_id": "warehouse", "table": "review_labels"},
    )
