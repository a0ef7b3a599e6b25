"""Every night, embed what is new or has changed in the knowledge base, for a search by meaning."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

with DAG(
    dag_id="search_by_meaning",
    schedule="0 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # two runs over the same rows are two runs, and both are paid
    tags=["openai", "batch"],
) as dag:
    OpenAIBatchTaskGroup(
        group_id="embed",
        source={
            "conn_id": "warehouse",
            # All of it: articles that are embedded already, and have not changed, are skipped for free.
            "table": "articles",
            "key": "id",
            "carry": "title",
        },
        request={
            "endpoint": "/v1/embeddings",
            "model": "text-embedding-3-small",
            "dimensions": 512,  # leave it out for all 1,536; a `vector(n)` of yours has the same n
            "input": "{title}\n\n{body}",
        },
        target={"conn_id": "warehouse", "table": "article_vectors"},
    )
