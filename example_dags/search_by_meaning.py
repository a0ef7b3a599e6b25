"""Every night, embed the new and changed articles of the knowledge base, for a search by meaning."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

with DAG(
    dag_id="search_by_meaning",
    schedule="0 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # overlapping runs would both pay for the same rows
    tags=["openai", "batch"],
) as dag:
    OpenAIBatchTaskGroup(
        group_id="embed",
        source={
            "conn_id": "warehouse",
            # The whole table: unchanged articles that are embedded already are skipped at no cost.
            "table": "articles",
            "key": "id",
            "carry": "title",
        },
        request={
            "endpoint": "/v1/embeddings",
            "model": "text-embedding-3-small",
            "dimensions": 512,  # without it 1,536; your own `vector(n)` needs the same n
            "input": "{title}\n\n{body}",
        },
        target={"conn_id": "warehouse", "table": "article_vectors"},
    )
