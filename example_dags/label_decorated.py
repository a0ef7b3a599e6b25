"""Label rows of Python functions by a decorator: one function once, and once for each product."""

from __future__ import annotations

import csv
from pathlib import Path

import pendulum
from airflow.providers.common.compat.sdk import DAG, task

with DAG(
    dag_id="label_decorated",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    max_active_runs=1,
    tags=["openai", "batch"],
) as dag:

    @task
    def products():
        return sorted(path.stem for path in Path("/data/reviews").glob("*.csv"))

    @task.openai_batch(
        source={"key": ["product", "id"], "carry": "read_on"},
        request={
            "model": "gpt-5-mini",
            "messages": [{"role": "user", "content": "Does this review praise or complain?\n\n{review}"}],
        },
        output_type=["praise", "complaint", "both", "neither"],
        target={"conn_id": "warehouse", "table": "review_labels"},
    )
    def reviews(product, ds):
        """Yield the reviews of a product. `ds` is Airflow's."""
        with Path(f"/data/reviews/{product}.csv").open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                yield {"product": product, "id": row["id"], "review": row["review"], "read_on": ds}

    @task
    def count(loaded):
        return sum(result["rows"] for result in loaded)

    labelled = reviews.expand(product=products())
    count(labelled.get_child_by_label("load").output)
