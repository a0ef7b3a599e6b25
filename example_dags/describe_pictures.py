"""Describe the pictures of a catalog, which are a column of bytes, through `/v1/responses`."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_openai_batch.task_group import OpenAIBatchTaskGroup

with DAG(
    dag_id="describe_pictures",
    schedule="0 4 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,  # overlapping runs would both pay for the same rows
    tags=["openai", "batch"],
) as dag:
    OpenAIBatchTaskGroup(
        group_id="describe",
        source={"conn_id": "warehouse", "table": "products", "key": "sku", "carry": "name"},
        request={
            "endpoint": "/v1/responses",
            "model": "gpt-5-mini",
            "instructions": "Describe the product for a customer who cannot see the picture.",
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "It is sold as {name}."},
                        {
                            "type": "input_image",
                            "detail": "low",
                            "image_url": "data:image/png;base64,{picture}",
                        },
                    ],
                }
            ],
            "max_output_tokens": 2_000,
        },
        output_type={
            "type": "object",
            "properties": {"alt_text": {"type": "string"}, "color": {"type": "string"}},
            "required": ["alt_text", "color"],
        },
        target={"conn_id": "warehouse", "table": "product_pictures"},
    )
